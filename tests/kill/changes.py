"""Random change events, and what must come of them: a naive twin of the job in targets.py, written from
docs/lua-api.md ("Tables") with dicts and lists. It knows nothing of batches, so what it says holds however a
run was cut into them."""
import decimal, json, random

D = decimal.Decimal
PARTITIONS = 2
PRODUCTS = ['mouse', 'laptop', 'a "quoted", long name', 'caf\u00e9', 'x']
MALFORMED = ['{"id":3,"product":"cut', 'no json at all', '{"id":1,"quantity":}', '[1,2', '{"id" 5}']
COLUMNS = ('id', 'product', 'quantity', 'price', 'seq')


class Event:
    """One message: `fields` is what its JSON says; None: a tombstone of `key`; a str: bytes that are no JSON."""

    def __init__(self, key, fields):
        self.key, self.fields = key, fields
        self.partition = (key or 0) % PARTITIONS
        self.offset = None

    def line(self):
        """As kafka_tool produce takes it."""
        if self.fields is None:
            value = '@NULL@'
        elif isinstance(self.fields, str):
            value = self.fields
        else:
            value = '{%s}' % ','.join('"%s":%s' % (n, v if isinstance(v, D) else json.dumps(v, ensure_ascii=False))
                                      for n, v in self.fields.items())
        key = '@NULL@' if self.key is None else '{"id":%d}' % self.key
        return ('%d\t0\t%s\t%s\n' % (self.partition, key, value)).encode()


class Events:
    """An endless supply. Offsets are counted: one producer, a partition's messages in order."""
    unfit = 'a lot'     # no quantity
    first = 300         # so many before the job starts
    to_come = ()        # what every session has to see

    def __init__(self, seed, keys=60):
        self.rng, self.keys = random.Random(seed), keys
        self.sequence = 0
        self.all = []
        self.next = [0] * PARTITIONS

    def add(self, key, fields):
        event = Event(key, fields)
        event.offset = self.next[event.partition]
        self.next[event.partition] += 1
        self.all.append(event)

    def change(self, op, key):
        r = self.rng
        self.sequence += 1
        fields = {'id': key, 'op': op, 'seq': self.sequence}
        if op != 'delete' or r.random() < 0.5:
            for name, value in (('product', r.choice(PRODUCTS)), ('quantity', r.randrange(-3, 50)),
                                ('price', D(r.randrange(0, 100000)).scaleb(-2))):
                if r.random() < 0.85:
                    fields[name] = None if r.random() < 0.1 else value
        return fields

    def some(self, count):
        """The next `count` events or one more."""
        first = len(self.all)
        while len(self.all) - first < count:
            self.one()
        return self.all[first:]

    def one(self):
        r, key = self.rng, self.rng.randrange(self.keys)
        what = r.random()
        if what < 0.72:
            self.add(key, self.change(r.choice(['insert', 'update', 'update', 'update', 'delete', 'u', 'c', 'd']), key))
        elif what < 0.78:       # the key changes
            self.add(key, self.change('delete', key))
            other = r.randrange(self.keys)
            self.add(other, self.change('insert', other))
        elif what < 0.84 and self.all:
            again = r.choice(self.all[-40:])    # the same event once more, maybe after later ones of its key
            self.add(again.key, again.fields)
        elif what < 0.88:
            self.add(key, r.choice(MALFORMED))
        elif what < 0.91:
            self.add(key, self.change('frobnicate', key))
        elif what < 0.93:
            fields = self.change('update', key)
            fields['id'] = None
            self.add(key, fields)
        elif what < 0.95:
            fields = self.change('update', key)
            fields['quantity'] = self.unfit
            self.add(key, fields)
        elif what < 0.98:
            self.add(key, None)
        else:
            fields = self.change('insert', key)
            fields['more'] = {'nobody': [1, 'reads', None]}
            self.add(key, fields)


# ---- the definition ----

class Entry:
    row = None
    sequence = None     # of the last event that counted
    awaits = False      # a delete came: the tombstone behind it says nothing new


class Model:
    """All of the job, event by event. `sequence`, `patch` and `rule` are the job's options."""
    columns = COLUMNS

    def __init__(self, sequence, patch, rule):
        self.sequence, self.patch, self.rule = sequence, patch, rule
        self.entries, self.stream, self.dead = {}, [], {}

    def take_all(self, events):
        for e in events:
            self.take(e)
        return self

    def take(self, e):
        at = (e.partition, e.offset)
        if isinstance(e.fields, str) or (e.fields is not None and e.fields.get('quantity') == Events.unfit):
            self.dead[at] = 'malformed'         # mode = "drop": nothing of it is used
            return
        # a tombstone has the columns of its message key, nothing else
        row = {c: ({'id': e.key} if e.fields is None else e.fields).get(c) for c in self.columns}
        self.stream.append(dict(row, op=(e.fields or {}).get('op'), p=e.partition, o=e.offset))
        reason = self.merge(e, row)
        if reason:
            self.dead[at] = reason

    def merge(self, e, row):
        if e.fields is None:
            self.tombstone(self.entries.setdefault(e.key, Entry()))
            return None
        op = {'c': 'insert', 'u': 'update', 'd': 'delete'}.get(e.fields['op'], e.fields['op'])
        if op not in ('insert', 'update', 'delete') or row['id'] is None:
            return 'merge'
        entry = self.entries.setdefault(row['id'], Entry())
        if op == 'delete':
            entry.awaits = True
        if self.sequence and entry.sequence is not None and row['seq'] <= entry.sequence:
            return None         # stale
        old = entry.row
        if op == 'delete':
            entry.row = None
        else:
            if self.patch and old is not None:
                row = {c: row[c] if c in e.fields else old[c] for c in self.columns}
            if self.rule and old is not None and row['quantity'] is not None and row['quantity'] < 0:
                return 'lua'    # refused: as if it had not come
            entry.row = row
        entry.sequence = row['seq']
        return None

    @staticmethod
    def tombstone(entry):
        if entry.awaits:
            entry.awaits = False
        else:
            entry.row = None

    # what each kind of target must hold: {key: row}

    def rows(self):
        return {(k,): e.row for k, e in self.entries.items() if e.row is not None}

    def units(self):
        """group_by product over the current rows"""
        groups = {}
        for row in self.rows().values():
            groups.setdefault((row['product'],), []).append(row)
        return {at: {'product': at[0], 'n': len(rows), 'units': total(present(rows, 'quantity')),
                     'top': max(present(rows, 'price'), default=None), 'oldest': min(r['seq'] for r in rows),
                     'kinds': len(set(present(rows, 'quantity')))} for at, rows in groups.items()}

    def ops(self):
        """group_by op over the events"""
        groups = {}
        for row in self.stream:
            groups.setdefault((row['op'],), []).append(row)
        return {at: {'op': at[0], 'n': len(rows), 'units': total(present(rows, 'quantity')),
                     'ids': len(set(present(rows, 'id'))), 'last': max(present(rows, 'seq'), default=None)}
                for at, rows in groups.items()}

    def events(self):
        return {(r['p'], r['o']): r for r in self.stream}


def present(rows, column):
    return [r[column] for r in rows if r[column] is not None]


def total(values):
    return sum(values) if values else None
