"""A table alone: what an upsert costs, and how that grows with the rows."""
import re
import machine
from figure import figure, number
from process import measure

COLUMNS = ['insert ns', 'update ns', 'bytes beyond payload', 'longest chunk ms']
GB_A_ROW = 100 / (1 << 30)
LINE = re.compile(r'^(insert|update) +(\d+) rows/s, longest chunk ([\d.]+) ms, ([\d.]+) bytes a row', re.M)


def sizes(full):
    wanted = [10 ** 5, 10 ** 6, 10 ** 7] + ([10 ** 8] if full else [])
    return [keys for keys in wanted if keys * GB_A_ROW < machine.available_gb() * 0.8]


def section(build, full, env):
    rows = []
    for keys in sizes(full):
        run = measure([build + '/bench_core_table', str(keys), '3'], env)
        lines = LINE.findall(run.text)
        if run.status != 0 or len(lines) != 3:
            raise RuntimeError('bench_core_table %d: %s%s' % (keys, run.text, run.said))
        rows.append({'name': '%s rows' % format(keys, ','), 'keys': keys, 'values': {
            'insert ns': figure([1e9 / float(rate) for kind, rate, _, _ in lines if kind == 'insert'], 'ns', 1),
            'update ns': figure([1e9 / float(rate) for kind, rate, _, _ in lines if kind == 'update'], 'ns', 1),
            'bytes beyond payload': figure([float(lines[-1][3])], 'bytes', 1),
            'longest chunk ms': figure([max(float(longest) for _, _, longest, _ in lines)], 'ms', 2)}})
    note = 'uniform keys, chunks of 1,024 rows, CPU time of one thread'
    if full and 10 ** 8 not in [r['keys'] for r in rows]:
        note += '; no memory for %s rows: %s GB available' % (format(10 ** 8, ','), number(machine.available_gb()))
    return {'key': 'upsert', 'title': 'Upsert into a table, a row', 'note': note, 'columns': COLUMNS, 'rows': rows,
            'chart': 'update ns'}
