"""A table alone: what an upsert costs, and how that grows with the rows."""
import re
import machine
from figure import figure, number
from process import measure

COLUMNS = ['insert ns', 'update ns', 'bookkeeping bytes', 'unused bytes', 'longest chunk ms', 'longest of an idle loop ms']
LARGE = 10 ** 8
GB_A_ROW, RUNS = 100 / (1 << 30), 3  # one run of the largest
KINDS = {'fixed': ' rows', 'orders': ' rows with two strings'}
LINE = re.compile(r'^(insert|update) +(\d+) rows/s, longest chunk ([\d.]+) ms, bytes a row: '
                  r'index ([\d.]+), marks ([\d.]+), changes ([\d.]+), unused ([\d.]+)', re.M)
IDLE = re.compile(r'^idle: longest turn ([\d.]+) ms', re.M)


def sizes(full, asked):
    wanted = asked or [10 ** 5, 10 ** 6, 10 ** 7] + ([LARGE] if full else [])
    return [keys for keys in wanted if keys * GB_A_ROW < machine.available_gb() * 0.8]


def row(build, keys, kind, env):
    found = []
    for _ in range(RUNS if keys < LARGE else 1):
        run = measure([build + '/bench_core_table', str(keys), '3', kind], env)
        lines, idle = LINE.findall(run.text), IDLE.search(run.text)
        if run.status != 0 or len(lines) != 3 or not idle:
            raise RuntimeError('bench_core_table %d: %s%s' % (keys, run.text, run.said))
        found.append(([(step, *map(float, numbers)) for step, *numbers in lines], float(idle.group(1))))
    rounds = [line for lines, _ in found for line in lines]
    return {'name': format(keys, ',') + KINDS[kind], 'keys': keys, 'values': {
        'insert ns': figure([1e9 / line[1] for line in rounds if line[0] == 'insert'], 'ns', 1),
        'update ns': figure([1e9 / line[1] for line in rounds if line[0] == 'update'], 'ns', 1),
        'bookkeeping bytes': figure([sum(lines[-1][3:6]) for lines, _ in found], 'bytes', 1),
        'unused bytes': figure([lines[-1][6] for lines, _ in found], 'bytes', 1),
        'longest chunk ms': figure([lines[0][2] for lines, _ in found], 'ms', 2),
        'longest of an idle loop ms': figure([idle for _, idle in found], 'ms', 2)}}


def section(build, full, env, asked=None, before=None):
    """`before`: the section of an earlier report, of which what is not asked for stays."""
    rows = [row(build, keys, kind, env) for kind in KINDS for keys in sizes(full, asked)]
    if asked and before:
        rows += [old for old in before['rows'] if old['name'] not in [r['name'] for r in rows]]
        rows.sort(key=lambda r: (r['name'].endswith(KINDS['orders']), r['keys']))
    note = ('uniform keys, rows of 32 bytes in five numbers or of two integers and two strings, '
            'chunks of 1,024 rows, CPU time of one thread; bookkeeping: index, marks with NULL bits, the list of what a '
            'batch changed (all rows in one); unused: of fields for strings, of blocks and of pages kept ready; longest chunk: of the '
            'round that inserts')
    if full and LARGE not in [r['keys'] for r in rows]:
        note += '; no memory for %s rows: %s GB available' % (format(LARGE, ','), number(machine.available_gb()))
    return {'key': 'upsert', 'title': 'Upsert into a table, a row', 'note': note, 'columns': COLUMNS, 'rows': rows,
            'chart': 'update ns'}
