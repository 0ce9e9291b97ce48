"""Random tables as Python values, and as the bytes that tests/tools/write_parquet.c reads.

A value is None or what Python has for the type: bool, int (date in days, timestamp in microseconds, decimal
unscaled), float, str, bytes.
"""
import math, struct

TYPES = ['boolean', 'tinyint', 'smallint', 'int', 'bigint', 'float', 'double', 'date', 'timestamp', 'string', 'binary',
         'json'] + ['decimal(%d,%d)' % (p, s) for p, s in
                    ((1, 0), (4, 4), (9, 2), (10, 0), (18, 6), (19, 3), (20, 0), (28, 5), (37, 37), (38, 0), (38, 10))]
BITS = {'tinyint': 8, 'smallint': 16, 'int': 32, 'bigint': 64}


def digits(kind):
    return int(kind[8:].split(',')[0])


def float32(d):
    try:
        return struct.unpack('<f', struct.pack('<f', d))[0]
    except OverflowError:
        return math.copysign(math.inf, d)


def random_number(r, low, high):
    how = r.random()
    if how < 0.1:
        return r.choice([low, high, 0, max(low, -1), min(high, 1)])
    if how < 0.5:
        return max(low, min(high, r.randint(-100, 100)))
    return r.randint(low, high)


def random_float(r):
    how = r.random()
    if how < 0.15:
        return r.choice([math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308])
    if how < 0.5:
        return r.randint(-1000, 1000) / 8
    return struct.unpack('<d', r.randbytes(8))[0]


def random_text(r, long):
    how = r.random()
    if how < 0.15:
        return ''
    if how < 0.5:
        return r.choice(['Laptop', 'Mouse', 'Keyboard', 'Ünïcödé', '日本', '😀', 'a', "it's", '\x7f\x7f'])
    return ''.join(r.choice('abcdefgh éß日😀') for _ in range(r.randint(0, long if r.random() < 0.05 else 20)))


def random_value(r, kind, long):
    if kind == 'boolean':
        return r.random() < 0.5
    if kind in BITS:
        half = 1 << (BITS[kind] - 1)
        return random_number(r, -half, half - 1)
    if kind.startswith('decimal'):
        most = 10 ** digits(kind) - 1
        return random_number(r, -most, most)
    if kind == 'date':
        return random_number(r, -719162, 2932896)
    if kind == 'timestamp':
        return random_number(r, -62135596800000000, 253402300799999999)
    if kind == 'float':
        return float32(random_float(r))
    if kind == 'double':
        return random_float(r)
    if kind == 'binary':
        return r.randbytes(r.randint(0, long if r.random() < 0.02 else 12))
    if kind == 'json':
        return '{"n":%d,"t":[true,null,1.50,"é%s"]}' % (r.randint(0, 99), 'x' * r.randint(0, 9))
    return random_text(r, long)


class Column:
    """How the values of one column come: some distinct ones or any, with NULLs or without, sorted or not."""

    def __init__(self, r, name, kind):
        self.name, self.kind, self.r = name, kind, r
        self.long = r.choice([20, 300, 5000, 40000])
        self.nulls = r.choice([0, 0, 0.02, 0.5, 1])
        distinct = r.choice([1, 2, 10, 1000, None])
        self.pool = distinct and [random_value(r, kind, self.long) for _ in range(distinct)]
        self.last = None

    def value(self):
        r = self.r
        if r.random() < self.nulls:
            return None
        if self.last is not None and r.random() < 0.3:
            return self.last  # runs
        self.last = r.choice(self.pool) if self.pool else random_value(r, self.kind, self.long)
        return self.last


def encode(kind, v):
    if v is None:
        return b'\0'
    if kind == 'boolean':
        return b'\1' + bytes([v])
    if kind in ('tinyint', 'smallint', 'int', 'date'):
        return b'\1' + struct.pack('<i', v)
    if kind in ('bigint', 'timestamp'):
        return b'\1' + struct.pack('<q', v)
    if kind.startswith('decimal'):
        return b'\1' + v.to_bytes(16, 'little', signed=True)
    if kind in ('float', 'double'):
        return b'\1' + struct.pack('<f' if kind == 'float' else '<d', v)
    raw = v if isinstance(v, bytes) else v.encode()
    return b'\1' + struct.pack('<I', len(raw)) + raw


def encode_row(columns, row, live=True, ends_chunk=False):
    return bytes([live + 2 * ends_chunk]) + b''.join(encode(c.kind, v) for c, v in zip(columns, row))
