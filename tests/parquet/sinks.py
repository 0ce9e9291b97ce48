"""The tests behind sink.test; needs pyarrow and duckdb."""
import glob, json, os, random, re, resource, signal, subprocess, sys, time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import judged

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CDCL = os.environ.get('CDCL', ROOT + '/build/dev/cdcl')
SLOW = os.environ.get('CDCL_VARIANT') == 'asan'
LONG = os.environ.get('CDCL_LONG') == '1'
SEED = int(os.environ.get('SEED', '0')) or random.SystemRandom().randint(1, 10 ** 9)
folder = None


def want(condition, *told):
    if not condition:
        raise AssertionError(' | '.join(str(t)[:2000] for t in told))


def path(*parts):
    return os.path.join(folder, *parts)


def write_script(body):
    with open(path('job.lua'), 'w') as f:
        f.write('local cdcl = require "cdcl"\ncdcl.job { name = "sinks" }\n' + body)


def write_batch(number, rows):
    """Each file is a batch: max_files_per_trigger is 1."""
    os.makedirs(path('in'), exist_ok=True)
    with open(path('in', '%06d.jsonl' % number), 'w') as f:
        f.write(''.join(json.dumps(row) + '\n' for row in rows))


SOURCE = 'local input = cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "%s" }\n'


def start(*arguments, before=None):
    return subprocess.Popen([CDCL, 'run', 'job.lua', '--available-now'] + list(arguments), cwd=folder,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before)


def run(*arguments, code=0, before=None):
    process = start(*arguments, before=before)
    try:
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    want(process.returncode == code, 'exit %d' % process.returncode, err.decode('utf-8', 'replace')[-1500:])
    return out.decode(), err.decode()


def table(where):
    return pq.read_table(where).to_pylist()


def snapshots(name):
    return sorted(glob.glob(path(name + '.snapshots', '*')))


def files_of(snapshot):
    return {os.path.basename(f): os.stat(f).st_ino for f in glob.glob(snapshot + '/*.parquet')}


# ---- current rows

def random_batches(r, keys):
    for _ in range(r.randint(3, 8)):
        near = r.randrange(keys)
        yield [{'id': r.randrange(near, min(keys, near + 50)) if r.random() < 0.7 else r.randrange(keys), 'n': r.randint(-9, 9)}
               for _ in range(r.randint(1, 300))]


def test_rows_after_every_batch():
    """Each snapshot holds what a dictionary holds after that batch; what did not change is the same file."""
    r = random.Random(SEED)
    for case in range(2 if SLOW else 5):
        keys, buckets = r.choice([20, 30000, 200000]), r.choice([1, 3, 16, 100])
        held, after = {}, []
        for number, rows in enumerate(random_batches(r, keys)):
            write_batch(number, rows)
            changed = set()
            for row in rows:
                held[row['id']] = held.get(row['id'], 0) + row['n']
                changed.add(row['id'])
            after.append((dict(held), changed))
        name = 'case%d' % case
        write_script(SOURCE % 'id int, n bigint' + 'input:group_by "id":agg "sum(n) as total":to(cdcl.parquet_sink { path = '
                     '"%s", buckets = %d, keep_snapshots = 100, compression = "%s" })\n' %
                     (name, buckets, r.choice(['zstd', 'snappy', 'none'])))
        run()
        found = snapshots(name)
        want(len(found) == len(after), len(found), len(after))
        for i, (snapshot, (rows, changed)) in enumerate(zip(found, after)):
            got = {row['id']: row['total'] for row in table(snapshot)}
            want(got == rows, 'snapshot %d of %s' % (i, name))
            if i == 0:
                continue
            here, before = files_of(snapshot), files_of(found[i - 1])
            for file, inode in here.items():
                ids = {row['id'] for row in table(os.path.join(snapshot, file))}
                linked = before.get(file) == inode
                want(linked == ids.isdisjoint(changed), file, 'linked' if linked else 'rewritten')
        want(os.path.realpath(path(name)) == os.path.realpath(found[-1]))
        total = duckdb.sql("select count(*), sum(total) from read_parquet('%s/*.parquet')" % path(name)).fetchall()
        want(total == [(len(held), sum(held.values()))], total)
        for file in glob.glob(path('in', '*')):
            os.remove(file)


def test_merged_rows_after_every_batch():
    """The same for merged rows: upserts and deletes, through a filter and a selection that hides the key."""
    r = random.Random(SEED)
    for case in range(2 if SLOW else 5):
        keys, held, after = r.choice([30, 50000]), {}, []
        for number in range(r.randint(3, 8)):
            rows, changed = [], set()
            for _ in range(r.randint(1, 200)):
                row = {'id': r.randrange(keys) if r.random() < 0.5 else r.randrange(min(keys, 300)), 'k': r.choice('ab'),
                       'n': r.randint(0, 9), 'op': r.choice(['insert', 'update', 'delete'])}
                rows.append(row)
                key = (row['k'], row['id'])
                changed.add(key)
                held[key] = row['n']
                if row['op'] == 'delete':
                    del held[key]
            write_batch(number, rows)
            after.append((dict(held), changed))
        write_script(SOURCE % 'id bigint, k string, n int, op string' + 'local t = input:merge { name = "t", key = "k, id" }\n'
                     't:to(cdcl.parquet_sink { path = "t%d", buckets = 20, keep_snapshots = 100 })\n'
                     't:filter "n > 4":select("n * 2 as twice", "id"):to(cdcl.parquet_sink { path = "f%d", buckets = 5, '
                     'keep_snapshots = 100 }, cdcl.file_sink { path = "f%d.jsonl" })\n' % (case, case, case))
        run()
        found, filtered = snapshots('t%d' % case), snapshots('f%d' % case)
        want(len(found) == len(filtered) == len(after), len(found), len(filtered), len(after))
        for i, (rows, changed) in enumerate(after):
            got = {(row['k'], row['id']): row['n'] for row in table(found[i])}
            want(got == rows, 'snapshot %d of case %d' % (i, case))
            part = sorted((2 * n, key[1]) for key, n in rows.items() if n > 4)
            want(sorted((row['twice'], row['id']) for row in table(filtered[i])) == part, 'filtered %d of %d' % (i, case))
            for file, inode in files_of(found[i]).items() if i > 0 else ():
                ids = {(row['k'], row['id']) for row in table(os.path.join(found[i], file))}
                if files_of(found[i - 1]).get(file) == inode:
                    want(ids.isdisjoint(changed), file, 'linked, but a key in it changed')
        lines = [json.loads(line) for line in open(path('f%d.jsonl' % case))]
        want(sorted((row['twice'], row['id']) for row in lines) == part)
        for file in glob.glob(path('in', '*')):
            os.remove(file)


def test_neighbouring_keys():
    """A batch that changes 1,000 neighbouring keys of many rewrites only their buckets."""
    keys = 100000 if SLOW else 1000000
    os.makedirs(path('in'))
    with open(path('in', '000000.jsonl'), 'w') as f:
        f.writelines('{"id":%d,"n":1}\n' % i for i in range(keys))
    write_batch(1, [{'id': keys // 2 + i, 'n': 1} for i in range(1000)])
    write_script(SOURCE % 'id int, n bigint' + 'input:group_by "id":agg "sum(n) as total"'
                 ':to(cdcl.parquet_sink { path = "out", buckets = 64 })\n')
    out, err = run('--progress', '-')
    first, second = snapshots('out')
    a, b = files_of(first), files_of(second)
    rewritten = [f for f in b if a.get(f) != b[f]]
    blocks = {(keys // 2 + i) >> 12 for i in range(1000)}
    want(1 <= len(rewritten) <= len(blocks) <= 2 and len(b) == min(64, len(b)), rewritten)
    got = duckdb.sql("select count(*), sum(total) from read_parquet('%s/*.parquet')" % path('out')).fetchall()
    want(got == [(keys, keys + 1000)], got)
    metrics = json.loads(out.splitlines()[-1])['sinks'][0]['metrics']
    want(metrics['snapshots'] == 2 and metrics['rowsChanged'] == keys + 1000, metrics)
    want(metrics['rowsWritten'] < keys + keys // 8 and metrics['filesWritten'] == len(a) + len(rewritten), metrics)
    want('2 snapshots' in err, err)


def test_rows_leave():
    """Rows that a filter lets go, and a bucket that gets empty; the columns stay readable."""
    write_batch(0, [{'id': i * 5000, 'n': 1} for i in range(40)])
    write_batch(1, [{'id': i * 5000, 'n': 5} for i in range(20)])
    write_batch(2, [{'id': i * 5000, 'n': 5} for i in range(40)])
    write_script(SOURCE % 'id int, n bigint' + 'input:group_by "id":agg "sum(n) as total":filter "total < 5"'
                 ':with "id as same":select("same", "total"):to(cdcl.parquet_sink { path = "out", keep_snapshots = 9 })\n')
    run()
    got = [sorted(row['same'] for row in table(s)) for s in snapshots('out')]
    want(got == [[i * 5000 for i in range(40)], [i * 5000 for i in range(20, 40)], []], got)
    want(pq.read_table(path('out')).schema.names == ['same', 'total'])
    want(len(files_of(snapshots('out')[2])) == 1)


def test_every():
    """The time between two snapshots, and the last batch, which is always written."""
    for i in range(6):
        write_batch(i, [{'id': k, 'n': 1} for k in range(100)])
    write_script(SOURCE % 'id int, n bigint' + 'local t = input:group_by "id":agg "sum(n) as total"\n'
                 't:to(cdcl.parquet_sink { path = "out", every = "1 hour", keep_snapshots = 9 })\n'
                 't:to(cdcl.file_sink { path = "out.csv", format = "csv", every = "1 hour" })\n'
                 't:order_by "id":to(cdcl.parquet_sink { path = "sorted", every = "1 hour", keep_snapshots = 9 })\n'
                 'input:to(cdcl.parquet_sink { path = "added", every = "1 hour" })\n')
    run()
    for name in ('out', 'sorted'):
        want([{row['total'] for row in table(s)} for s in snapshots(name)] == [{1}, {6}], name)
    csv = open(path('out.csv')).read().splitlines()
    want(len(csv) == 101 and all(line.endswith(',6') for line in csv[1:]), csv[:3])
    want(len(glob.glob(path('added', '*.parquet'))) == 2 and len(table(path('added'))) == 600)


def test_held_back_without_new_input():
    """What `every` held back is written when its time has come, also when nothing new comes."""
    write_script('local input = cdcl.stdin { schema = "id int, n bigint" }\ninput:group_by "id":agg "sum(n) as total"'
                 ':to(cdcl.parquet_sink { path = "out", every = "1 second", keep_snapshots = 9 })\n')
    process = subprocess.Popen([CDCL, 'run', '-q', 'job.lua'], cwd=folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        limit = time.monotonic() + 60
        sent = seen = 0
        while seen < 3 and time.monotonic() < limit:
            if sent == seen:  # the first is there at once, each next only after a second
                sent += 1
                process.stdin.write(b'{"id":1,"n":1}\n')
                process.stdin.flush()
            time.sleep(0.02)
            if os.path.islink(path('out')):
                seen = sum(row['total'] for row in table(os.path.realpath(path('out'))))
        want(seen == 3 and process.poll() is None, seen)
    finally:
        process.stdin.close()
        process.wait(timeout=60)
    want(process.returncode == 0, process.stderr.read())


def test_time_in_a_filter():
    """A row may leave by time alone: then every row is looked at, not those that changed only."""
    write_batch(0, [{'id': i, 'n': 1} for i in range(50)])
    write_batch(1, [{'id': 99999999, 'n': 1}])
    write_script(SOURCE % 'id int, n bigint' + 'input:group_by "id":agg "sum(n) as total"'
                 ':with "current_timestamp() as at":to(cdcl.parquet_sink { path = "out" })\n')
    run()
    want(len({row['at'] for row in table(path('out'))}) == 1 and len(table(path('out'))) == 51)


# ---- readers and crashes

KEYS = 2000


def write_equal_batches(count):
    """After n batches every key has n: whoever sees two numbers sees a mix."""
    rows = [{'id': i * 977, 'n': 1} for i in range(KEYS)]
    for number in range(count):
        write_batch(number, rows)


EQUAL = ('local t = input:group_by "id":agg "sum(n) as total"\n'
         't:to(cdcl.parquet_sink { path = "out", keep_snapshots = 3 })\n'
         't:to(cdcl.file_sink { path = "out.jsonl" })\n'
         'input:to(cdcl.file_sink { path = "added.csv", format = "csv" })\n'
         'input:to(cdcl.parquet_sink { path = "added" })\n')


def check_whole(rows):
    totals = {row['total'] for row in rows}
    want(len(rows) == KEYS and len(totals) == 1, len(rows), totals)
    return totals.pop()


def test_readers_while_snapshots_are_replaced():
    write_equal_batches(40 if SLOW else 120)
    write_script(SOURCE % 'id int, n bigint' + EQUAL)
    process = start()
    seen, gone, opened = set(), 0, 0
    while process.poll() is None:
        if not os.path.exists(path('out')):
            continue
        try:
            rows = table(path('out'))
            if rows:
                seen.add(check_whole(rows))
            gone += not rows  # pyarrow looks at each name of its list again, and leaves out what went
        except FileNotFoundError:
            gone += 1  # listed, then replaced
        try:
            seen.add(check_whole(table(os.path.realpath(path('out')))))
            opened += 1
        except FileNotFoundError:
            pass  # more than three snapshots ago
        check_whole([json.loads(line) for line in open(path('out.jsonl'))])
    want(process.wait() == 0, process.stderr.read())
    want(check_whole(table(path('out'))) == (40 if SLOW else 120))
    print('# %d snapshots seen, %d listings replaced, %d by real path' % (len(seen), gone, opened))
    want(len(seen) > 1, 'nothing was read meanwhile')


def test_kill_in_the_middle():
    r = random.Random(SEED)
    batches = 30
    write_equal_batches(batches)
    write_script(SOURCE % 'id int, n bigint' + EQUAL)
    kills = 0
    for _ in range(5 if SLOW else 30 if LONG else 12):
        process = start()
        time.sleep(r.uniform(0.02, 1.0 if SLOW else 0.25))
        kills += process.poll() is None
        process.kill()
        process.communicate()
        if os.path.islink(path('out')):
            check_whole(table(path('out')))
        if os.path.exists(path('out.jsonl')):
            check_whole([json.loads(line) for line in open(path('out.jsonl'))])
        for file in glob.glob(path('added', '*.parquet')):
            want(pq.ParquetFile(file).read().num_rows == KEYS, file)
    print('# SEED=%d, %d of the runs were killed' % (SEED, kills))
    want(kills > 0, 'every run had ended before it was killed')
    before = len(glob.glob(path('added', '*.parquet'))) + len(glob.glob(path('added', '_publishing', '*.parquet*')))
    run()
    want(check_whole(table(path('out'))) == batches)
    want(len(snapshots('out')) <= 4 and not os.path.lexists(path('.out.link')), snapshots('out'))
    want([os.path.basename(f) for f in glob.glob(path('added', '_*'))] == ['_cdcl_columns'])
    want(not glob.glob(path('.*.part')) and not glob.glob(path('.*.length')))
    want(len(glob.glob(path('added', '*.parquet'))) == before + batches)
    lines = open(path('added.csv')).read().split('\n')
    want(lines[0] == 'id,n' and lines[-1] == '' and (len(lines) - 2) % KEYS == 0, len(lines))
    for at in range(1, len(lines) - 1, KEYS):
        want(lines[at:at + KEYS] == ['%d,1' % (i * 977) for i in range(KEYS)], 'batch at line %d' % at)


def test_half_a_batch_is_cut_back():
    """As a crash leaves it: a note of what the file was, and a part of the lines."""
    write_batch(0, [{'id': 1, 'n': 2}])
    write_script(SOURCE % 'id int, n bigint' + 'input:to(cdcl.file_sink { path = "a.jsonl" })\n')
    for after, kept in ((1000, False), (38, True)):
        with open(path('a.jsonl'), 'w') as f:
            f.write('{"whole":1}\n{"half of a batch":1}\n{"ha')
        with open(path('.a.jsonl.length'), 'w') as f:
            f.write('12 %d\n' % after)
        run()
        lines = open(path('a.jsonl')).read()
        want(('half' in lines) == kept and lines.endswith('{"id":1,"n":2}\n'), lines)
        want(not os.path.exists(path('.a.jsonl.length')))


# ---- partitions

def test_partitions():
    names = ['EU', 'a/b', 'x=y', '', None, 'ü%', "it's", '日本']
    write_batch(0, [{'region': n, 'n': i, 'day': '2024-01-%02d' % (1 + i % 3)} for i, n in enumerate(names * 20)])
    write_script(SOURCE % 'region string, n int, day date' + 'input:to(cdcl.parquet_sink { path = "out", partition_by = '
                 '"region, day" }, cdcl.parquet_sink { path = "by_day", partition_by = "day" })\n'
                 'input:select("n"):to(cdcl.parquet_sink { path = "today", partition_by = "day", output_mode = "changelog" })\n')
    run()
    got = duckdb.sql("select region, n, day::varchar from read_parquet('%s/**/*.parquet', hive_partitioning = true)" %
                     path('out')).fetchall()
    want_rows = [(n or None, i, '2024-01-%02d' % (1 + i % 3)) for i, n in enumerate(names * 20)]
    want(sorted(got, key=lambda row: row[1]) == want_rows, sorted(got, key=lambda row: row[1])[:8])
    table_of = pq.read_table(path('out'))
    want(table_of.num_rows == 160 and sorted(table_of.schema.names) == ['day', 'n', 'region'], table_of.schema)
    want(len(glob.glob(path('by_day', 'day=2024-01-0[123]', '*.parquet'))) == 3)
    today = glob.glob(path('today', 'day=*', '*.parquet'))
    want(len(today) == 1 and re.search(r'day=\d{4}-\d\d-\d\d/', today[0]), today)
    want(pq.ParquetFile(today[0]).read().to_pylist()[0] == {'@kind': '+I', 'n': 0})


def test_many_partitions():
    """More than are open at once: some get more than one file, no row is lost."""
    r = random.Random(SEED)
    rows = [{'k': r.randrange(300), 'n': i} for i in range(5000)]
    write_batch(0, rows)
    write_script(SOURCE % 'k int, n int' + 'input:to(cdcl.parquet_sink { path = "out", partition_by = "k" })\n')
    run()
    got = pq.read_table(path('out')).to_pylist()
    want(sorted((int(row['k']), row['n']) for row in got) == sorted((row['k'], row['n']) for row in rows))


# ---- every type

def test_every_type():
    kinds = ('b boolean, t tinyint, s smallint, i int, l bigint, f float, d double, p decimal(38,10), day date, '
             'at timestamp, name string, raw binary, doc json')
    full = {'b': True, 't': -128, 's': 32767, 'i': -2 ** 31, 'l': 2 ** 63 - 1, 'f': 0.1, 'd': 1e300,
            'p': 1234567890123456789012345678.0123456789, 'day': '9999-12-31', 'at': '1969-12-31T23:59:59.999999Z',
            'name': '日本 "x"', 'raw': 'AAH/', 'doc': {'a': [1, None]}}
    with open(path('full.json'), 'w') as f:
        f.write(json.dumps(full).replace(json.dumps(full['p']), '1234567890123456789012345678.0123456789') + '\n')
        f.write('{"i":1}\n')
    write_script('local input = cdcl.file { path = "full.json", schema = "%s" }\n' % kinds +
                 'input:to(cdcl.parquet_sink { path = "added" })\n'
                 'local all = input:group_by("i", "b", "t", "s", "l", "f", "d", "p", "day", "at", "name", "raw"):agg "first(doc) as doc"\n'
                 'all:select("b", "t", "s", "i", "l", "f", "d", "p", "day", "at", "name", "raw", "doc"):to('
                 'cdcl.parquet_sink { path = "current", buckets = 7 })\n')
    run()
    read = [sorted(table(path(n)), key=lambda row: row['i']) for n in ('added', 'current')]
    want(read[0] == read[1], read)
    row, empty = read[0]
    want([row[k] for k in 'btsil'] == [True, -128, 32767, -2 ** 31, 2 ** 63 - 1], row)
    want(str(row['p']) == '1234567890123456789012345678.0123456789' and str(row['day']) == '9999-12-31', row)
    want(row['raw'] == b'\0\1\xff' and row['name'] == '日本 "x"' and json.loads(row['doc']) == full['doc'], row)
    want(row['at'].isoformat().startswith('1969-12-31T23:59:59.999999'), row['at'])
    want(all(v is None for k, v in empty.items() if k != 'i') and empty['i'] == 1, empty)


# ---- what is in the way

TARGETS = {
    'parquet complete': ('t', 'cdcl.parquet_sink { path = "%s" }'),
    'parquet append': ('input', 'cdcl.parquet_sink { path = "%s" }'),
    'file complete': ('t', 'cdcl.file_sink { path = "%s" }'),
    'file append': ('input', 'cdcl.file_sink { path = "%s", format = "csv" }'),
}


def write_target(target, where):
    value, sink = TARGETS[target]
    write_script(SOURCE % 'id int, n bigint' + 'local t = input:group_by "id":agg "sum(n) as total"\n%s:to(%s)\n' %
                 (value, sink % where))


def test_where_nothing_can_be_written():
    write_batch(0, [{'id': 1, 'n': 1}])
    with open(path('file'), 'w') as f:
        f.write('mine\n')
    os.makedirs(path('full/of/things'))
    os.symlink('elsewhere', path('link'))
    for target in TARGETS:
        places = ['/proc/none', path('file', 'out')]
        places += [path('file'), path('link')] if target.startswith('parquet') else [path('full')]
        places += [path('full')] if target == 'parquet complete' else []
        for where in places:
            write_target(target, where)
            _, err = run(code=8)
            want(where.replace('/file/out', '/file') in err and 'cdcl: ' in err, target, where, err)
    want(open(path('file')).read() == 'mine\n' and os.readlink(path('link')) == 'elsewhere')


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))


def test_disk_full():
    """A write that fails in the middle: exit 8, and what was there stays whole."""
    r = random.Random(SEED)
    for target in TARGETS:
        for file in glob.glob(path('in', '*')):
            os.remove(file)
        name = target.replace(' ', '_')
        write_batch(0, [{'id': i, 'n': i} for i in range(200)])
        write_target(target, name)
        run()
        files = files_of(path(name)) if 'parquet' in target else open(path(name)).read()
        write_batch(0, [{'id': r.getrandbits(31), 'n': r.getrandbits(62)} for i in range(5000)])
        _, err = run(code=8, before=small_files)
        want('cannot write: File too large' in err, target, err)
        want(files == (files_of(path(name)) if 'parquet' in target else open(path(name)).read()), target)
        run()
        got = table(path(name)) if 'parquet' in target else open(path(name)).read().splitlines()
        want(len(got) >= 4900, target, len(got))


def test_another_writer():
    write_batch(0, [{'id': 1, 'n': 1}])
    write_batch(1, [{'id': 1, 'n': 1}])
    write_script(SOURCE % 'id int, n bigint' + 'local t = input:group_by "id":agg "sum(n) as total"\n'
                 't:to(cdcl.parquet_sink { path = "out" })\n'
                 't:to(cdcl.foreach_batch({ output_mode = "update" }, function()\n'
                 'os.execute("ln -sfn out.snapshots/000000042 out") end))\n')
    run('--allow', 'os', code=7)


if __name__ == '__main__':
    sys.exit(judged.main(globals()))
