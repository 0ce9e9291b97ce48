"""The tests behind `run`; needs pyarrow and duckdb."""
import datetime, math, os, random, struct, subprocess, sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import judged, pages, rows

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get('CDCL_BUILD', ROOT + '/build/dev')
LONG = os.environ.get('CDCL_LONG') == '1'
SLOW = os.environ.get('CDCL_VARIANT') == 'asan'
SEED = int(os.environ.get('SEED', '0')) or random.SystemRandom().randint(1, 10 ** 9)
RUNS = int(os.environ.get('RUNS', '0')) or (200 if LONG else 8 if SLOW else 25)
folder = None


def want(condition, *told):
    if not condition:
        raise AssertionError(' | '.join(str(t)[:2000] for t in told))


def write(ddl, data, compression='zstd', page_rows=0, page_bytes=0, group_rows=0, group_bytes=0):
    path = os.path.join(folder, 'out.parquet')
    r = subprocess.run([BUILD + '/write_parquet', ddl, path, compression] +
                       [str(n) for n in (page_rows, page_bytes, group_rows, group_bytes)], input=data,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    want(r.returncode == 0, 'write_parquet', r.returncode, r.stdout.decode('utf-8', 'replace'))
    return path


def ddl_of(columns):
    return ', '.join('%s %s' % (c.name, c.kind) for c in columns)


# ---- values as Python has them

def comparable(kind, v):
    """Floats by their bits (every NaN alike), the rest as it is."""
    if v is None or not isinstance(v, float):
        return v
    return 'nan' if v != v else struct.pack('<d', v)


def from_arrow(kind, column):
    if kind == 'timestamp':
        column = column.cast(pa.int64())
    elif kind == 'date':
        column = column.cast(pa.int32())
    out = column.to_pylist()
    if kind.startswith('decimal'):
        scale = int(kind[:-1].split(',')[1])
        out = [None if v is None else int(v.scaleb(scale, context=WIDE)) for v in out]
    return out


import decimal
WIDE = decimal.Context(prec=60)
ARROW = {'boolean': pa.bool_(), 'tinyint': pa.int8(), 'smallint': pa.int16(), 'int': pa.int32(), 'bigint': pa.int64(),
         'float': pa.float32(), 'double': pa.float64(), 'date': pa.date32(), 'timestamp': pa.timestamp('us', tz='UTC'),
         'string': pa.string(), 'binary': pa.binary()}


def check_columns(columns, table, got, who):
    for i, c in enumerate(columns):
        wanted = [comparable(c.kind, row[i]) for row in table]
        have = [comparable(c.kind, v) for v in got[i]]
        if have != wanted:
            at = next((k for k in range(min(len(have), len(wanted))) if have[k] != wanted[k]), -1)
            want(False, who, c.name, c.kind, 'row %d of %d, %d wanted' % (at, len(have), len(wanted)),
                 'got %r' % (have[at],), 'wanted %r' % (wanted[at],))


def read_arrow(path, columns, table):
    got = pq.ParquetFile(path).read()
    want(got.num_rows == len(table), 'rows', got.num_rows, len(table))
    for c in columns:
        kind = got.schema.field(c.name).type
        if c.kind in ARROW:
            want(kind == ARROW[c.kind], 'type of', c.kind, kind)
    check_columns(columns, table, [from_arrow(c.kind, got.column(c.name)) for c in columns], 'pyarrow')


def duck_expression(c):
    if c.kind == 'timestamp':
        return 'epoch_us(%s)' % c.name
    if c.kind == 'date':
        return "%s - date '1970-01-01'" % c.name
    if c.kind.startswith('decimal'):
        return "%s::varchar" % c.name
    if c.kind == 'json':
        return '%s::varchar' % c.name
    return c.name


def from_duck(kind, v):
    if v is None or not kind.startswith('decimal'):
        return v
    return int(decimal.Decimal(v).scaleb(int(kind[:-1].split(',')[1]), context=WIDE))


def read_duck(path, columns, table):
    con = duckdb.connect()
    got = con.sql("select %s from read_parquet('%s')" % (
        ', '.join('%s as %s' % (duck_expression(c), c.name) for c in columns), path)).fetchall()
    want(len(got) == len(table), 'DuckDB rows', len(got), len(table))
    check_columns(columns, table, [[from_duck(c.kind, row[i]) for row in got] for i, c in enumerate(columns)], 'DuckDB')
    con.close()


def check_duck_skips(path, columns, table, r):
    """Filters that DuckDB answers with the help of the statistics."""
    con = duckdb.connect()
    for i, c in enumerate(columns):
        values = [row[i] for row in table if row[i] is not None]
        if c.kind not in ('int', 'bigint', 'string', 'double', 'tinyint') or not values:
            continue
        v = r.choice(values)
        if v != v or (isinstance(v, str) and '\0' in v):
            continue
        n = con.execute("select count(*) from read_parquet('%s') where %s = ?" % (path, c.name), [v]).fetchall()[0][0]
        want(n == sum(x == v for x in values), 'DuckDB counts', c.name, v, n)
        n = con.sql("select count(*) from read_parquet('%s') where %s is null" % (path, c.name)).fetchall()[0][0]
        want(n == len(table) - len(values), 'DuckDB counts NULLs of', c.name, n)
    con.close()


# ---- statistics and sizes

def plain(kind, v, upper):
    """A bound as the file must hold it."""
    if kind == 'boolean':
        return bytes([v])
    if kind in ('tinyint', 'smallint', 'int', 'date'):
        return struct.pack('<i', v)
    if kind in ('bigint', 'timestamp'):
        return struct.pack('<q', v)
    if kind in ('float', 'double'):
        v = (0.0 if upper else -0.0) if v == 0 else v
        return struct.pack('<f' if kind == 'float' else '<d', v)
    if kind.startswith('decimal'):
        p = rows.digits(kind)
        if p <= 18:
            return struct.pack('<i' if p <= 9 else '<q', v)
        n = next(n for n in range(1, 17) if 1 << (8 * n - 1) >= 10 ** p)
        return v.to_bytes(n, 'big', signed=True)
    return v if isinstance(v, bytes) else v.encode()


def check_statistics(c, values, stats):
    there = [v for v in values if v is not None and v == v]
    want(stats[3] == sum(v is None for v in values), c.kind, 'null count', stats)
    if not there:
        want(5 not in stats and 6 not in stats, c.kind, 'bounds of nothing', stats)
        return
    raw = [v.encode() for v in there] if isinstance(there[0], str) else there
    low, high = plain(c.kind, min(raw), False), plain(c.kind, max(raw), True)
    if stats[8]:
        want(stats[6] == low, c.kind, 'least', stats[6], low)
    else:
        want(len(low) > 1024 and low.startswith(stats[6]), c.kind, 'least, cut', stats[6], low)
    if 5 not in stats:
        want(len(high) > 1024, c.kind, 'no greatest')
    elif stats[7]:
        want(stats[5] == high, c.kind, 'greatest', stats[5], high)
    else:
        want(len(high) > 1024 and stats[5] > high and len(stats[5]) <= 1024, c.kind, 'greatest, cut', stats[5])
    signed = c.kind not in ('string', 'binary', 'json') and not (c.kind.startswith('decimal') and rows.digits(c.kind) > 18)
    want((1 in stats) == signed and (2 in stats) == signed, c.kind, 'old bounds', stats)
    if signed:
        want((stats[1], stats[2]) == (stats[5], stats[6]), c.kind, 'old bounds', stats)


def check_layout(path, columns, table, page_rows, page_bytes, group_rows):
    meta = pages.footer(path)
    want(meta[3] == len(table), 'num_rows', meta[3])
    at = 0
    for group in meta[4]:
        n = group[3]
        want(n <= (group_rows or 1 << 20), 'row group of', n)
        for i, c in enumerate(columns):
            column = group[1][i][3]
            want(column[5] == n, 'values of', c.name)
            check_statistics(c, [row[i] for row in table[at:at + n]], column[12])
            seen = raw = 0
            for p in pages.column_pages(path, column):
                raw += p[2]
                if p[1] == 0:
                    seen += p[5][1]
                    want(p[5][1] <= (page_rows or 128 * 1024), 'page of rows', p[5][1])
            want(seen == n, 'rows in pages', seen, n)
        at += n
    want(at == len(table), 'rows in groups', at)


# ---- tests

def random_case(r, count):
    columns = [rows.Column(r, 'c%d' % i, kind) for i, kind in enumerate(r.choices(rows.TYPES, k=r.randint(1, 8)))]
    dead = r.choice([0, 0, 0.01, 0.6])
    chunk = r.choice([0, 0.001, 0.02, 0.3])
    table, data = [], []
    for _ in range(count):
        row = [c.value() for c in columns]
        live = r.random() >= dead
        if live:
            table.append(row)
        data.append(rows.encode_row(columns, row, live, r.random() < chunk))
    return columns, table, b''.join(data)


def run_random(seed):
    r = random.Random(seed)
    count = r.choice([0, 1, 7, 8, 9, 63, 64, 65, 1000, 1024, 1025, 3000, 20000 if not SLOW else 5000])
    columns, table, data = random_case(r, count)
    page_rows, group_rows = r.choice([0, 0, 1, 10, 1000, 5000]), r.choice([0, 0, 1, 100, 1500])
    if count > 4000 and 0 < group_rows < 100:
        group_rows = 0
    page_bytes = r.choice([0, 0, 100, 10000])
    path = write(ddl_of(columns), data, r.choice(['zstd', 'snappy', 'none']), page_rows, page_bytes, group_rows,
                 r.choice([0, 0, 100000]))
    read_arrow(path, columns, table)
    read_duck(path, columns, table)
    check_duck_skips(path, columns, table, r)
    check_layout(path, columns, table, page_rows, page_bytes, group_rows)


def test_random_tables():
    for i in range(RUNS):
        try:
            run_random(SEED + i)
        except Exception as e:
            raise AssertionError('SEED=%d RUNS=1: %s: %s' % (SEED + i, type(e).__name__, e)) from e


def test_every_type():
    r = random.Random(SEED)
    columns = [rows.Column(r, 'c%d' % i, kind) for i, kind in enumerate(rows.TYPES)]
    table = [[rows.random_value(r, c.kind, 50) if r.random() > 0.1 else None for c in columns] for _ in range(3000)]
    data = b''.join(rows.encode_row(columns, row) for row in table)
    for compression in ('zstd', 'snappy', 'none'):
        path = write(ddl_of(columns), data, compression)
        names = {pq.ParquetFile(path).metadata.row_group(0).column(i).compression for i in range(len(columns))}
        want(names == {{'zstd': 'ZSTD', 'snappy': 'SNAPPY', 'none': 'UNCOMPRESSED'}[compression]}, names)
        read_arrow(path, columns, table)
        read_duck(path, columns, table)
        check_layout(path, columns, table, 0, 0, 0)


def test_no_rows():
    columns = [rows.Column(random.Random(1), 'c%d' % i, kind) for i, kind in enumerate(rows.TYPES)]
    path = write(ddl_of(columns), b'')
    read_arrow(path, columns, [])
    read_duck(path, columns, [])
    want(pages.footer(path)[3] == 0)


def kind_only(kind):
    c = rows.Column(random.Random(1), 'a', kind)
    return [c]


def test_dictionary():
    """Few values: a dictionary. Many: none. First few, then many: both kinds of page in one column."""
    few = [['v%d' % (i % 5)] for i in range(50000)]
    many = [['value %d' % i] for i in range(50000)]
    later = few + [['a longer value %d' % i] for i in range(120000)]
    for table, dictionary, plain_too in ((few, True, False), (many, False, True), (later, True, True)):
        columns = kind_only('string')
        path = write('a string', b''.join(rows.encode_row(columns, row) for row in table))
        read_arrow(path, columns, table)
        read_duck(path, columns, table)
        column = pages.footer(path)[4][0][1][0][3]
        kinds = {(p[1], p[5][2]) for p in pages.column_pages(path, column) if p[1] == 0}
        want((11 in column) == dictionary, 'dictionary page', column)
        want(((0, 8) in kinds) == dictionary and ((0, 0) in kinds) == plain_too, kinds)


def test_long_values():
    """A value larger than a page has a page of its own, and pages keep their size beside it."""
    table = [['x' * 3000000], ['y' * 20], [''], [None], ['é' * 1500], ['é' * 1500 + 'z']] + [['s%d' % i] for i in range(2000)]
    columns = kind_only('string')
    path = write('a string', b''.join(rows.encode_row(columns, row) for row in table), page_bytes=100000)
    read_arrow(path, columns, table)
    read_duck(path, columns, table)
    check_layout(path, columns, table, 0, 0, 0)
    column = pages.footer(path)[4][0][1][0][3]
    big = [p[2] for p in pages.column_pages(path, column) if p[2] > 110000]
    want(len(big) <= 1 and 11 not in column, big)


def test_empty_texts():
    """A row group whose every text is empty has statistics of no bytes."""
    for table in ([['']], [[''], [None], ['']]):
        columns = kind_only('string')
        path = write('a string', b''.join(rows.encode_row(columns, row) for row in table))
        read_arrow(path, columns, table)
        read_duck(path, columns, table)
        stats = pq.ParquetFile(path).metadata.row_group(0).column(0).statistics
        want((stats.min, stats.max) == ('', ''), stats)


def test_broken_text():
    """Readers refuse broken UTF-8 and what is no JSON, so neither gets into a file."""
    text = [b'ok', b'\xff', b'a\xe9b', b'\xed\xa0\x80', b'']
    data = b''.join(b'\1' + b'\1' + struct.pack('<I', len(t)) + t for t in text)
    path = write('a string', data)
    got = [row[0] for row in duckdb.sql("select a from read_parquet('%s')" % path).fetchall()]
    want(got == ['ok', '\ufffd', 'a\ufffdb', '\ufffd', ''], got)
    want(pq.ParquetFile(path).read().column('a').to_pylist() == got)
    texts = [b"{'a':1}", b'{"a":NaN}', b'[1]']
    data = b''.join(b'\1' + b'\1' + struct.pack('<I', len(t)) + t for t in texts)
    path = write('a json', data)
    got = [row[0] for row in duckdb.sql("select a::varchar from read_parquet('%s')" % path).fetchall()]
    want(got == ['{"a":1}', '{"a":"NaN"}', '[1]'], got)


def test_no_two_names():
    for ddl in ('a int, A int',):
        path = os.path.join(folder, 'twice.parquet')
        r = subprocess.run([BUILD + '/write_parquet', ddl, path, 'zstd', '0', '0', '0', '0'], input=b'',
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        want(r.returncode == 3, r.returncode, r.stdout)


if __name__ == '__main__':
    sys.exit(judged.main(globals()))
