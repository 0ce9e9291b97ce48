"""How late a row comes out: an open loop of events at a part of the sustainable rate, each stamped with the time at which
it was due, so a stall of anything on the way counts for every event that was due in it.

A round of 21 rows takes three minutes.

By pipe nothing but cdcl is between stamp and row: that is "from readable to emitted". Through Kafka the sender and the
broker are on the way too, on the same cores. What all of that costs without cdcl shows a program that only looks for the
probes, run the same way: lines by pipe, the tuned null consumer through Kafka. Below them is nothing to be gained.
"""
import os, re, select, subprocess, tempfile, time
import lane
from figure import figure, text

JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'jobs', 'latency.lua')
LOADS = (10, 50, 80)
COLUMNS = ['events/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms']
READY = (b'started', b'ready')  # what cdcl and bench_null_probe say on stderr
READY_S, START_S, DRAIN_S, SKIP_US, PROBES_A_SECOND = 30, 1, 2, 1000000, 1000
UNLIMITED_MS, UNLIMITED_RUNS = 2000, 3
COME_MIN = 0.9


class Latency:
    def __init__(self, build, topic, milliseconds, env):
        self.build, self.topic, self.milliseconds, self.env = build, topic, milliseconds, env

    def program(self, name, *arguments):
        return [self.build + '/bench_' + name, *(str(a) for a in arguments)]

    def job(self, *options):
        return [self.build + '/cdcl', 'run', '--set', 'topic=' + self.topic.name, *options, JOB]

    def start(self, command, stdin=None, cores=None, **more):
        keep = cores and (lambda: os.sched_setaffinity(0, cores))
        return subprocess.Popen(command, env=self.env, stdin=stdin or subprocess.DEVNULL, preexec_fn=keep, **more)

    def receiver(self, program, cores=None):
        receiver = self.start(self.program('receive', SKIP_US), program.stdout, cores, stdout=subprocess.PIPE)
        program.stdout.close()
        return receiver

    def send(self, target, rate, milliseconds, **more):
        every = max(int(rate / PROBES_A_SECOND), 1) if rate else 1000
        return self.start(self.program('send_open', target, rate, milliseconds, every), stderr=subprocess.PIPE, **more)

    def by_pipe(self, command, rate, milliseconds):
        """What the receiver says, and events a second that went through. Sender and receiver have a core of their own."""
        ours, theirs = cores()
        began = time.monotonic()
        sender = self.send('-', rate, milliseconds, cores=theirs, stdout=subprocess.PIPE)
        program = self.start(command, sender.stdout, ours, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sender.stdout.close()
        receiver = self.receiver(program, theirs)
        said = receiver.communicate()[0].decode()
        program.wait()
        return said, sent(sender) / (time.monotonic() - began)

    def by_kafka(self, command, rate, milliseconds, cwd=None):
        program = self.start(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        receiver = self.receiver(program)
        wait_until_ready(program)
        began = time.monotonic()
        sender = self.send(self.topic.name, rate, milliseconds)
        events = sent(sender)
        took = time.monotonic() - began
        time.sleep(DRAIN_S)
        program.terminate()
        program.stderr.close()
        program.wait()
        return receiver.communicate()[0].decode(), events / took

    def by_kafka_durable(self, command, rate, milliseconds):
        """With a checkpoint of its own: one of an earlier run would begin with all that was sent since."""
        with tempfile.TemporaryDirectory() as folder:
            return self.by_kafka(command + ['--checkpoint', folder + '/state'], rate, milliseconds)

    def ask(self, run, command, rate):
        """From a disk that is at rest: what the run before it wrote would hold up the broker and every sync."""
        os.sync()
        said, _ = run(command, rate, self.milliseconds)
        expected = (self.milliseconds / 1000 - SKIP_US / 1e6) * PROBES_A_SECOND
        return dict(re.findall(r'([\w.]+)=(\d+)', said), rate=rate, expected=expected)


class Subject:
    """A program and the way to it; found: what came out, by load, a round each."""

    def __init__(self, name, run, command):
        self.name, self.run, self.command = name, run, command
        self.found = {load: [] for load in LOADS}

    def ask(self, bench, sustainable):
        for load in LOADS:
            print('  %s, %d %% load' % (self.name, load), flush=True)
            self.found[load].append(bench.ask(self.run, self.command, sustainable * load / 100))

    def rows(self):
        return [row('%s, %d %% load' % (self.name, load), self.found[load]) for load in LOADS]


def cores():
    """The program's and those of what measures it, or None twice where there is only one."""
    every = sorted(os.sched_getaffinity(0))
    return (every[1:], every[:1]) if len(every) > 1 else (None, None)


def wait_until_ready(program):
    """And a moment more: the first fetch is under way."""
    said, deadline = b'', time.monotonic() + READY_S
    while not any(word in said for word in READY):
        ready, _, _ = select.select([program.stderr], [], [], max(deadline - time.monotonic(), 0))
        more = os.read(program.stderr.fileno(), 4096) if ready else b''
        if not more:
            raise RuntimeError('it did not start: ' + said.decode('utf-8', 'replace')[-300:])
        said += more
    time.sleep(START_S)


def sent(sender):
    said = sender.communicate()[1].decode()
    found = re.search(r'sent=(\d+)', said)
    if sender.returncode != 0 or not found:
        raise RuntimeError('the sender: ' + said)
    return int(found.group(1))


def row(name, rounds):
    values = {'events/s': figure([r['rate'] for r in rounds], 'events/s', 0)}
    for r in rounds:
        come = int(r.get('count', 0))
        if come < r['expected'] * COME_MIN:
            return {'name': name, 'values': values,
                    'wrong': '%d of %d probes came in time: not sustained' % (come, r['expected'])}
    for part in ('p50', 'p99', 'p99.9', 'max'):
        values[part + ' ms'] = figure([int(r[part]) / 1000 for r in rounds], 'ms', 2)
    return {'name': name, 'values': values}


def subjects(bench, lanes):
    """Two ways; what of the first of each comes through without a limit is sustainable on it."""
    piped, null = bench.job('-q', '--input', '-'), bench.program('null_probe', bench.topic.name)
    by_pipe = [Subject('cdcl, readable to emitted (pipe)', bench.by_pipe, piped),
               Subject('null, pipe', bench.by_pipe, bench.program('null_pipe'))]
    by_kafka = [Subject('null tuned, Kafka', bench.by_kafka, null)]
    for name in lanes:
        live = bench.job('--from', 'latest', *lane.setting(name))
        durable = bench.job('--from', 'latest', *lane.setting(name), '--set', 'work=merge')
        by_kafka += [Subject(lane.label(name) + ', Kafka', bench.by_kafka, live),
                     Subject(lane.label(name) + ', Kafka, merge, checkpoint', bench.by_kafka_durable, durable)]
    return by_pipe, by_kafka


def sustainable(first):
    """Events a second that came through without a limit each time: what did so only once is not sustained."""
    return min(first.run(first.command, 0, UNLIMITED_MS)[1] for _ in range(UNLIMITED_RUNS))


def section(build, topic, lanes, milliseconds, rounds, env):
    """What can be sustained is asked in each round anew: it is what the machine gives just then."""
    bench = Latency(build, topic, milliseconds, env)
    ways = subjects(bench, lanes)
    limits = [[] for _ in ways]
    for _ in range(rounds):
        for way, limit in zip(ways, limits):
            limit.append(sustainable(way[0]))
            for subject in way:
                subject.ask(bench, limit[-1])
    note = 'sustainable: %s events/s by pipe, %s through sender, broker and consumer on the same cores; %g s each' % (
        *(text(figure(limit, 'events/s', 0)) for limit in limits), milliseconds / 1000)
    rows = [row for way in ways for subject in way for row in subject.rows()]
    return {'key': 'latency', 'title': 'Latency, open loop', 'note': note, 'columns': COLUMNS, 'rows': rows, 'chart': 'p99 ms'}
