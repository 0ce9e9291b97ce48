"""What --workers gains over one process, where no broker is the limit: jobs over a file, rounds interleaved. Two jobs at
once that have nothing to do with each other are the ceiling: what the machine itself gives to two processes."""
import os, subprocess, tempfile, threading
import lua_border, totals
from figure import figure, ratio
from process import measure

COLUMNS = ['events/s', 'events/s of one', 'of two jobs at once', 'CPU of one', 'peak MB', 'checksum']
SOURCE = '''local cdcl = require "cdcl"
cdcl.job { name = "workers" }
local rows = cdcl.file { path = "%s.jsonl", schema = "order_id int, product string, quantity int, op string" }
'''
BOX = ':to(cdcl.console { output_mode = "complete", truncate = false })\n'
JOBS = {
    'job 2': SOURCE % 'rows' + 'rows:group_by "op":agg("count(*) as n", "sum(quantity) as total")' + BOX,
    'job 2 with Lua': SOURCE % 'rows' +
        'rows:filter(function(r) return r.quantity >= 0 and r.order_id > 0 end)'
        ':with("amount int", function(r) return r.quantity + r.order_id % 1 end)'
        ':group_by "op":agg("count(*) as n", "sum(amount) as total")' + BOX,
    'merge': SOURCE % 'keys' + 'rows:merge { name = "orders", key = "order_id" }'
                               ':agg("count(*) as n", "sum(quantity) as total")'
                               ':select("\'rows\' as what", "n", "total")' + BOX,
}
ROWS_MAX = 24000000  # 1.6 GB
PERIOD = 150000  # lua_border.write_rows begins anew
KEYS = 1000000
STEPS = (618033, 414213, 732051, 236067, 449489, 645751, 828427, 162277)  # each visits all keys, in an order of its own


def offered(cdcl):
    done = subprocess.run([cdcl, 'run', '--help'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return b'--workers' in done.stdout


def write_periods(path, periods):
    lua_border.write_rows(path, PERIOD)
    with open(path) as f:
        text = f.read()
    with open(path, 'a') as f:
        for _ in range(periods - 1):
            f.write(text)


def write_keys(path, passes):
    """Each pass changes every key once; answers what the rows add up to after the last."""
    count = total = 0
    with open(path, 'w') as f:
        for turn in range(passes):
            step = STEPS[turn % len(STEPS)]
            for i in range(KEYS):
                deletes = (i + turn) % 50 == 0
                f.write('{"order_id":%d,"product":"Laptop","quantity":%d,"op":"%s"}\n' % (
                    i * step % KEYS, i % 100, 'delete' if deletes else 'update'))
                if turn == passes - 1 and not deletes:
                    count, total = count + 1, total + i % 100
    return {'rows': (count, total)}


def truth(rows):
    """Of what lua_border.write_rows writes."""
    found = {}
    for i in range(rows):
        op = ('insert', 'update', 'delete')[i % 3]
        count, total = found.get(op, (0, 0))
        found[op] = (count + 1, total + i % 100)
    return found


def script(job):
    return job.replace(' ', '_') + '.lua'


def run(cdcl, folder, job, more, env):
    return measure([cdcl, 'run', '-q', '--available-now', *more, script(job)], env, cwd=folder)


class Pair:
    """Two jobs at once, as if they were one run of twice the rows, in time a row."""

    def __init__(self, make):
        runs = [None, None]

        def start(number):
            runs[number] = make()
        threads = [threading.Thread(target=start, args=(number,)) for number in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if None in runs:
            raise RuntimeError('one of two jobs did not end')
        self.status = max(r.status for r in runs)
        self.text, self.said = runs[0].text, runs[0].said + runs[1].said
        self.wall = max(r.wall for r in runs) / 2
        self.cpu = sum(r.cpu for r in runs) / 2
        self.peak_mb = sum(r.peak_mb for r in runs)


WAYS = {
    '1 process': lambda *where: run(*where[:3], [], where[3]),
    '2 workers': lambda *where: run(*where[:3], ['--workers', '2'], where[3]),
    'two jobs at once': lambda *where: Pair(lambda: run(*where[:3], [], where[3])),
}


def row(name, runs, ones, pairs, rows, want):
    for r in runs:
        if r.status != 0 or totals.read(r.text) != want:
            return {'name': name, 'values': {'checksum': 'WRONG'}, 'wrong': r.said[-300:] or 'wrong totals'}
    return {'name': name, 'values': {
        'events/s': figure([rows / r.wall for r in runs], 'events/s', 0),
        'events/s of one': ratio([o.wall for o in ones], [r.wall for r in runs]),
        'of two jobs at once': ratio([p.wall for p in pairs], [r.wall for r in runs]),
        'CPU of one': ratio([r.cpu for r in runs], [o.cpu for o in ones]),
        'peak MB': figure([r.peak_mb for r in runs], 'MB', 1), 'checksum': totals.checksum(want)}}


def table_rows(cdcl, folder, job, rows, want, rounds, env):
    runs = {way: [] for way in WAYS}
    with open(os.path.join(folder, script(job)), 'w') as f:  # before two jobs read it at once
        f.write(JOBS[job])
    for number in range(rounds):
        for way in list(WAYS) if number % 2 == 0 else list(WAYS)[::-1]:
            runs[way].append(WAYS[way](cdcl, folder, job, env))
    return [row('%s, %s' % (job, way), runs[way], runs['1 process'], runs['two jobs at once'], rows, want) for way in WAYS]


def section(build, rows, rounds, env):
    """None where cdcl has no workers."""
    if not offered(build + '/cdcl'):
        return None
    rows = min(rows, ROWS_MAX)
    periods, passes = max(1, rows // PERIOD), max(2, rows // 3 // KEYS)
    table = []
    with tempfile.TemporaryDirectory() as folder:
        write_periods(folder + '/rows.jsonl', periods)
        keys = write_keys(folder + '/keys.jsonl', passes)
        of = {'merge': (passes * KEYS, keys)}
        plain = (periods * PERIOD, {op: (n * periods, t * periods) for op, (n, t) in truth(PERIOD).items()})
        for job in JOBS:
            table += table_rows(build + '/cdcl', folder, job, *of.get(job, plain), rounds, env)
    note = '%s rows from a file, %s over %s keys for the merge; a start takes about 0.01 s' % (
        format(periods * PERIOD, ','), format(passes * KEYS, ','), format(KEYS, ','))
    return {'key': 'workers', 'title': 'Workers', 'note': note, 'columns': COLUMNS, 'rows': table, 'chart': 'events/s'}
