"""The Lua border: CPU and instructions of each operator over a file, a row, more than the same job without it."""
import shutil, tempfile
import instructions
from figure import figure
from process import measure

OPERATORS = [
    ('none', 'rows'),
    ('filter, SQL', 'rows:filter "quantity >= 0 and order_id > 0"'),
    ('filter, Lua', 'rows:filter(function(r) return r.quantity >= 0 and r.order_id > 0 end)'),
    ('with, SQL', 'rows:with "quantity * 2 as twice"'),
    ('with, Lua', 'rows:with("twice int", function(r) return r.quantity * 2 end)'),
    ('map, Lua', 'rows:map("op string, quantity int", function(r) return r.op, r.quantity end)'),
    ('flat_map, Lua', 'rows:flat_map("op string, quantity int", function(r, emit) emit(r.op, r.quantity) end)'),
]
COUNTED_EVENTS = 60 * 1024  # the compiler of LuaJIT has its share in the first thousands
JOB = '''local cdcl = require "cdcl"
cdcl.job { name = "border" }
local rows = cdcl.file { path = "rows.jsonl", schema = "order_id int, product string, quantity int, op string" }
%s:group_by "op":agg("count(*) as n", "sum(quantity) as total"):to(cdcl.console { output_mode = "complete" })
'''


def write_rows(path, rows):
    with open(path, 'w') as f:
        for i in range(rows):
            f.write('{"order_id":%d,"product":"Laptop","quantity":%d,"op":"%s"}\n' % (
                1000 + i % 50000, i % 100, ('insert', 'update', 'delete')[i % 3]))


def cpu_of(cdcl, folder, script, env):
    with open(folder + '/job.lua', 'w') as f:
        f.write(JOB % script)
    run = measure([cdcl, 'run', '-q', '--available-now', 'job.lua'], env, cwd=folder)
    if run.status != 0:
        raise RuntimeError(run.said)
    return run.cpu


def counted(build):
    """Instructions an event by operator, as callgrind counts them; none without valgrind."""
    if shutil.which('valgrind') is None:
        return {}
    gate = instructions.gate(build + '/cdcl')
    gate.EVENTS = COUNTED_EVENTS
    gate.JOBS = {'operator%d' % i: 'local rows = %s\n%s:group_by "op"%s' % (gate.ROWS, script, gate.COUNT)
                 for i, (_, script) in enumerate(OPERATORS)}
    found = gate.measure().values()
    wrong = [value for value in found if isinstance(value, str)]
    if wrong:
        raise RuntimeError(wrong[0])
    return dict(zip((name for name, _ in OPERATORS), found))


def section(build, rows, rounds, env):
    seconds = {name: [] for name, _ in OPERATORS}
    with tempfile.TemporaryDirectory() as folder:
        write_rows(folder + '/rows.jsonl', rows)
        for _ in range(rounds):
            for name, script in OPERATORS:
                seconds[name].append(cpu_of(build + '/cdcl', folder, script, env))
    plain, count = seconds['none'], counted(build)
    table = [{'name': 'cdcl, ' + name, 'values': {
        'CPU ns/row': figure([s / rows * 1e9 for s in seconds[name]], 'ns', 0),
        'more than none': figure([(s - p) / rows * 1e9 for s, p in zip(seconds[name], plain)], 'ns', 1),
        'instructions more than none': figure([count[name] - count['none']] if count else [], '', 1)}} for name, _ in OPERATORS]
    return {'key': 'border', 'title': 'The Lua border', 'note': '%s rows from a file, a count and a sum behind it' % format(rows, ','),
            'columns': ['CPU ns/row', 'more than none', 'instructions more than none'], 'rows': table,
            'chart': 'instructions more than none'}
