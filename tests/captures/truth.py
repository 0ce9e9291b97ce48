"""What a table must hold after a capture, and how a row that cdcl wrote is compared with it.

expected/*.csv are what the databases themselves answered (record_expected.py). A cell of cdcl is JSON;
a kind says which JSON values are faithful to which text of the database. exceptions.csv lists the cells
where Debezium itself lost the value: there cdcl must have exactly what is listed, and the reason is told."""
import base64, csv, datetime, decimal, fnmatch, gzip, io, json, os, re, struct

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(HERE), 'data', 'captures')
D = decimal.Decimal
decimal.getcontext().prec = 100


def read_text(name):
    """A file of the captures, packed or not."""
    path = os.path.join(DATA, name)
    opener = open if os.path.exists(path) else gzip.open
    with opener(path if opener is open else path + '.gz', 'rt', encoding='utf-8', newline='') as f:
        return f.read()


def records(name):
    return [json.loads(line) for line in read_text(name + '.jsonl').split('\n') if line]


class Pairs(list):
    """A JSON object, its fields in order and double ones kept."""


def parse(text):
    return json.loads(text, parse_float=D, object_pairs_hook=Pairs)


def plain(value):
    """A parsed value that compares by content: objects as dicts (the last of double fields)."""
    if isinstance(value, Pairs):
        return {k: plain(v) for k, v in value}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return D(value)
    return value


# ---- kinds: text of the database -> the value; JSON cell of cdcl -> the value ----

def micros(text):
    """Of '[-]HH:MM:SS[.ffffff]'."""
    m = re.fullmatch(r'(-?)(\d+):(\d\d):(\d\d)(\.\d+)?', text)
    whole = (int(m[2]) * 60 + int(m[3])) * 60 + int(m[4])
    return (-1 if m[1] else 1) * (whole * 1000000 + int(D(m[5] or 0) * 1000000))


def utc_micros(text):
    """Of a time of day with an offset, or with Z."""
    m = re.fullmatch(r'([\d:.]+)(?:Z|([+-])(\d\d)(?::(\d\d))?)', text)
    offset = (int(m[3] or 0) * 60 + int(m[4] or 0)) * 60000000 * (-1 if m[2] == '-' else 1)
    return (micros(m[1]) - offset) % 86400000000


def instant(text):
    text = re.sub(r'(\+00(:00)?|Z)$', '', text.strip()).replace('T', ' ')
    day, _, time = text.partition(' ')
    at = datetime.date.fromisoformat(day)
    return (at - datetime.date(1970, 1, 1)).days * 86400000000 + (micros(time) if time else 0)


def interval(text):
    """Micros, or ISO 8601: a month counts 365.25 / 12 days, as in Debezium."""
    if not text.startswith('P'):
        return int(D(text))
    day, _, time = text[1:].partition('T')
    units = dict(zip('YMD', (12 * 2629800000000, 2629800000000, 86400000000)))
    total = sum(int(n) * units[u] for n, u in re.findall(r'(-?\d+)([YMD])', day))
    units = dict(zip('HMS', (3600000000, 60000000, 1000000)))
    return total + sum(int(D(n) * units[u]) for n, u in re.findall(r'(-?[\d.]+)([HMS])', time))


def single(x):
    return struct.unpack('<f', struct.pack('<f', min(max(float(x), -3.4028235677e38), 3.4028235677e38)
                                           if abs(float(x)) != float('inf') else float(x)))[0]


def number(text):
    return 'NaN' if str(text) == 'NaN' else float(text)


def cell_bytes(cell):
    return base64.b64decode(cell, validate=True)


def cell_bits(cell):
    return int(cell) if isinstance(cell, (bool, int)) else int.from_bytes(cell_bytes(cell), 'little')


def cell_json(cell):
    return parse(cell) if isinstance(cell, str) else cell


def cell_point(cell):
    point = plain(cell_json(cell))
    return [float(point['x']), float(point['y'])]


def cell_date(cell):
    return cell if isinstance(cell, str) else str(datetime.date(1970, 1, 1) + datetime.timedelta(int(cell)))


KINDS = {
    'int': (int, lambda c: None if isinstance(c, bool) else int(c)),
    'decimal': (D, D),
    'float': (lambda t: 'NaN' if t == 'NaN' else single(t), lambda c: 'NaN' if str(c) == 'NaN' else single(c)),
    'double': (number, number),
    'boolean': (lambda t: t == 't', lambda c: c),
    'string': (str, lambda c: c),
    'binary': (bytes.fromhex, cell_bytes),
    'date': (str, cell_date),
    'time': (micros, lambda c: micros(c) if isinstance(c, str) else int(c)),
    'timetz': (utc_micros, utc_micros),
    'timestamp': (instant, lambda c: instant(c) if isinstance(c, str) else int(c)),
    'interval': (interval, lambda c: interval(str(c))),
    'json': (lambda t: plain(parse(t)), lambda c: c),       # see same()
    'array': (lambda t: plain(parse(t)), lambda c: plain(cell_json(c))),
    'object': (lambda t: plain(parse(t)), lambda c: plain(cell_json(c))),
    'point': (lambda t: [float(x) for x in json.loads(t)], cell_point),
    'bits': (lambda t: int('0' + t, 2), cell_bits),
    'set': (str, lambda c: ','.join(json.loads(c) if c.startswith('[') else [c]) if isinstance(c, str) else ','.join(c)),
}


def same(kind, text, cell):
    """Is the JSON cell faithful to the database's text? \\N is NULL."""
    if kind == 'json' and text == 'null':  # in JSON lines the JSON value null looks like NULL
        return cell in (None, 'null')
    if text == '\\N' or cell is None:
        return text == '\\N' and cell is None
    try:
        if kind == 'json':  # a json column shows its own text, a string column holds it
            return cell == text or (plain(cell) == plain(parse(text)) and
                                    (not isinstance(cell, Pairs) or cell == parse(text)))
        of_text, of_cell = KINDS[kind]
        return of_text(text) == of_cell(cell)
    except (ValueError, TypeError, KeyError, decimal.InvalidOperation, struct.error):
        return False


# ---- tables ----

class Expected:
    """A table of expected/: columns [(name, kind)], rows {key cells: [cells]}."""

    def __init__(self, name, key):
        lines = list(csv.reader(io.StringIO(read_text('expected/%s.csv' % name), newline='')))
        self.name, self.key = name, key
        self.columns = [tuple(head.rsplit(' ', 1)) for head in lines[0]]
        at = [[c for c, _ in self.columns].index(k) for k in key]
        self.rows = {tuple(row[i] for i in at): row for row in lines[1:]}


def exceptions(capture, table):
    """{(key, column): (cell, reason)} of what Debezium lost; a cell "no row": the row is not there,
    column "*" with cell "extra": the row is there although the database has none."""
    out = {}
    for row in csv.DictReader(io.StringIO(read_text('expected/exceptions.csv'))):
        if row['table'] == table and any(fnmatch.fnmatchcase(capture, p) for p in row['capture'].split()):
            for key in row['key'].split():
                out[(tuple(key.split('/')), row['column'])] = (row['cell'], row['reason'])
    return out


def differences(capture, expected, got):
    """`got`: {key cells as text: {column: JSON cell}}. A list of what differs; empty: equal."""
    known = exceptions(capture, expected.name)
    wrong = []
    for key in sorted(set(expected.rows) | set(got)):
        said = known.get((key, '*'), ('', ''))[0]
        if key not in got:
            wrong += [] if said == 'no row' else ['key %s is missing' % '/'.join(key)]
        elif key not in expected.rows:
            wrong += [] if said == 'extra' else ['key %s should not be there: %s' % ('/'.join(key), got[key])]
        else:
            wrong += row_differences(known, expected, key, got[key])
    return wrong


def row_differences(known, expected, key, row):
    wrong = []
    for (column, kind), text in zip(expected.columns, expected.rows[key]):
        listed = known.get((key, column)) or known.get((('*',), column))
        cell = row.get(column)
        if column not in row and not (listed and listed[0] == 'no column'):
            wrong.append('key %s: no column %s' % ('/'.join(key), column))
        elif listed is not None and listed[0] == 'any':
            continue
        elif listed is not None and listed[0] != 'no column':
            if plain(cell) != plain(parse(listed[0])) and not same(kind, text, cell):
                wrong.append('key %s, %s: %r, want the exception %s or %r' % (
                    '/'.join(key), column, cell, listed[0], text))
        elif listed is None and not same(kind, text, cell):
            wrong.append('key %s, %s (%s): got %r, the database has %r' % (
                '/'.join(key), column, kind, cell, text))
    return wrong


def rows_by_key(lines, key):
    """JSON lines of a table's current rows, by the text of their key columns."""
    out = {}
    for line in lines:
        if line.strip():
            row = dict(parse(line))
            at = tuple('\\N' if row.get(k) is None else str(row[k]) for k in key)
            if at in out:
                raise AssertionError('two rows of key %s' % '/'.join(at))
            out[at] = row
    return out
