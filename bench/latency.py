"""How late a row comes out: an open loop of events at a part of the sustainable rate, each stamped with the time at which
it was due, so a stall of anything on the way counts for every event that was due in it.

21 rows take four minutes.

By pipe nothing but cdcl is between stamp and row: that is "from readable to emitted". Through Kafka the sender and the
broker are on the way too, on the same cores. What all of that costs without cdcl shows a program that only looks for the
probes, run the same way: lines by pipe, the tuned null consumer through Kafka. Below them is nothing to be gained.
"""
import os, re, select, subprocess, tempfile, time
import lane
from figure import figure

JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'jobs', 'latency.lua')
LOADS = (10, 50, 80)
COLUMNS = ['events/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms']
READY = (b'started', b'ready')  # what cdcl and bench_null_probe say on stderr
READY_S, START_S, DRAIN_S, SKIP_US, PROBES_A_SECOND, UNLIMITED_MS = 30, 1, 4, 1000000, 1000, 3000
COME_MIN = 0.9


class Latency:
    def __init__(self, build, topic, milliseconds, env):
        self.build, self.topic, self.milliseconds, self.env = build, topic, milliseconds, env

    def program(self, name, *arguments):
        return [self.build + '/bench_' + name, *(str(a) for a in arguments)]

    def job(self, *options):
        return [self.build + '/cdcl', 'run', '--set', 'topic=' + self.topic.name, *options, JOB]

    def start(self, command, stdin=None, **more):
        return subprocess.Popen(command, env=self.env, stdin=stdin or subprocess.DEVNULL, **more)

    def receiver(self, program):
        receiver = self.start(self.program('receive', SKIP_US), program.stdout, stdout=subprocess.PIPE)
        program.stdout.close()
        return receiver

    def send(self, target, rate, milliseconds, **more):
        every = max(int(rate / PROBES_A_SECOND), 1) if rate else 1000
        return self.start(self.program('send_open', target, rate, milliseconds, every), stderr=subprocess.PIPE, **more)

    def by_pipe(self, command, rate, milliseconds):
        """What the receiver says, and events a second that went through."""
        began = time.monotonic()
        sender = self.send('-', rate, milliseconds, stdout=subprocess.PIPE)
        program = self.start(command, sender.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sender.stdout.close()
        receiver = self.receiver(program)
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

    def rows(self, name, run, sustainable):
        """Each from a disk that is at rest: what the run before it wrote would hold up the broker and every sync."""
        for load in LOADS:
            os.sync()
            print('  %s, %d %% load' % (name, load), flush=True)
            said, _ = run(sustainable * load / 100, self.milliseconds)
            expected = (self.milliseconds / 1000 - SKIP_US / 1e6) * PROBES_A_SECOND
            yield row('%s, %d %% load' % (name, load), sustainable * load / 100, said, expected)


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


def row(name, rate, said, expected):
    found = dict(re.findall(r'([\w.]+)=(\d+)', said))
    come = int(found.get('count', 0))
    if come < expected * COME_MIN:
        return {'name': name, 'values': {'events/s': figure([rate], 'events/s', 0)},
                'wrong': '%d of %d probes came in time: not sustained' % (come, expected)}
    values = {'events/s': figure([rate], 'events/s', 0)}
    for part in ('p50', 'p99', 'p99.9', 'max'):
        values[part + ' ms'] = figure([int(found[part]) / 1000], 'ms', 2)
    return {'name': name, 'values': values}


def section(build, topic, lanes, milliseconds, env):
    bench = Latency(build, topic, milliseconds, env)
    piped, null_piped = bench.job('-q', '--input', '-'), bench.program('null_pipe')
    _, by_pipe = bench.by_pipe(piped, 0, UNLIMITED_MS)
    null = bench.program('null_probe', topic.name)
    _, by_kafka = bench.by_kafka(null, 0, UNLIMITED_MS)
    rows = list(bench.rows('null, pipe', lambda rate, ms: bench.by_pipe(null_piped, rate, ms), by_pipe))
    rows += bench.rows('cdcl, readable to emitted (pipe)', lambda rate, ms: bench.by_pipe(piped, rate, ms), by_pipe)
    rows += bench.rows('null tuned, Kafka', lambda rate, ms: bench.by_kafka(null, rate, ms), by_kafka)
    for name in lanes:
        live = bench.job('--from', 'latest', *lane.setting(name))
        rows += bench.rows(lane.label(name) + ', Kafka', lambda rate, ms: bench.by_kafka(live, rate, ms), by_kafka)
        with tempfile.TemporaryDirectory() as folder:
            durable = bench.job('--from', 'latest', *lane.setting(name), '--set', 'work=merge', '--checkpoint', folder + '/state')
            rows += bench.rows(lane.label(name) + ', Kafka, merge, checkpoint',
                               lambda rate, ms: bench.by_kafka(durable, rate, ms), by_kafka)
    note = 'sustainable: %s events/s by pipe, %s through sender, broker and consumer on the same cores; %g s each' % (
        format(round(by_pipe), ','), format(round(by_kafka), ','), milliseconds / 1000)
    return {'key': 'latency', 'title': 'Latency, open loop', 'note': note, 'columns': COLUMNS, 'rows': rows, 'chart': 'p99 ms'}
