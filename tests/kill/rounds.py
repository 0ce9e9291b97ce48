"""kill -9, round after round. A session is the life of one checkpoint: a job that reads random change events and
writes to all targets at once, or to one alone, is killed some times while events go on arriving, and runs to the
end at last; then every target and the state must equal changes.Model. Each life reads through either lane.

A round is one kill: by the clock, at any moment since the start; or at the n-th call to the disk or the network
(fault_shim.c), before it, after it or in the middle of it. So every step of a batch is hit, also those that take
no time."""
import glob, json, os, random, subprocess, tempfile, threading, time, types

import changes, living, targets
from living import BUILD, CDCL, Life, want

PLAIN = types.SimpleNamespace(Events=changes.Events, Model=changes.Model, JOB=targets.JOB, form=targets.plain)
HOWS = ['clock', 'clock', 'disk', 'disk', 'disk', 'sync', 'send']


class Feeder(threading.Thread):
    """Sends events until it is stopped: bursts and pauses."""

    def __init__(self, bench, topic, events, rng):
        super().__init__(daemon=True)
        self.bench, self.topic, self.events, self.rng = bench, topic, events, rng
        self.stopping, self.lock, self.failed = threading.Event(), threading.Lock(), None

    def run(self):
        try:
            while not self.stopping.is_set():
                with self.lock:         # held by whoever harms the broker
                    self.send(self.rng.choice([3, 40, 400, 1000]))
                self.stopping.wait(self.rng.choice([0.02, 0.1, 0.4]))
        except Exception as e:
            self.failed = e

    def send(self, count):
        self.bench.tool('produce', self.topic, stdin=b''.join(e.line() for e in self.events.some(count)))

    def stop(self):
        self.stopping.set()
        self.join()
        want(self.failed is None, 'feeder', self.failed)


class Session:
    """One of `kind`, a module with Events, Model, JOB and form: targets.py with changes.py, or widening.py."""

    def __init__(self, bench, seed, alone=None, kind=None):
        self.kind = kind or PLAIN
        self.bench, self.seed, self.rng = bench, seed, random.Random(seed)
        self.tag = 'kill%d_%d' % (os.getpid(), seed)
        self.topic = self.tag + '_in'
        self.events = self.kind.Events(seed, self.rng.choice([20, 60, 400]))
        self.options = {'sequence': self.rng.random() < 0.5, 'patch': self.rng.random() < 0.5,
                        'rule': self.rng.random() < 0.5}
        self.alone = alone
        self.kills, self.ended = {}, 0

    def prepare(self, folder):
        self.folder, r = folder, self.rng
        self.place = targets.Place(folder, self.bench.broker, self.bench.tool, self.bench.postgres,
                                   self.bench.python, self.tag, self.kind.form)
        self.aims = targets.targets(self.place, self.alone)
        dead, letters = targets.dead(self.place, r.random() < 0.4)
        merge = ('' if not self.options['sequence'] else ', sequence_by = "seq"') + \
            ('' if not self.options['patch'] else ', update = "patch"') + (targets.RULE if self.options['rule'] else '')
        text = targets.job(self.place, self.topic, self.aims, frame=self.kind.JOB, dead=dead, merge=merge,
                           limit=r.choice([50, 300, 2000]), trigger=r.choice(['', ', trigger = "50 ms"']))
        self.aims.append(letters)
        with open(os.path.join(folder, 'job.lua'), 'w') as f:
            f.write(text)
        self.bench.tool('create', self.topic, changes.PARTITIONS)

    def words(self):
        return ['run', '--brokers', self.bench.broker.bootstrap, '-v', 'job.lua']

    def one_round(self):
        """Starts it and kills it. It must not end by itself."""
        r, how = self.rng, self.rng.choice(HOWS)
        env = {'CDCL_LANE': r.choice(living.LANES)}
        if how != 'clock':
            most = {'disk': 400, 'sync': 60, 'send': 150}[how]
            env.update({'LD_PRELOAD': BUILD + '/fault_shim.so', 'KILL_ON': how,
                        'KILL_AT': str(int(most ** r.random())), 'KILL_HOW': r.choice(['before', 'after', 'half'])})
        with Life(self.folder, *self.words(), env=env) as life:
            deadline = time.monotonic() + (r.random() * 0.7 if how == 'clock' else 1.5)
            while life.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            code = life.process.poll()
            if code is None:
                life.process.kill()
                how = 'clock'
                code = life.process.wait()
            want(code == -9, 'exit %s of a process that nobody asked' % code, life.said()[-2000:])
        self.kills[how] = self.kills.get(how, 0) + 1

    def judge(self):
        model = self.kind.Model(**self.options).take_all(self.events.all)
        ends = self.bench.tool('ends', self.topic, changes.PARTITIONS).split('\n')[:-1]
        want([int(line.split()[2]) for line in ends] == self.events.next, 'the topic is not what was sent', ends)
        again = {}
        for aim in self.aims:
            twice = aim.judge(model)
            if twice:
                kind = type(aim).__name__
                again[kind] = again.get(kind, 0) + twice
        dumped = subprocess.run([CDCL, 'state', 'dump', 'state', 'orders'], cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=living.PATIENCE)
        want(dumped.returncode == 0, dumped.stderr.decode())
        rows = {(r['id'],): r for r in map(self.kind.form, map(targets.loads, dumped.stdout.decode().splitlines()))}
        want(rows == model.rows(), 'state dump', len(rows), len(model.rows()),
             [(k, rows.get(k), model.rows().get(k)) for k in set(rows) | set(model.rows())
              if rows.get(k) != model.rows().get(k)][:3])
        return again

    def columns_changed(self):
        """How often, in all lives."""
        told = 0
        for name in glob.glob(self.folder + '/stderr.*'):
            with open(name, encoding='utf-8', errors='replace') as f:
                told += f.read().count('the columns changed:')
        return told

    def run(self, rounds, folder):
        self.prepare(folder)
        feeder = Feeder(self.bench, self.topic, self.events, random.Random(self.seed + 1))
        feeder.send(self.events.first)
        # most often the columns of the first events are kept before others come
        settled = bool(self.events.to_come) and self.rng.random() < 0.8
        if settled:
            with Life(folder, *self.words(), '--max-batches', '1') as life:
                life.end()
        feeder.start()
        try:
            for _ in range(rounds):
                self.one_round()
        finally:
            feeder.stop()
        while self.events.to_come:
            feeder.send(300)
        with Life(folder, *self.words(), '--available-now', env={'CDCL_LANE': self.rng.choice(living.LANES)}) as life:
            life.end()
        again = self.judge()
        changed = self.columns_changed()
        want(changed > 0 or not settled, 'no column changed in mid-stream')
        return '%s, %d events, kills %s%s%s' % (
            'all targets' if self.alone is None else '%s %s alone' % (type(self.aims[0]).__name__, self.aims[0].name),
            len(self.events.all), ' '.join('%s %d' % k for k in sorted(self.kills.items())),
            ', columns changed %d times' % changed if changed else '',
            ', rows that came again: %s' % again if again else '')


def session(bench, seed, rounds, alone=None, kind=None):
    s = Session(bench, seed, alone, kind)
    with tempfile.TemporaryDirectory(prefix='cdcl-kill.', ignore_cleanup_errors=True) as folder:
        try:
            return s.run(rounds, folder)
        except Exception as e:
            keep = os.environ.get('KEEP')
            if keep:
                subprocess.run(['cp', '-a', folder, keep], check=False)
            raise AssertionError('SEED=%d, options %s, alone %s, kills %s\n%s: %s' % (
                seed, s.options, alone, s.kills, type(e).__name__, e)) from e
