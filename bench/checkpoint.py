"""What a checkpoint costs, without Kafka.

Two jobs over the same files, with and without a checkpoint, rounds interleaved; a batch is what the job reads in about a
second, so each batch pays for one checkpoint: groups (count and sum by op; goal under 8 % more CPU) and merge (the current
row of each of 1,000,000 keys; goal under 15 %). What else runs on the machine only ever adds CPU, so the least that the job
took with and without says more than the rounds one by one; both are told. Then the end of small batches beside fdatasync
alone in the same folder, log bytes a changed row, and recovery against memcpy (bench_core_checkpoint), which has a second
thread: by the clock.
"""
import glob, json, os, random, re, shutil, tempfile, time
from figure import figure
from process import measure

SOURCE = '''local cdcl = require "cdcl"
cdcl.job { name = "bench" }
local rows = cdcl.file { path = "%s/*.jsonl", max_files_per_trigger = 1,
	schema = "order_id int, product string, quantity int, op string" }
'''
JOBS = {
    'groups': SOURCE + 'rows:group_by "op":agg("count(*) as n", "sum(quantity) as total")'
                       ':to(cdcl.console { output_mode = "complete" })\n',
    'merge': SOURCE + 'rows:merge { name = "orders", key = "order_id" }:agg "count(*) as n"'
                      ':to(cdcl.console { output_mode = "update" })\n',
}


class Bench:
    """A folder of input files, and the jobs run in it."""

    def __init__(self, build, folder, rows, env):
        self.cdcl, self.build, self.folder, self.env = build + '/cdcl', build, folder, env
        self.keys, self.batches, self.small = min(1000000, 2 * rows), 4, 400
        self.rows = 2 * self.keys
        self.write_files('large', self.batches, self.rows)
        self.write_files('small', self.small, 100)
        self.write_files('counted', 2, min(self.rows, 100000))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_files(self, name, count, rows):
        os.mkdir(self.path(name))
        pick = random.Random(1)
        for number in range(count):
            with open('%s/%06d.jsonl' % (self.path(name), number), 'w') as f:
                f.writelines('{"order_id":%d,"product":"Laptop","quantity":%d,"op":"update"}\n' % (
                    pick.randrange(self.keys), pick.randrange(100)) for _ in range(rows))

    def run(self, job, files, checkpointed, under=()):
        """The run and its progress lines."""
        with open(self.path('job.lua'), 'w') as f:
            f.write(JOBS[job] % files)
        if os.path.exists(self.path('progress')):
            os.remove(self.path('progress'))
        shutil.rmtree(self.path('state'), ignore_errors=True)
        run = measure([*under, self.cdcl, 'run', '-q', '--available-now', '--progress', 'progress',
                       *(['--checkpoint', 'state'] if checkpointed else []), 'job.lua'], self.env, cwd=self.folder)
        if run.status != 0:
            raise RuntimeError(run.said)
        with open(self.path('progress')) as f:
            return run, [json.loads(line) for line in f]

    def cost(self, job, rounds):
        """Percent: of the least that each took, and of rounds side by side."""
        seconds = {False: [], True: []}
        for number in range(rounds):
            for checkpointed in (False, True) if number % 2 == 0 else (True, False):
                run, progress = self.run(job, 'large', checkpointed)
                if sum(p['numInputRows'] for p in progress) != self.rows * self.batches:
                    raise RuntimeError('not all rows were read')
                seconds[checkpointed].append(run.cpu)
        least = (min(seconds[True]) / min(seconds[False]) - 1) * 100
        return figure([least], '%', 1), figure([(w / o - 1) * 100 for w, o in zip(seconds[True], seconds[False])], '%', 1)

    def instructions(self, job):
        """Percent more of them, of all threads; the kernel's are not counted. None without valgrind."""
        if shutil.which('valgrind') is None:
            return None
        counts = []
        for checkpointed in (False, True):
            run, _ = self.run(job, 'counted', checkpointed, ('valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null'))
            counts.append(int(re.search(r'I +refs: +([\d,]+)', run.said).group(1).replace(',', '')))
        return figure([(counts[1] / counts[0] - 1) * 100], '%', 1)

    def ends(self, checkpointed):
        """Milliseconds that the end of a batch of 100 rows takes, whole ones; and the mean of a batch, start-up included."""
        run, progress = self.run('merge', 'small', checkpointed)
        return [p['durationMs']['triggerExecution'] for p in progress], run.wall * 1000 / self.small

    def log_bytes(self):
        files = glob.glob(self.path('state/log-*')) + glob.glob(self.path('state/snap-*'))
        return sum(os.path.getsize(p) for p in files) / (self.small * 100)

    def synced(self):
        times = []
        with open(self.path('synced'), 'wb', buffering=0) as f:
            for _ in range(self.small):
                f.write(b'x' * 4096)
                began = time.monotonic()
                os.fdatasync(f.fileno())
                times.append((time.monotonic() - began) * 1000)
        return times

    def core(self):
        """What bench_core_checkpoint says of a table of all keys: name to MB and MB/s; the longest slice in ms."""
        run = measure([self.build + '/bench_core_checkpoint', str(self.keys), self.path('core')], self.env)
        if run.status != 0:
            raise RuntimeError(run.said)
        lines = re.findall(r'^(\w[\w ]*\w) +([\d.]+) MB +([\d.]+) MB/s', run.text, re.M)
        return ({name: (float(size), float(rate)) for name, size, rate in lines},
                float(re.search(r'longest slice ([\d.]+) ms', run.text).group(1)))


def at(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def table(key, title, note, unit, rows):
    return {'key': key, 'title': title, 'note': note, 'columns': [unit], 'chart': unit,
            'rows': [{'name': name, 'values': {unit: f}} for name, f in rows if f is not None]}


def section(build, rows, rounds, env):
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR')) as folder:
        bench = Bench(build, folder, rows, env)
        more = []
        for job in JOBS:
            least, pairs = bench.cost(job, max(rounds, 5))
            more += [(job, least), (job + ', rounds side by side', pairs), (job + ', instructions', bench.instructions(job))]
        (without, mean_without), (with_one, mean_with) = bench.ends(False), bench.ends(True)
        log_bytes, ends, synced = bench.log_bytes(), [], bench.synced()
        for name, values in (('without', without), ('with', with_one), ('fdatasync alone', synced)):
            ends += [('%s, p%g' % (name, part * 100), figure([at(values, part)], 'ms', 2)) for part in (0.5, 0.99)]
        added = at(with_one, 0.99) - at(without, 0.99)
        ends += [('added by a checkpoint, p99', figure([added], 'ms', 2)),
                 ('added by a checkpoint, mean', figure([mean_with - mean_without], 'ms', 2))]
        core = [bench.core() for _ in range(max(rounds, 3))]
    rates = {name: figure([one[name][1] for one, _ in core], 'MB/s', 0) for name in core[0][0]}
    ratio = figure([one['recover by the clock'][1] / one['memcpy by the clock'][1] for one, _ in core], '', 3)
    cpu_ratio = figure([one['recover'][1] / one['memcpy'][1] for one, _ in core], '', 3)
    row_bytes = core[0][0]['commit'][0] * 1e6 / bench.keys
    batches = '%d batches of %s rows, %s keys' % (bench.batches, format(bench.rows, ','), format(bench.keys, ','))
    said = '%s; bytes of log a changed row: %.1f in one large batch, %.1f in batches of 100 rows' % (batches, row_bytes, log_bytes)
    return [
        table('checkpoint', 'What a checkpoint costs: more CPU', said, '%', more),
        table('checkpoint_ends', 'What a checkpoint costs: the end of a batch of 100 rows',
              '%d batches, each in whole milliseconds; one waits for two syncs: p99 added / p99 of fdatasync alone %.1f; '
              'the last row is of a table of %s rows' % (
                  bench.small, added / at(synced, 0.99), format(bench.keys, ',')), 'ms',
              ends + [('longest slice of a snapshot', figure([longest for _, longest in core], 'ms', 2))]),
        table('checkpoint_rates', 'Checkpoints beside memcpy, of CPU time',
              'recovery / memcpy by the clock, run by run, bytes of the snapshot: %.3f (%.3f–%.3f), of CPU time %.3f (%.3f–%.3f); both are '
              'the median of seven in a run' % tuple(r[k] for r in (ratio, cpu_ratio) for k in ('median', 'low', 'high')),
              'MB/s', list(rates.items()))]
