"""The targets of the kill rounds: for each what the script says, how it is read back by somebody else's program,
and how it is judged against changes.Model."""
import csv, decimal, json, os, sqlite3, subprocess

D = decimal.Decimal
INTS = {'id', 'quantity', 'seq', 'n', 'units', 'oldest', 'kinds', 'ids', 'last', 'p', 'o'}

JOB = '''local cdcl = require "cdcl"
cdcl.job { name = "kill", checkpoint = "state"%(trigger)s, dead_letters = { %(dead)s },
  error_budget = 1000000000, error_budget_per_minute = 1000000000 }
local events = cdcl.kafka { topic = "%(topic)s", mode = "drop", starting_offsets = "earliest",
  max_offsets_per_trigger = %(limit)d,
  schema = "id int, product string, quantity int, price decimal(10,2), seq bigint, op string" }
local orders = events:merge { name = "orders", key = "id"%(merge)s }
local units = orders:group_by "product":agg("count(*) as n", "sum(quantity) as units", "max(price) as top",
  "min(seq) as oldest", "count(distinct quantity) as kinds")
local ops = events:group_by "op":agg("count(*) as n", "sum(quantity) as units", "count(distinct id) as ids",
  "max(seq) as last")
orders:agg "count(*) as n":to(cdcl.foreach_batch({ output_mode = "update" }, function() end))     -- a Table that nobody looks at is not made
local all = events:select("id", "product", "quantity", "price", "seq", "op", "@partition as p", "@offset as o")
'''
RULE = ''',
  on_update = function(old, new)
    if (new.quantity or 0) < 0 then return nil, "negative" end
    return new
  end'''


def want(condition, *told):
    if not condition:
        raise AssertionError(' | '.join(str(t) for t in told))


def plain(row):
    """One form for what JSON, SQL and CSV give."""
    out = {}
    for name, value in row.items():
        if value is not None and name in ('price', 'top'):
            value = D(str(value)).quantize(D('0.01'))
        elif value is not None and name in INTS:
            value = int(value)
        out[name] = value
    return out


def loads(text):
    return json.loads(text, parse_float=D)


class Place:
    """Where a session's targets are: a folder, topics, databases."""

    def __init__(self, folder, broker, tool, postgres, python, tag, form=plain):
        self.folder, self.broker, self.tool = folder, broker, tool
        self.postgres, self.python, self.tag = postgres, python, tag
        self.form = form        # of a row that was read

    def topic(self, name):
        return '%s_%s' % (self.tag, name)

    def connection(self):
        return 'host=127.0.0.1 port=%d user=postgres dbname=postgres' % self.postgres.port


class Target:
    """`what` is one of the job's values: orders, units, ops (kept by key) or all (each event is a row)."""

    exactly_once = False        # of rows that are appended; what is kept by key is judged by its value

    def __init__(self, name, what, key, place, **options):
        self.name, self.what, self.key, self.place, self.options = name, what, key, place, options
        self.mode = options.get('output_mode')

    def script(self):
        options = ', '.join('%s = %s' % (n, json.dumps(v)) for n, v in self.options.items())
        return '%s:to(%s)\n' % (self.what, self.sink() % (', ' + options if options else ''))

    def wanted(self, model):
        return {'orders': model.rows, 'units': model.units, 'ops': model.ops, 'all': model.events}[self.what]()

    def judge(self, model):
        """Answers how many rows came more than once."""
        wanted, rows = self.wanted(model), [self.place.form(r) for r in self.read()]
        if self.mode == 'changelog':
            return self.judge_changelog(wanted, rows)
        found, twice = {}, 0
        for row in rows:
            at = tuple(row[k] for k in self.key)
            want(at in wanted, self.name, 'too much', row)
            want(row == wanted[at], self.name, 'got %r' % row, 'wanted %r' % wanted[at])
            twice += at in found
            found[at] = row
        lost = [w for w in wanted if w not in found]
        want(not lost, self.name, '%d of %d are missing' % (len(lost), len(wanted)), [wanted[w] for w in lost[:3]])
        want(twice == 0 or (self.what == 'all' and not self.exactly_once), self.name, '%d rows came twice' % twice)
        return twice

    def judge_changelog(self, wanted, rows):
        """Led through row by row it ends at the wanted rows; exactly once: every row fits the ones before it."""
        now, odd = {}, 0
        for row in rows:
            kind = row.pop('@kind')
            at = tuple(row[k] for k in self.key)
            fits = at not in now if kind == '+I' else kind == '+U' or now.get(at) == row
            want(fits or not self.exactly_once, self.name, kind, row, 'there is %r' % now.get(at))
            odd += not fits
            if kind in ('+I', '+U'):
                now[at] = row
            elif kind == '-D':
                now.pop(at, None)
        different = [(at, now.get(at), wanted.get(at)) for at in set(now) | set(wanted) if now.get(at) != wanted.get(at)]
        want(not different, self.name, 'the changelog ends elsewhere', len(different), different[:2])
        return odd


class File(Target):
    exactly_once = True

    def sink(self):
        return 'cdcl.file_sink { path = "%s"%%s }' % self.name

    def read(self):
        try:
            with open(os.path.join(self.place.folder, self.name), encoding='utf-8', newline='') as f:
                text = f.read()
        except FileNotFoundError:
            return []
        if self.name.endswith('.csv'):
            return [{n: v if v != '' else None for n, v in row.items()} for row in csv.DictReader(text.splitlines())]
        want(text == '' or text.endswith('\n'), self.name, 'its last line is cut')
        return [loads(line) for line in text.split('\n')[:-1]]


class Sqlite(Target):
    exactly_once = True

    def sink(self):
        return 'cdcl.sqlite_sink { path = "out.db", table = "%s"%%s }' % self.name

    def read(self):
        db = sqlite3.connect(os.path.join(self.place.folder, 'out.db'))
        db.row_factory = sqlite3.Row
        try:
            want(db.execute('pragma integrity_check').fetchone()[0] == 'ok', 'out.db is damaged')
            return [dict(r) for r in db.execute('select * from "%s"' % self.name)]
        finally:
            db.close()


class Postgres(Target):
    exactly_once = True

    def sink(self):
        return 'cdcl.postgres_sink { connection = "%s", table = "%s"%%s }' % (
            self.place.connection(), self.place.topic(self.name))

    def read(self):
        return loads(self.place.postgres.run("select coalesce(json_agg(to_json(q)), '[]') from %s q" %
                                             self.place.topic(self.name)))


class Parquet(Target):
    exactly_once = True

    def sink(self):
        return 'cdcl.parquet_sink { path = "%s"%%s }' % self.name

    def read(self):
        program = ('import json, sys, os, glob, pyarrow.parquet as pq\n'
                   'rows = []\n'
                   'for f in sorted(glob.glob(sys.argv[1] + "/**/*.parquet", recursive=True)):\n'
                   '    if not os.path.relpath(f, sys.argv[1]).startswith((".", "_")):\n'
                   '        rows += pq.ParquetFile(f).read().to_pylist()\n'
                   'print(json.dumps(rows, default=str))')
        r = subprocess.run([self.place.python, '-c', program, os.path.join(self.place.folder, self.name)],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        want(r.returncode == 0, self.name, r.stderr.decode()[-800:])
        return loads(r.stdout.decode())


class Kafka(Target):
    exactly_once = True

    def sink(self):
        return 'cdcl.kafka_sink { topic = "%s"%%s }' % self.place.topic(self.name)

    def read(self):
        """Under a Table what the last message of each key says. A key lives in one partition."""
        topic = self.place.topic(self.name)
        r = subprocess.run(['kcat', '-b', self.place.broker.bootstrap, '-C', '-t', topic, '-e', '-q', '-J',
                            '-X', 'isolation.level=read_committed'], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=120)
        got = [json.loads(line) for line in r.stdout.decode().splitlines()]
        if self.what == 'all' or self.mode == 'changelog':
            return [loads(m['payload']) for m in got]
        last = {m['key']: m['payload'] for m in got}
        return [loads(v) for v in last.values() if v is not None]


class DeadFile(Target):
    exactly_once = True

    def script(self):
        return ''

    def read(self):
        try:
            with open(os.path.join(self.place.folder, 'dead.jsonl'), encoding='utf-8') as f:
                return list(self.letters(f))
        except FileNotFoundError:
            return []

    def letters(self, lines):
        for line in lines:
            try:
                yield loads(line)
            except ValueError:      # a batch that was cut in mid-line comes again, behind it
                want(not self.exactly_once, self.name, 'a line is cut', line)

    def judge(self, model):
        seen, twice = {}, 0
        for letter in self.read():
            at = (letter['partition'], letter['offset'])
            twice += at in seen
            seen[at] = letter['reason']
        want(seen == model.dead, self.name, 'lost', sorted(set(model.dead) - set(seen))[:5], 'too much',
             sorted(set(seen) - set(model.dead))[:5],
             'other reason', [(a, seen[a], model.dead[a]) for a in seen if model.dead.get(a) != seen[a]][:5])
        want(twice == 0 or not self.exactly_once, self.name, '%d letters came twice' % twice)
        return twice


class DeadTopic(DeadFile):
    exactly_once = True

    def read(self):
        r = subprocess.run(['kcat', '-b', self.place.broker.bootstrap, '-C', '-t', self.place.topic('dead'), '-e', '-q',
                            '-X', 'isolation.level=read_committed'], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=120)
        return [loads(line) for line in r.stdout.decode().splitlines()]


def dead(place, in_topic):
    """The place of the dead letters: its words in the job, and who reads them."""
    if in_topic:
        return 'topic = "%s"' % place.topic('dead'), DeadTopic('dead topic', None, None, place)
    return 'path = "dead.jsonl"', DeadFile('dead.jsonl', None, None, place)


KEYS = {'orders': ('id',), 'units': ('product',), 'ops': ('op',), 'all': ('p', 'o')}
ALL = [
    (File, 'rows.jsonl', 'orders', {}),
    (File, 'rows.csv', 'orders', {'format': 'csv'}),
    (File, 'units.jsonl', 'units', {}),
    (File, 'ops.jsonl', 'ops', {}),
    (File, 'all.jsonl', 'all', {}),
    (File, 'log.jsonl', 'orders', {'output_mode': 'changelog'}),
    (Sqlite, 'rows', 'orders', {}),
    (Sqlite, 'units', 'units', {}),
    (Sqlite, 'all', 'all', {}),
    (Postgres, 'rows', 'orders', {}),
    (Postgres, 'ops', 'ops', {}),
    (Postgres, 'all', 'all', {}),
    (Parquet, 'rows', 'orders', {'buckets': 4}),
    (Parquet, 'all', 'all', {}),
    (Parquet, 'log', 'orders', {'output_mode': 'changelog'}),
    (Kafka, 'rows', 'orders', {}),
    (Kafka, 'units', 'units', {}),
    (Kafka, 'all', 'all', {}),
    (Kafka, 'log', 'orders', {'output_mode': 'changelog'}),
]


def targets(place, chosen=None):
    """All that this machine can judge; or the one of that number among them."""
    there = [t for t in ALL if not (t[0] is Postgres and place.postgres is None) and
             not (t[0] is Parquet and place.python is None)]
    if chosen is not None:
        there = [there[chosen % len(there)]]
    return [kind(name, what, KEYS[what], place, **options) for kind, name, what, options in there]


def job(place, topic, aims, frame=JOB, **options):
    """The script. `options` are those of the frame."""
    return frame % dict(options, topic=topic) + ''.join(t.script() for t in aims)
