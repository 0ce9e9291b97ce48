"""What --workers gains over one process, where no broker is the limit: jobs over a file, rounds interleaved."""
import os, subprocess, tempfile
import lua_border, totals
from figure import figure, ratio
from process import measure

COLUMNS = ['events/s', 'events/s of one', 'CPU of one', 'peak MB', 'checksum']
COUNTS = (1, 2)
SOURCE = '''local cdcl = require "cdcl"
cdcl.job { name = "workers" }
local rows = cdcl.file { path = "rows.jsonl", schema = "order_id int, product string, quantity int, op string" }
'''
BOX = ':to(cdcl.console { output_mode = "complete", truncate = false })\n'
JOBS = {
    'job 2': SOURCE + 'rows:group_by "op":agg("count(*) as n", "sum(quantity) as total")' + BOX,
    'job 2 with Lua': SOURCE + 'rows:filter(function(r) return r.quantity >= 0 and r.order_id > 0 end)'
                               ':with("amount int", function(r) return r.quantity + r.order_id % 1 end)'
                               ':group_by "op":agg("count(*) as n", "sum(amount) as total")' + BOX,
}


def offered(cdcl):
    done = subprocess.run([cdcl, 'run', '--help'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return b'--workers' in done.stdout


def truth(rows):
    """Of what lua_border.write_rows writes."""
    found = {}
    for i in range(rows):
        op = ('insert', 'update', 'delete')[i % 3]
        count, total = found.get(op, (0, 0))
        found[op] = (count + 1, total + i % 100)
    return found


def run(cdcl, folder, job, count, env):
    with open(os.path.join(folder, 'job.lua'), 'w') as f:
        f.write(JOBS[job])
    more = ['--workers', str(count)] if count > 1 else []
    return measure([cdcl, 'run', '-q', '--available-now', *more, 'job.lua'], env, cwd=folder)


def row(job, count, runs, ones, rows, want):
    name = '%s, %s' % (job, '1 process' if count == 1 else '%d workers' % count)
    for r in runs:
        if r.status != 0 or totals.read(r.text) != want:
            return {'name': name, 'values': {'checksum': 'WRONG'}, 'wrong': r.said[-300:] or 'wrong totals'}
    return {'name': name, 'values': {
        'events/s': figure([rows / r.wall for r in runs], 'events/s', 0),
        'events/s of one': ratio([o.wall for o in ones], [r.wall for r in runs]),
        'CPU of one': ratio([r.cpu for r in runs], [o.cpu for o in ones]),
        'peak MB': figure([r.peak_mb for r in runs], 'MB', 1), 'checksum': totals.checksum(want)}}


def section(build, rows, rounds, env):
    """None where cdcl has no workers."""
    if not offered(build + '/cdcl'):
        return None
    table, want = [], truth(rows)
    with tempfile.TemporaryDirectory() as folder:
        lua_border.write_rows(folder + '/rows.jsonl', rows)
        for job in JOBS:
            runs = {count: [] for count in COUNTS}
            for number in range(rounds):
                for count in COUNTS if number % 2 == 0 else COUNTS[::-1]:
                    runs[count].append(run(build + '/cdcl', folder, job, count, env))
            table += [row(job, count, runs[count], runs[1], rows, want) for count in COUNTS]
    return {'key': 'workers', 'title': 'Workers', 'note': '%s rows from a file' % format(rows, ','), 'columns': COLUMNS,
            'rows': table, 'chart': 'events/s'}
