"""Sizes and numbers at their limits, and how much that is bad a job bears."""
import gzip, json, os, resource, subprocess, sys, tempfile

from job import CDCL, LINES, PATIENCE, SLOW, run_job, same, want

TESTS = []
DEAD = '{ dead_letters = { path = "dead.jsonl" }%s }'
ROWS = 'cdcl.file { path = "in.jsonl", format = "records", schema = "%s"%s }'
FLAT = 'cdcl.file { path = "in.jsonl", schema = "%s"%s }'
COMPLETE = LINES.replace('}', 'output_mode = "complete" }')
MEMORY_MB = 900 if SLOW else 400


def row(number, name):
    def add(function):
        TESTS.append((number, name, function))
        return function
    return add


def limited(folder, *words):
    """(exit code, stderr, MB at most) of a job in this folder."""
    p = subprocess.Popen([CDCL, 'run', '--available-now', *words, 'job.lua'], cwd=folder, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stderr = p.stderr.read().decode('utf-8', 'replace')
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return p.returncode, stderr, usage.ru_maxrss / 1024


@row(29, 'names and keys made to collide cost no more than others')
def colliding_keys():
    # The hash is seeded in each process: what collides in one does not in the next.
    keys = [str(number * 2654435761 % (1 << 31)) for number in range(20000)]
    lines = ''.join('{"k":"%s"}\n' % key for key in keys + keys).encode()
    done = run_job(FLAT % ('k string', '') + ':group_by "k":agg "count(*) as n":agg("count(*) as groups", "max(n) as n")' + COMPLETE, lines)
    same(done.rows, [{'groups': str(len(set(keys))), 'n': '2'}], done.stderr)


@row(30, 'a string of 20,000,000 bytes, and of one more')
def longest_string():
    lines = b'{"id":1,"s":"%s"}\n{"id":2,"s":"%s"}\n' % (b'x' * 20000000, b'x' * 20000001)
    done = run_job(FLAT % ('id int, s string', ', mode = "drop"') + ':select("id", "length(s) as n")' + LINES, lines)
    same(done.rows, [{'id': '1', 'n': '20000000'}], done.stderr)


@row(30, 'a line of more than 64 MB ends the job')
def longest_line():
    done = run_job(FLAT % ('id int', '') + LINES, b'{"id":1,"s":"' + b'x' * (65 << 20) + b'"}\n')
    want(done.code == 5 and 'in.jsonl' in done.stderr, done.code, done.stderr)


@row(39, 'a sum that overflows ends the job and says which')
def sum_overflows():
    lines = b'{"n":9223372036854775807}\n{"n":1}\n'
    done = run_job(FLAT % ('n bigint', '') + ':agg "sum(n) as total"' + COMPLETE, lines)
    want(done.code == 1 and 'overflow' in done.stderr.lower() and 'sum(n)' in done.stderr, done.code, done.stderr)
    done = run_job(FLAT % ('n bigint', '') + ':agg "try_sum(n) as total"' + COMPLETE, lines)
    same((done.code, done.rows), (0, [{'total': None}]))


@row(39, 'an expression that overflows costs its record')
def expression_overflows():
    done = run_job(FLAT % ('n bigint', '') + ':select("n + 1 as m")' + LINES, b'{"n":9223372036854775807}\n{"n":1}\n', job=DEAD % '')
    same((done.code, done.rows, [l['reason'] for l in done.letters]), (0, [{'m': '2'}], ['expression']), done.stderr)


@row(40, '0.1 + 0.2 in decimals and in doubles')
def money():
    lines = b'{"d":0.1,"e":0.2}\n'
    done = run_job(FLAT % ('d decimal(10,2), e decimal(10,2)', '') + ':select("d + e as x", "d + e = 0.3 as same")' + LINES, lines)
    same(done.stdout, b'{"x":0.30,"same":true}\n')
    done = run_job(FLAT % ('d double, e double', '') + ':select("d + e as x")' + LINES, lines)
    same(done.stdout, b'{"x":0.30000000000000004}\n')


@row(37, 'what Lua sees of a bigint is never rounded')
def integers_in_lua():
    lines = b'{"n":9007199254740993}\n{"n":9223372036854775807}\n{"n":-9223372036854775808}\n{"n":5}\n'
    done = run_job(FLAT % ('n bigint', '') + ':map("n bigint, t string", function(row) return row.n, tostring(row.n) end)' + LINES, lines)
    same([r['n'] for r in done.rows], ['9007199254740993', '9223372036854775807', '-9223372036854775808', '5'])
    same([r['t'] for r in done.rows], ['9007199254740993LL', '9223372036854775807LL', '-9223372036854775808LL', '5'])


@row(42, 'a key counts by the type of its column')
def canonical_keys():
    lines = b'{"k":1}\n{"k":1.0}\n{"k":1e0}\n{"k":"1"}\n'
    count = ':group_by "k":agg "count(*) as n"' + COMPLETE
    same(run_job(FLAT % ('k decimal(4,1)', '') + count, lines).stdout, b'{"k":1.0,"n":4}\n')
    same(run_job(FLAT % ('k double', '') + count, b'{"k":-0.0}\n{"k":0}\n{"k":0.0}\n').rows[0]['n'], '3')
    same(sorted(r['k'] for r in run_job(FLAT % ('k string', '') + count, lines).rows), ['1', '1.0', '1e0'])


@row(44, 'keys of several columns that hold each other\'s separators')
def composite_keys():
    pairs = [('a', 'b'), ('a,', 'b'), ('a', ',b'), ('a\x00', 'b'), ('a', '\x00b'), ('a"', '"b'), ('', 'ab'), ('ab', ''), ('a', None), (None, 'a'),
             ('a\x1f', 'b'), ('a|b', ''), ('a\n', 'b'), ('NULL', 'a')]
    lines = ''.join(json.dumps({'a': a, 'b': b}) + '\n' for a, b in pairs * 2).encode()
    done = run_job(FLAT % ('a string, b string', '') + ':group_by("a", "b"):agg "count(*) as n"' + COMPLETE, lines)
    same(sorted(str((r['a'], r['b'], r['n'])) for r in done.rows), sorted(str((a, b, '2')) for a, b in pairs))
    done = run_job(FLAT % ('a string, b string', '') + ':filter "a is not null and b is not null":merge { key = "a, b" }' + COMPLETE, lines)
    same(sorted((r['a'], r['b']) for r in done.rows), sorted(p for p in pairs if None not in p), done.stderr)


@row(66, 'a compressed line that grows a thousandfold')
def compression_bomb():
    with tempfile.TemporaryDirectory() as folder:
        with gzip.open(folder + '/in.jsonl.gz', 'wb', compresslevel=1) as f:
            for _ in range(300):
                f.write(b'\0' * (1 << 20))
        want(os.path.getsize(folder + '/in.jsonl.gz') < 3 << 20, 'no bomb')
        with open(folder + '/job.lua', 'w') as f:
            f.write('local cdcl = require "cdcl"\ncdcl.file { path = "in.jsonl.gz", schema = "id int" }' + LINES)
        code, stderr, megabytes = limited(folder)
        want(code == 5 and 'in.jsonl.gz' in stderr, code, stderr)
        want(megabytes < MEMORY_MB, megabytes, 'MB')


@row(66, 'a compressed file of many lines takes no more memory than its longest')
def compressed_lines():
    with tempfile.TemporaryDirectory() as folder:
        with gzip.open(folder + '/in.jsonl.gz', 'wb', compresslevel=1) as f:
            for _ in range(100):
                f.write((b'{"id":1,"s":"' + b'x' * 9987 + b'"}\n') * 100)
        with open(folder + '/job.lua', 'w') as f:
            f.write('local cdcl = require "cdcl"\ncdcl.file { path = "in.jsonl.gz", schema = "id int, s string" }:agg "count(*) as n"' + COMPLETE)
        code, stderr, megabytes = limited(folder)
        same(code, 0, stderr)
        want(megabytes < MEMORY_MB, megabytes, 'MB')


@row(66, 'a compressed file that is broken or cut')
def broken_compression():
    whole = gzip.compress(b'{"id":1}\n' * 1000)
    script = 'cdcl.file { path = "x.jsonl.gz", schema = "id int" }' + LINES
    for damaged in whole[:-9], whole[:20] + b'\xff\xff' + whole[22:], b'no gzip at all', b'\x1f\x8b':
        done = run_job(script, b'', files={'x.jsonl.gz': damaged})
        want(done.code == 5 and 'x.jsonl.gz' in done.stderr, damaged[:30], done.code, done.stderr)


@row(69, 'hundreds of headers')
def headers():
    many = {'value': '{"id":1}', 'headers': [['h%d' % i, 'v' * 20] for i in range(900)]}
    huge = {'value': '{"id":2}', 'headers': [['h', 'v' * 5000000]]}
    done = run_job(ROWS % ('id int', '') + ':select("id", "length(cast(@headers as string)) as n")' + LINES, [many, huge])
    same(done.code, 0, done.stderr)
    want(int(done.rows[0]['n']) > 900 * 20 and int(done.rows[1]['n']) > 5000000, done.rows)


@row(69, 'more headers than a message can have')
def too_many_headers():
    done = run_job(ROWS % ('id int', '') + LINES, [{'value': '{"id":1}', 'headers': [['h', 'v']] * 2000}])
    want(done.code == 5 and 'headers' in done.stderr, done.code, done.stderr)


@row(70, 'timestamps that say nothing')
def timestamps():
    times = {-1: None, 0: '1970-01-01 00:00:00', 253402300799000: '9999-12-31 23:59:59', 9007199254740992: None}
    messages = [{'value': '{"id":1}', 'ts': ts} for ts in times]
    done = run_job(ROWS % ('id int', '') + ':select("id", "@timestamp as ts")' + LINES, messages)
    same((done.code, len(done.rows)), (0, len(times)), done.stderr)
    for got, wanted in zip(done.rows, times.values()):
        want(wanted is None or got['ts'] == wanted, got, wanted)
    done = run_job(ROWS % ('id int', '') + ':merge { key = "id", ttl = "1 hour" }' + COMPLETE, messages)
    same((done.code, done.rows), (0, [{'id': '1'}]), done.stderr)


def bad(count, of):
    step = of // count if count else of + 1
    return [('{"id":%d,"op":"%s"}' % (i, 'frob' if (i + 1) % step == 0 else 'insert')) for i in range(of)]


MERGED = ROWS % ('id int, op string', ', envelope = "flat"') + ':merge { name = "t", key = "id" }:agg "count(*) as n"' + COMPLETE


@row(77, 'some bad records of many: the job goes on, each is kept')
def few_bad():
    done = run_job(MERGED, bad(200, 10000), job=DEAD % '')
    same((done.code, done.rows, len(done.letters)), (0, [{'n': '9800'}], 200), done.stderr[-1500:])


@row(77, 'the budget of a minute: more than 5 % stop the job')
def budget_of_a_minute():
    done = run_job(MERGED, bad(1000, 10000), job=DEAD % ', error_budget = 100000')
    want(done.code == 5 and 'more than 5 %' in done.stderr, done.code, done.stderr[-1500:])
    want(0 < len(done.letters) <= 1000, 'what the budget ends has written its letters', len(done.letters))


@row(77, 'the budget in all: record 1,001 stops the job')
def budget():
    settings = DEAD % ', error_budget_per_minute = 1000000'
    same(run_job(MERGED, bad(1000, 20000), job=settings).code, 0)
    done = run_job(MERGED, bad(2000, 20000), job=settings)
    want(done.code == 5 and 'budget' in done.stderr, done.code, done.stderr[-1500:])


@row(77, 'every record is bad')
def all_bad():
    done = run_job(MERGED, bad(3000, 3000), job=DEAD % '')
    want(done.code == 5 and done.stderr.count('\n') < 200, done.code, done.stderr.count('\n'), done.stderr[-1500:])


@row(77, 'on_error = "stop" stops at the first and names it')
def stop_at_first():
    done = run_job(MERGED, bad(1, 100), job='{ on_error = "stop" }')
    want(done.code == 5 and 't/0@99' in done.stderr, done.code, done.stderr)


@row(77, 'mode = "failfast" stops at the first and names it')
def failfast():
    done = run_job(ROWS % ('id int', ', mode = "failfast"') + LINES, ['{"id":1}', '{"id":'])
    want(done.code == 5 and 't/0@1' in done.stderr, done.code, done.stderr)
