"""Random transactions on four tables, as SQL text for PostgreSQL and for MariaDB.

    orders  plain rows; primary keys change, a column is added in mid-stream
    docs    long texts that most updates leave alone (PostgreSQL does not send those); a column is dropped
    lines   two key columns, in another order than in the row; a column is widened
    carts   truncated in mid-stream; later a column is added

The generator knows no rows: it names keys of a small range, so that inserts hit existing rows and updates
and deletes missing ones. Whatever the databases make of it is the truth."""

KEYS = 400

TABLES = {
    'postgres': '''
create table orders(order_id int primary key, product text not null, quantity int default 7,
 price numeric(10,2), placed_at timestamptz, note text);
create table docs(id bigint primary key, title text, body text, flag boolean, old text);
alter table docs alter column body set storage external;
create table lines(order_id int, line int, qty int, amount numeric(20,4), unit text default 'kg',
 primary key(line, order_id));
create table carts(id int primary key, v text);
''',
    'mariadb': '''
create table orders(order_id int primary key, product varchar(50) not null, quantity int default 7,
 price decimal(10,2), placed_at timestamp(6) null, note text);
create table docs(id bigint primary key, title varchar(100), body mediumtext, flag boolean, old varchar(20));
create table `lines`(order_id int, line int, qty int, amount decimal(20,4), unit varchar(10) default 'kg',
 primary key(line, order_id));
create table carts(id int primary key, v varchar(50));
'''}
CHANGES = {  # in mid-stream, at a third and at two thirds
    'postgres': ['alter table orders add column color text;',
                 'alter table docs drop column old; alter table lines alter column qty type bigint;'
                 'alter table carts add column w int;'],
    'mariadb': ['alter table orders add column color varchar(20);',
                'alter table docs drop column old; alter table `lines` modify column qty bigint;'
                'alter table carts add column w int;']}
KEY_COLUMNS = {'orders': ['order_id'], 'docs': ['id'], 'lines': ['line', 'order_id'], 'carts': ['id']}
LAST = 999999   # the key of the row that each table gets when all is over


class Workload:
    def __init__(self, rng, dialect):
        self.rng, self.dialect, self.step = rng, dialect, 0
        self.mariadb = dialect == 'mariadb'

    def key(self):
        return self.rng.randint(1, KEYS)

    def text(self, most=12):
        letters = ['a', 'B', 'ü', '😀', ' ', '"', '\\\\' if self.mariadb else '\\', "''", ',', '{', '中', '\t', 'null']
        return "'%s'" % ''.join(self.rng.choice(letters) for _ in range(self.rng.randint(0, most)))

    def maybe(self, text):
        return 'null' if self.rng.random() < 0.2 else text

    def price(self):
        return self.maybe('%d.%02d' % (self.rng.randint(-99999, 9999999), self.rng.randint(0, 99)))

    def when(self):
        micros = self.rng.choice(['', '.5', '.123456', '.000001'])
        return self.maybe("'%04d-%02d-%02d %02d:%02d:%02d%s'" % (
            self.rng.randint(1971, 2037), self.rng.randint(1, 12), self.rng.randint(1, 28), self.rng.randint(0, 23),
            self.rng.randint(0, 59), self.rng.randint(0, 59), micros))

    def upsert(self, table, key, columns, values, updates):
        names = ', '.join(columns)
        assign = ', '.join(updates)
        tail = 'on duplicate key update ' + assign if self.mariadb else \
            'on conflict (%s) do update set %s' % (key, assign)
        return 'insert into %s(%s) values (%s) %s' % (self.name(table), names, ', '.join(values), tail)

    def name(self, table):
        return '`lines`' if self.mariadb and table == 'lines' else table

    def orders(self):
        k, dice = self.key(), self.rng.random()
        if dice < 0.45:
            price = self.price()
            return self.upsert('orders', 'order_id', ['order_id', 'product', 'quantity', 'price', 'placed_at', 'note'],
                               [str(k), self.text(), self.maybe(str(self.rng.randint(-5, 99))), price, self.when(),
                                self.maybe(self.text(30))], ['quantity = %s' % self.maybe('3'), 'price = ' + price])
        if dice < 0.6:
            return 'update orders set quantity = quantity + 1, note = %s where order_id = %d' % (
                self.maybe(self.text()), k)
        if dice < 0.65:
            return 'update orders set price = price + 0.01 where order_id between %d and %d' % (k, k + 5)
        if dice < 0.8:
            return 'delete from orders where order_id = %d' % k
        if dice < 0.9:
            other = self.key()
            free = 'update ignore orders set order_id = %d where order_id = %d' if self.mariadb else \
                'update orders set order_id = %d where order_id = %d and not exists ' \
                '(select 1 from orders o where o.order_id = %d)' % (other, k, other)
            return free % (other, k) if self.mariadb else free
        if self.step > 1:
            return "update orders set color = %s where order_id = %d" % (self.maybe(self.text(5)), k)
        return 'insert into orders(order_id, product) select %d, %s where not exists ' \
               '(select 1 from orders where order_id = %d)' % (k, self.text(), k)

    def docs(self):
        k, dice = self.key() % 40, self.rng.random()
        body = "repeat('%s', %d)" % (self.rng.choice('xyzü'), self.rng.randint(1, 5000))
        if dice < 0.4:
            return self.upsert('docs', 'id', ['id', 'title', 'body', 'flag'],
                               [str(k + (1 << 53)), self.text(), self.maybe(body), self.rng.choice(['true', 'false', 'null'])],
                               ['body = ' + body])
        if dice < 0.8:
            return 'update docs set title = %s, flag = not flag where id = %d' % (self.text(), k + (1 << 53))
        return 'delete from docs where id = %d' % (k + (1 << 53))

    def lines(self):
        o, line, dice = self.key() % 50, self.rng.randint(1, 3), self.rng.random()
        where = 'order_id = %d and line = %d' % (o, line)
        if dice < 0.5:
            qty = self.maybe(str(self.rng.randint(-2147483648, 2147483647)))
            return self.upsert('lines', 'line, order_id', ['line', 'order_id', 'qty', 'amount', 'unit'],
                               [str(line), str(o), qty, self.price() + '', self.maybe(self.text(3))],
                               ['qty = ' + qty, 'unit = null'])
        if dice < 0.75:
            return 'update %s set amount = amount * 1.0001, unit = %s where %s' % (
                self.name('lines'), self.maybe(self.text(3)), where)
        if dice < 0.85 and self.mariadb:
            return 'update ignore %s set line = line + 10 where %s' % (self.name('lines'), where)
        if dice < 0.85:
            return 'update lines set line = line + 10 where %s and not exists (select 1 from lines l where ' \
                   'l.order_id = %d and l.line = %d)' % (where, o, line + 10)
        return 'delete from %s where %s' % (self.name('lines'), where)

    def carts(self):
        k = self.key() % 30
        if self.step > 1 and self.rng.random() < 0.5:
            return 'update carts set w = %s where id = %d' % (self.maybe(str(self.key())), k)
        return self.rng.choice([
            self.upsert('carts', 'id', ['id', 'v'], [str(k), self.maybe(self.text())], ["v = %s" % self.text()]),
            'delete from carts where id = %d' % k])

    def statement(self):
        return self.rng.choice([self.orders, self.orders, self.orders, self.docs, self.lines, self.lines, self.carts])()

    def batch(self, statements):
        """Some transactions; a sixth is rolled back."""
        out = []
        while statements > 0:
            size = self.rng.choice([1, 1, 1, 2, 5, 20])
            mine = [self.statement() for _ in range(size)]
            statements -= size
            if size > 1 or self.rng.random() < 0.1:
                mine = ['begin'] + mine + [self.rng.choice(['commit'] * 5 + ['rollback'])]
            out += mine
        return ';\n'.join(out) + ';\n'

    def alter(self):
        self.step += 1
        return CHANGES[self.dialect][self.step - 1]

    def truncate(self):
        return 'truncate table carts;\n'

    def finish(self):
        return ';\n'.join([
            "insert into orders(order_id, product, quantity) values (%d, 'last', null)" % LAST,
            "insert into docs(id, title) values (%d, 'last')" % LAST,
            "insert into %s(order_id, line) values (%d, %d)" % (self.name('lines'), LAST, LAST),
            "insert into carts(id, v) values (%d, 'last')" % LAST]) + ';\n'
