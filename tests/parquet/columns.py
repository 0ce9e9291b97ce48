"""The tests behind columns.test; needs pyarrow and duckdb."""
import glob, json, os, re, shutil, subprocess, sys, tempfile

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CDCL = os.environ.get('CDCL', ROOT + '/build/dev/cdcl')
MANUAL = os.path.join(ROOT, 'docs', 'operations.md')

JOB = '''local cdcl = require "cdcl"
cdcl.job { name = "grow", checkpoint = "state" }
local rows = cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "%s" }
rows:to(cdcl.parquet_sink { path = "out/rows" }, cdcl.parquet_sink { path = "out/parts", partition_by = "kind" })
rows:merge { name = "t", key = "id" }:to(cdcl.parquet_sink { path = "out/t", buckets = 4 },
  cdcl.parquet_sink { path = "out/log", output_mode = "changelog" })
'''
FOLDERS = ('out/rows', 'out/parts', 'out/t', 'out/log')
SPREAD = 4096  # ids of one bucket


def want(condition, *told):
    if not condition:
        raise AssertionError(' | '.join(str(t)[:2000] for t in told))


def write(name, text):
    os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
    with open(name, 'w') as f:
        f.write(text)


def batch(number, rows):
    write('in/%d.jsonl' % number, ''.join(json.dumps(row) + '\n' for row in rows))


def run(schema):
    write('job.lua', JOB % schema)
    r = subprocess.run([CDCL, 'run', '--available-now', 'job.lua'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=120)
    want(r.returncode == 0, r.returncode, r.stderr[-1500:])
    return r.stderr


def manual(language):
    """The lines that the manual has for a reader; out/rows there is the folder."""
    with open(MANUAL) as f:
        text = f.read()
    part = text[text.index('### A folder whose columns changed'):]
    return re.search(r'```%s\n(.*?)```' % language, part, re.S).group(1)


def by_pyarrow(folder):
    found = {}
    exec(manual('python').replace('out/rows', folder), found)
    return found['rows']


def by_duckdb(folder):
    got = duckdb.sql(manual('sql').replace('out/rows', folder)).arrow()
    return got.read_all() if hasattr(got, 'read_all') else got


READERS = {'pyarrow': by_pyarrow, 'DuckDB': by_duckdb}


def plain(rows):
    """Rows as they are told apart here: without NULLs, numbers as numbers."""
    rows = rows if isinstance(rows, list) else rows.to_pylist()
    def one(row):
        return json.dumps({k: float(v) if isinstance(v, int) else str(v) if not isinstance(v, float) else v
                           for k, v in row.items() if v is not None}, sort_keys=True)
    return sorted(one(row) for row in rows)


def files(folder):
    return glob.glob(folder + '/**/*.parquet', recursive=True)


def types(folder, column):
    return {str(pq.read_schema(f).field(column).type) for f in files(folder) if column in pq.read_schema(f).names}


def judge(expected, names):
    for folder, rows in expected.items():
        for reader, read in READERS.items():
            got = read(folder)
            want(sorted(got.schema.names) == sorted(names + (['@kind'] if folder == 'out/log' else [])), folder, reader,
                 got.schema)
            want(plain(got) == plain(rows), folder, reader, len(rows), plain(got)[:5],
                 plain(rows)[:5])


def changelog(batches):
    """What a merge by id says of whole rows: columns that are not there stay NULL."""
    held, out = {}, []
    for rows in batches:
        before = dict(held)
        for row in rows:
            held[row['id']] = row
        for key in dict.fromkeys(row['id'] for row in rows):
            if key not in before:
                out.append(dict(held[key], **{'@kind': '+I'}))
            elif before[key] != held[key]:
                out += [dict(before[key], **{'@kind': '-U'}), dict(held[key], **{'@kind': '+U'})]
    return list(held.values()), out


def expect(batches):
    rows, log = changelog(batches)
    every = [row for b in batches for row in b]
    return {'out/rows': every, 'out/parts': every, 'out/t': rows, 'out/log': log}


def row(i, **more):
    return dict({'id': i * SPREAD, 'kind': 'ab'[i % 2], 'n': i}, **more)


def test_columns_that_come_and_grow():
    batches = [[row(i) for i in range(1100)], [row(i, color='red') for i in range(3)],
               [row(i, n=i + 0.5, color='blue') for i in range(2, 5)], [row(7, day='2024-02-29')], [row(1), row(2000, n=2)]]
    for number, rows in enumerate(batches):
        batch(number, rows)
    said = run('auto')
    want(types('out/rows', 'n') == {'int64', 'double'}, types('out/rows', 'n'))
    judge(expect(batches), ['id', 'kind', 'n', 'color', 'day'])
    # who asks for nothing is told, or sees what the first file has; a snapshot's files are of one kind
    try:
        pq.read_table('out/rows')
        raise AssertionError('pyarrow reads it as it is: the manual says that it refuses')
    except pa.ArrowInvalid:
        pass
    want(types('out/t', 'n') == {'double'} and len(files('out/t')) == 4, types('out/t', 'n'))
    want(plain(pq.read_table('out/t')) == plain(by_pyarrow('out/t')))
    want(len(re.findall(r'WARN +parquet .*out/(?:rows|parts|log).* n ', said)) == 3, said)


def test_columns_of_an_edited_script():
    first, then = 'id int, kind string, n int', 'id int, kind string, n bigint, note string'
    batches = [[row(i) for i in range(20)], [row(i, n=2 ** 40 + i, note='a note') for i in range(5)], [row(3, n=4)]]
    batch(0, batches[0])
    run(first)
    for number in (1, 2):
        batch(number, batches[number])
    run(then)
    want(types('out/log', 'n') == {'int32', 'int64'}, types('out/log', 'n'))
    judge(expect(batches), ['id', 'kind', 'n', 'note'])
    want(types('out/t', 'n') == {'int64'}, types('out/t', 'n'))
    want(plain(pq.read_table('out/t')) == plain(by_pyarrow('out/t')))


def test_columns_that_go():
    batches = [[row(i, note='x') for i in range(10)], [{'id': 0, 'n': 5, 'kind': 'a'}]]
    batch(0, batches[0])
    run('id int, kind string, n int, note string')
    batch(1, batches[1])
    run('id int, kind string, n int')
    found = expect([[row(i, note='x') for i in range(10)], batches[1]])
    for folder in ('out/rows', 'out/parts'):
        for reader, read in READERS.items():
            got = read(folder)
            want(plain(got) == plain(found[folder]), folder, reader, plain(got))
    want(pq.read_table('out/t').schema.names == ['id', 'kind', 'n'] and types('out/t', 'n') == {'int32'})


def main():
    pattern = re.compile(sys.argv[1] if len(sys.argv) > 1 else '')
    tests = [(n, f) for n, f in globals().items() if n.startswith('test_') and pattern.search(n)]
    bad = 0
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix='cdcl-parquet.') as folder:
            os.chdir(folder)
            try:
                test()
                print('ok %d - %s' % (number, name[5:].replace('_', ' ')), flush=True)
            except Exception as e:
                bad += 1
                print('\n'.join('# ' + line for line in (str(e) or repr(e)).split('\n')[:30]))
                print('not ok %d - %s' % (number, name[5:].replace('_', ' ')), flush=True)
            os.chdir(ROOT)
    print('1..%d' % len(tests))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
