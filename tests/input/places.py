"""Values that would like to be something else: SQL, a path, a formula, a line of the log, Lua."""
import csv, io, json, os, re, sqlite3

from job import LINES, run_job, same, want

TESTS = []
ROWS = 'cdcl.file { path = "in.jsonl", format = "records", schema = "%s" }'
NASTY = ["'); DROP TABLE t;--", 'back\\slash', '$tag$ $$', '"quoted"', '`x`', "O'Brien", '%s %n {0}', 'NUL\x00inside', '\r\n', '\x1b[2J\x1b]0;x\x07',
         '=cmd|\' /C calc\'!A0', '../../etc/passwd', '\u202e\u2066', '\ufeff', 'null', 'NULL', '\\N', '']


def row(number, name):
    def add(function):
        TESTS.append((number, name, function))
        return function
    return add


def messages(values, **more):
    return [json.dumps(dict({'id': i, 's': s}, **more)) for i, s in enumerate(values)]


@row(71, 'values that look like SQL, in SQLite')
def sqlite_values():
    def look(folder):
        with sqlite3.connect(folder + '/x.db') as db:
            return db.execute('select id, s from t order by id').fetchall()
    values = NASTY
    done = run_job(ROWS % 'id int, s string' + ':to(cdcl.sqlite_sink { path = "x.db", table = "t" })', messages(values), look=look)
    same((done.code, done.looked), (0, list(enumerate(values))), done.stderr)


@row(71, 'values that look like SQL, as keys in SQLite')
def sqlite_keys():
    def look(folder):
        with sqlite3.connect(folder + '/x.db') as db:
            return db.execute('select s, id from t order by id').fetchall()
    events = messages(NASTY, op='insert') + messages(NASTY[:3], op='delete')
    done = run_job(ROWS % 'id int, s string, op string' + ':merge { key = "s" }:to(cdcl.sqlite_sink { path = "x.db", table = "t" })', events, look=look)
    same((done.code, done.looked), (0, [(s, i) for i, s in enumerate(NASTY)][3:]), done.stderr)


@row(71, 'values come back the same from JSON lines')
def json_lines():
    done = run_job(ROWS % 'id int, s string' + LINES, messages(NASTY))
    same([r['s'] for r in done.rows], NASTY, done.stderr)


@row(72, 'names of tables and columns that SQL must quote')
def names():
    def look(folder):
        with sqlite3.connect(folder + '/x.db') as db:
            return db.execute('select * from sqlite_master where type = \'table\'').fetchall(), db.execute(
                'select * from "%s"' % table.replace('"', '""')).fetchall()
    for table in 'select', "a'b", 'a"b', 'x; drop table y', 'table ' + 'n' * 100, '\u00e9':
        columns = '`select` int, `a"b` string, `c d` string, `%s` int' % ('n' * 100)
        value = {'select': 1, 'a"b': 'x', 'c d': "';--", 'n' * 100: 2}
        done = run_job('cdcl.file { path = "in.jsonl", schema = %s }:to(cdcl.sqlite_sink { path = "x.db", table = %s })' % (
            json.dumps(columns), json.dumps(table, ensure_ascii=False)), (json.dumps(value) + '\n').encode(), look=look)
        same((done.code, done.looked[0][0][1], done.looked[1]), (0, table, [(1, 'x', "';--", 2)]), done.stderr)


@row(72, 'a NUL in a name is refused')
def nul_in_a_name():
    for script in ('cdcl.file { path = "in.jsonl", schema = "id int" }:to(cdcl.sqlite_sink { path = "x.db", table = "a\\0b" })',
                   'cdcl.file { path = "in.jsonl", schema = "`a\\0b` int" }:to(cdcl.sqlite_sink { path = "x.db", table = "t" })',
                   'cdcl.file { path = "in.jsonl", schema = "id int" }:select("id as `a\\0b`"):to(cdcl.sqlite_sink { path = "x.db", table = "t" })',
                   'cdcl.file { path = "in.jsonl", schema = "id int" }:to(cdcl.file_sink { path = "a\\0b" })'):
        done = run_job(script, b'{"id":1}\n')
        want(done.code == 3 and done.files == ['in.jsonl', 'job.lua'], done.code, done.files, done.stderr, script)


PATHS = ['../../x', '/etc/x', 'a\x00b', '..', '.', '', 'a/b', 'a\\b', '~', 'a=b', '%2e%2e%2f', '\u00e9', 'x' * 300, '.hidden', 'CON', 'a b', '*']


@row(73, 'values of partition_by that look like paths')
def partition_values():
    def look(folder):
        above = os.path.dirname(folder)
        return [name for name in ('x', 'b') if os.path.exists(os.path.join(above, name))]
    values = [p for p in PATHS if len(p) < 80]
    done = run_job(ROWS % 'id int, s string' + ':to(cdcl.parquet_sink { path = "out", partition_by = "s" })', messages(values), look=look)
    same((done.code, done.looked), (0, []), done.stderr)
    made = [f for f in done.files if f.endswith('.parquet')]
    want(len(made) == len(values), len(made), len(values), made)
    for path in made:
        want(re.fullmatch(r'out/s=[^/]+/[^/]+\.parquet', path), path, 'is not in its folder')
    same([f for f in done.files if not f.startswith('out/')], ['in.jsonl', 'job.lua'])


@row(73, 'a value of partition_by that is no file name at all')
def partition_value_too_long():
    done = run_job(ROWS % 'id int, s string' + ':to(cdcl.parquet_sink { path = "out", partition_by = "s" })', messages(['x' * 300]))
    want(done.code != 0 and 'out' in done.stderr and not [f for f in done.files if f.endswith('.parquet')], done.code, done.stderr, done.files)


@row(73, 'topics that look like paths')
def topics():
    records = [{'topic': t, 'value': '{"id":1,"op":"frob"}'} for t in PATHS]
    done = run_job(ROWS % 'id int, op string' + ':merge { name = "t", key = "id" }' + LINES.replace('}', 'output_mode = "complete" }'), records,
                   job='{ checkpoint = "state", dead_letters = { path = "dead.jsonl" } }')
    same(done.code, 0, done.stderr)
    want(all(f.startswith('state/') or f in ('in.jsonl', 'job.lua', 'dead.jsonl', '.dead.jsonl.batch') for f in done.files), done.files)


@row(73, 'a target that is a link, or not its own, is not written through')
def links():
    script = ROWS % 'id int, s string' + ':to(cdcl.parquet_sink { path = "out", partition_by = "s" })'
    done = run_job(script, messages(['a']), files={'out': 'mine'}, look=lambda folder: open(folder + '/out').read())
    want(done.code == 8 and done.looked == 'mine', done.code, done.looked, done.stderr)


@row(74, 'cells that a spreadsheet would run, and quoting')
def csv_cells():
    values = ['=1+1', '+1', '-1', '@x', '\t=1', 'a,b', 'a"b', 'a\nb', 'a\r\nb', '', ' x ', '"', "'"]
    def look(folder):
        with open(folder + '/x.csv', 'rb') as f:
            return f.read().decode('utf-8')
    done = run_job(ROWS % 'id int, s string' + ':to(cdcl.file_sink { path = "x.csv", format = "csv" })', messages(values), look=look)
    same(done.code, 0, done.stderr)
    same([r[1] for r in csv.reader(io.StringIO(done.looked, newline=''))][1:], values, done.looked)


CONTROL = re.compile(rb'[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]')
INJECTED = '\x1b[2J\r\n12:00:00.000 ERROR job  all is lost\x07\x9b\u2028'


def quiet(done):
    lines = done.raw_stderr.split(b'\n')
    want(not CONTROL.search(done.raw_stderr), 'a control character in the log', CONTROL.search(done.raw_stderr), done.raw_stderr)
    want(not [l for l in lines if l.startswith(b'12:00:00.000 ERROR')], 'a line of the log that is none', done.raw_stderr)


@row(75, 'values in the log: no control characters, no lines of their own')
def log_values():
    records = [{'topic': 'a' + INJECTED, 'value': json.dumps({'id': 1, 's': INJECTED, 'op': INJECTED}), 'key': INJECTED},
               {'topic': 'a' + INJECTED, 'value': '{"id":"' + INJECTED},
               {'topic': 'a' + INJECTED, 'value': json.dumps({'id': INJECTED, INJECTED: 1})}]
    source = ROWS % 'id int, s string, op string'
    quiet(run_job(source + ':merge { name = "t", key = "id" }' + LINES.replace('}', 'output_mode = "complete" }'), records))
    quiet(run_job(source + ':select("cast(s as int) as x")' + LINES, records))
    quiet(run_job(source + ':map("x int", function(row) error("bad: " .. row.s) end)' + LINES, records))
    quiet(run_job(source.replace('records"', 'records", envelope = "debezium"') + LINES, records))
    quiet(run_job(source.replace('records"', 'records", mode = "drop"') + LINES, records))
    quiet(run_job(source.replace('records"', 'records", mode = "failfast"') + LINES, records))
    quiet(run_job(source + ':merge { key = "id", on_insert = function(new) return nil, "no " .. new.s end }' + LINES.replace(
        '}', 'output_mode = "complete" }'), [json.dumps({'id': 1, 's': INJECTED, 'op': 'insert'})]))


@row(75, 'values in the log as JSON lines')
def log_values_as_json():
    records = [{'topic': 'a' + INJECTED, 'value': json.dumps({'id': 1, 's': INJECTED, 'op': INJECTED})}]
    done = run_job(ROWS % 'id int, s string, op string' + ':merge { name = "t", key = "id" }' + LINES.replace('}', 'output_mode = "complete" }'),
                   records, '--log-format', 'json')
    quiet(done)
    for line in done.stderr.rstrip('\n').split('\n'):
        json.loads(line)


@row(75, 'a long value is cut in the log')
def long_values():
    done = run_job(ROWS % 'id int, s string, op string' + ':merge { name = "t", key = "id" }' + LINES.replace('}', 'output_mode = "complete" }'),
                   [json.dumps({'id': 1, 's': 'x', 'op': 'frob' * 100000})])
    want(max(len(line) for line in done.stderr.splitlines()) < 4096, len(done.stderr))


@row(75, 'values on the console: a box stays a box')
def console_values():
    done = run_job(ROWS % 'id int, s string' + ':to(cdcl.console { truncate = false })', messages(['a\nb', INJECTED]))
    same(done.code, 0, done.stderr)


@row(75, 'values in dead letters stay whole')
def letters_are_whole():
    value = json.dumps({'id': 1, 's': INJECTED, 'op': 'frob'})
    done = run_job(ROWS % 'id int, s string, op string' + ':merge { name = "t", key = "id" }' + LINES.replace('}', 'output_mode = "complete" }'),
                   [value], job='{ dead_letters = { path = "dead.jsonl" } }')
    same([l['value'] for l in done.letters], [value], done.stderr)


@row(76, 'fields with the names of Lua\'s metamethods are data')
def metamethod_names():
    names = ['__index', '__newindex', '__gc', '__metatable', '__call', '__eq', '__len', '__tostring', '__pairs', '__mode', '__cdcl', 'type', 'len']
    value = json.dumps({'id': 1, 'j': {n: n for n in names}, **{n: n for n in names if n != 'len'}})
    columns = ', '.join('`%s` string' % n for n in names if n != 'len')
    reads = ', '.join('row.j[%r]' % n for n in names)
    checks = ' and '.join('row[%r] == %r' % (n, n) for n in names if n != 'len')
    script = 'cdcl.file { path = "in.jsonl", schema = "id int, j json, %s" }:filter(function(row) return %s end)' % (columns, checks)
    script += ':map("%s", function(row) return %s end)' % (', '.join('c%d string' % i for i in range(len(names))), reads)
    done = run_job(script + LINES, (value + '\n').encode())
    same([list(r.values()) for r in done.rows], [names], done.stderr)


@row(76, 'fields with such names in the tables that Lua gets')
def metamethod_tables():
    script = '''cdcl.file { path = "in.jsonl", schema = "id int, j json" }:to(cdcl.foreach_batch(function(rows)
  for row in rows:each() do
    local t = cdcl.to_table(row)
    print(getmetatable(t), type(t.j), row.j.__index, row.j.__metatable)
    for name, value in pairs(row.j) do print(name, value) end
  end
end))'''
    done = run_job(script, b'{"id":1,"j":{"__index":"a","__metatable":"b"}}\n')
    want(done.code == 0 and 'a\tb' in done.stderr and '__index\ta' in done.stderr, done.code, done.stderr)
