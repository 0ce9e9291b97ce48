"""What befalls one process from outside, by name: a broker that is killed, paused or loses topics and messages; signals in
every phase; a full, slow or forbidden disk; a clock that jumps; no memory, no descriptors. The number in a name
is the fault's row in the list that the issue gives. The oracle is small: each message is a number, known by its partition
and offset; what the job appends must hold each once at least, its totals each exactly once."""
import ctypes, json, os, random, re, resource, shutil, signal, struct, subprocess, tempfile, time

import living
from living import BUILD, LONG, Life, until, want

JOB = '''local cdcl = require "cdcl"
cdcl.job { name = "%(name)s", checkpoint = "state", restarts = %(restarts)d%(job)s }
local rows = cdcl.kafka { topic = "%(name)s", schema = "n bigint", starting_offsets = "earliest",
  max_offsets_per_trigger = %(limit)d%(source)s }
rows:agg("count(*) as messages", "count(distinct n) as different", "sum(n) as total")
  :to(cdcl.file_sink { path = "totals.jsonl" })
rows:select("n", "@partition as p", "@offset as o"):to(%(sink)s)
'''
ON_BOTH = ('f4', 'f6', 'f9', 'f36', 'f37', 'f38', 'f39')    # lanes, also when there is little time: the broker's faults
DAY_US = 86400 * 1000000


class Work:
    """A topic, a job that counts it, a folder, and the faults that can be turned on while it runs."""

    count = 0

    def __init__(self, bench, job='', source='', limit=500, sink='cdcl.file_sink { path = "all.jsonl" }', restarts=0, text=JOB):
        Work.count += 1
        self.bench = bench
        self.folder = tempfile.mkdtemp(prefix='cdcl-kill.')
        self.topic = 'fault%d_%d' % (os.getpid(), Work.count)
        self.sent = {}
        bench.tool('create', self.topic, 2)
        self.script(job, source, limit, sink, restarts, text)
        self.faults = os.path.join(self.folder, 'faults')
        with open(self.faults, 'wb') as f:
            f.write(bytes(4096))

    def script(self, job='', source='', limit=500, sink='cdcl.file_sink { path = "all.jsonl" }', restarts=0, text=JOB):
        with open(os.path.join(self.folder, 'job.lua'), 'w') as f:
            f.write(text % {'name': self.topic, 'job': job, 'source': source, 'limit': limit, 'sink': sink,
                            'restarts': restarts})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def fault(self, clock_us=0, full=0, sync_ms=0):
        with open(self.faults, 'r+b') as f:
            f.write(struct.pack('<qqq', clock_us, full, sync_ms))

    def counted(self):
        """syncs, writes"""
        with open(self.faults, 'rb') as f:
            return struct.unpack('<qqqqq', f.read(40))[3:]

    def send(self, count, partitions=(0, 1)):
        lines = []
        for p in partitions:
            first = sum(1 for at in self.sent if at[0] == p)
            for i in range(first, first + count):
                self.sent[(p, i)] = n = i * 7 + p
                lines.append(b'%d\t0\t@NULL@\t{"n":%d}\n' % (p, n))
        self.bench.tool('produce', self.topic, stdin=b''.join(lines))

    def life(self, *words, shim=True, limits=None):
        env = {'CDCL_LANE': self.bench.lane}
        if shim:
            env.update({'FAULTS': self.faults, 'LD_PRELOAD': BUILD + '/fault_shim.so'})
        return Life(self.folder, 'run', '--brokers', self.bench.broker.bootstrap, '-v', '-X',
                    'topic.metadata.refresh.interval.ms=300', *words, 'job.lua', env=env, limits=limits)

    def finish(self, *words, code=0):
        """Everything that is there, by a process that nothing befalls."""
        with self.life('--available-now', *words, shim=False) as life:
            return life.end(code=code)

    def totals(self):
        n = list(self.sent.values())
        return {'messages': len(n), 'different': len(set(n)), 'total': sum(n)}

    def lines(self, name):
        try:
            with open(os.path.join(self.folder, name)) as f:
                return [json.loads(line) for line in f]
        except (FileNotFoundError, ValueError):
            return []

    def arrived(self):
        return self.lines('totals.jsonl') == [self.totals()]

    def judge(self):
        want(self.arrived(), 'totals', self.lines('totals.jsonl'), self.totals())
        rows = {(r['p'], r['o']): r['n'] for r in self.lines('all.jsonl')}
        want(rows == self.sent, 'rows', len(rows), len(self.sent))


def settle(work, life):
    def told():
        return '%s is not %s | exit %s | %s' % (work.lines('totals.jsonl'), work.totals(), life.process.poll(), life.said()[-1500:])
    until(lambda: work.arrived() or life.process.poll() is not None, told)
    want(work.arrived(), told())


def until_it_hears(life):
    """SIGTERM: before its script is loaded a process holds nothing, and ends by the signal."""
    def hears():
        with open('/proc/%d/status' % life.process.pid) as f:
            caught = int(re.search(r'^SigCgt:\s*([0-9a-f]+)', f.read(), re.M).group(1), 16)
        return caught >> (signal.SIGTERM - 1) & 1 == 1
    until(lambda: life.process.poll() is not None or hears(), 'hears nothing')


def f3_sigterm_in_every_phase(bench):
    """Starting, restoring, in mid-batch, in mid-commit, idle: it ends soon, exit 0, and nothing is lost."""
    with Work(bench, limit=100) as w:
        r = random.Random(3)
        for turn in range(20 if LONG else 6):
            w.send(400)
            w.fault(sync_ms=r.choice([0, 30]))
            with w.life() as life:
                until_it_hears(life)
                time.sleep(r.random() * 0.4)
                life.end(signal.SIGTERM, patience=30)
        w.fault()
        with w.life() as life:
            until_it_hears(life)    # all may have arrived before it began
            settle(w, life)
            life.end(signal.SIGTERM, patience=30)
        w.finish()
        w.judge()


def f4_sigterm_while_the_broker_is_away(bench):
    with Work(bench) as w:
        w.send(300)
        with w.life() as life:
            settle(w, life)
            bench.broker.process.send_signal(signal.SIGSTOP)
            try:
                life.end(signal.SIGTERM, patience=60)
            finally:
                bench.broker.process.send_signal(signal.SIGCONT)
        w.send(300)
        w.finish()
        w.judge()


def f5_f34_a_stopped_process_keeps_its_twin_out(bench):
    """SIGSTOP, a second process, SIGCONT: the second one ends with 7 and names the first, which goes on."""
    with Work(bench) as w:
        w.send(300)
        with w.life() as life:
            settle(w, life)
            life.process.send_signal(signal.SIGSTOP)
            w.send(300)
            said = w.finish(code=7)
            want('process %d' % life.process.pid in said, said)
            life.process.send_signal(signal.SIGCONT)
            settle(w, life)
            life.end(signal.SIGTERM)
        w.judge()


def f6_broker_killed_in_mid_batch_and_in_mid_commit(bench):
    """The broker that is read from and written to; mid-commit: while the batch's frame is on its way to the disk.
    Mid-batch only with CDCL_LONG=1: a broker takes seconds to start."""
    target = 'f6_%d_%s' % (os.getpid(), bench.lane)
    with Work(bench, limit=200, restarts=5, sink='cdcl.file_sink { path = "all.jsonl" }, cdcl.kafka_sink { topic = "%s", '
              'key = "n" }' % target) as w:
        w.send(3000)
        with w.life() as life:
            for sync_ms in (0, 300) if LONG else (300,):
                w.fault(sync_ms=sync_ms)
                w.send(1000)
                syncs = w.counted()[0]
                until(lambda: w.counted()[0] > syncs + 2, 'no batch')
                bench.broker.kill()
                time.sleep(0.3)
                bench.broker.start()
                w.fault()
                w.send(100)
            settle(w, life)
            life.end(signal.SIGTERM)
        w.judge()
        out = subprocess.run(['kcat', '-b', bench.broker.bootstrap, '-C', '-t', target, '-e', '-q'], check=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60).stdout.decode()
        want({(r['p'], r['o']) for r in map(json.loads, out.splitlines())} == set(w.sent), 'the topic', len(out))


def f9_broker_paused(bench):
    with Work(bench, limit=200) as w:
        w.send(1000)
        with w.life() as life:
            life.until('batch .*id=1 ')
            bench.broker.process.send_signal(signal.SIGSTOP)
            time.sleep(30 if LONG else 3)
            bench.broker.process.send_signal(signal.SIGCONT)
            w.send(500)
            settle(w, life)
            life.end(signal.SIGTERM)
        w.judge()


def f36_topic_deleted_under_a_checkpoint(bench):
    with Work(bench) as w:
        w.send(100)
        with w.life() as life:
            settle(w, life)
            bench.tool('delete', w.topic)
            said = life.end(code=5)
            want('was deleted' in said, said)
        w.judge()


def f37_topic_made_again_under_a_checkpoint(bench):
    with Work(bench) as w:
        w.send(300)
        w.finish()
        bench.tool('delete', w.topic)
        bench.tool('create', w.topic, 2)
        w.sent = {}
        w.send(100)
        said = w.finish(code=5)
        want('offset 300' in said and w.topic in said, said)
        w.send(300)             # grown beyond what was read: the last message is another one
        said = w.finish(code=5)
        want('offset 299' in said and w.topic in said and 'state forget' in said, said)
        with living.Life(w.folder, 'state', 'forget', 'state', 'source kafka ' + w.topic) as life:
            life.end()
        w.finish()
        want(w.lines('totals.jsonl')[0]['messages'] == 600 + 800, w.lines('totals.jsonl'))


def f37_topic_made_again_and_read_from_its_beginning(bench):
    with Work(bench, source=', on_data_loss = "continue"') as w:
        w.send(300)
        w.finish()
        w.finish()
        bench.tool('delete', w.topic)
        bench.tool('create', w.topic, 2)
        w.sent = {}
        w.send(400)
        said = w.finish()
        want(w.topic + '/0 was made again' in said and w.topic + '/1 was made again' in said, said)
        want(w.lines('totals.jsonl')[0]['messages'] == 600 + 800, w.lines('totals.jsonl'))


def f38_partition_added_under_a_checkpoint(bench):
    with Work(bench) as w:
        w.send(300)
        with w.life() as life:
            settle(w, life)
            bench.tool('partitions', w.topic, 3)
            w.send(200, (2,))
            settle(w, life)
            life.end(signal.SIGKILL, code=-9)
        w.send(100, (0, 2))
        bench.tool('partitions', w.topic, 4)
        w.send(50, (3,))
        w.finish()
        w.judge()


def f39_messages_deleted_before_they_were_read(bench):
    with Work(bench) as w:
        w.send(100)
        w.finish()
        w.send(100)
        bench.tool('delete-records', w.topic, 0, 150)
        said = w.finish(code=5)
        want('offset 100' in said and '150' in said, said)
        w.finish(code=5)        # it does not forget
        w.script(source=', on_data_loss = "continue"')
        said = w.finish()
        for offset in range(100, 150):
            del w.sent[(0, offset)]
        w.judge()
        want('100' in said and '150' in said, said)


def f44_disk_full_then_freed(bench):
    """Exit 8, and the next start goes on where it was when there is room."""
    with Work(bench, restarts=5) as w:
        for _ in range(3):
            w.send(300)
            with w.life() as life:
                settle(w, life)
                w.fault(full=1)
                w.send(100)
                said = life.end(code=8)
                want('o space left' in said, said)
            with w.life('--available-now') as life:
                life.end(code=8)
            w.fault()
            w.finish()
            w.judge()


def f50_syncs_take_long(bench):
    with Work(bench, limit=100) as w:
        w.fault(sync_ms=5000 if LONG else 300)
        w.send(300)
        with w.life() as life:
            life.until('batch .*id=0 ')
            life.end(signal.SIGTERM, patience=120)
        w.fault()
        w.finish()
        w.judge()


def obey_permissions():
    """Without CAP_DAC_OVERRIDE root is an owner as others are."""
    pr_capbset_drop, cap_dac_override = 24, 1
    if os.geteuid() == 0:
        want(ctypes.CDLL(None).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0) == 0, 'prctl')


def f51_state_folder_that_may_not_be_written(bench):
    """Exit 8 with the path, and the checkpoint as it was. root may write everywhere, unless it loses that right."""
    with Work(bench) as w:
        w.send(100)
        w.finish()
        state = os.path.join(w.folder, 'state')
        os.chmod(os.path.join(state, 'LOCK'), 0o444)
        os.chmod(state, 0o555)
        with w.life('--available-now', shim=False, limits=obey_permissions) as life:
            said = life.end(code=8)
            want('state' in said and 'ermission denied' in said, said)
        os.chmod(state, 0o755)
        os.chmod(os.path.join(state, 'LOCK'), 0o644)
        w.send(100)
        w.finish()
        w.judge()


def f51_state_folder_removed_while_it_runs(bench):
    """What is lost is lost; the process must not crash, and the next one begins anew and says nothing wrong."""
    with Work(bench) as w:
        w.send(300)
        with w.life() as life:
            settle(w, life)
            shutil.rmtree(os.path.join(w.folder, 'state'))
            w.send(100)
            until(lambda: w.arrived() or life.process.poll() is not None, 'neither')
            life.end(signal.SIGTERM, code=None)
            want(life.process.returncode in (0, 6, 8), life.process.returncode, life.said()[-800:])
        os.path.exists(w.folder + '/all.jsonl') and os.remove(w.folder + '/all.jsonl')
        w.send(100)
        w.finish()
        w.judge()


def f53_memory_cap_reached(bench):
    """The address space is limited: it ends with a message, and a start without the cap goes on. librdkafka aborts."""
    text = JOB.replace('"n bigint"', '"n bigint, pad string"').replace(
        'rows:agg', 'rows:group_by("pad"):agg("max(n) as most"):to(cdcl.foreach_batch({ output_mode = "update" }, '
        'function() end))\nrows:agg')
    with Work(bench, text=text, limit=20000) as w:
        bench.tool('fill', w.topic, 2, 120000, 1000)
        w.sent = {(i % 2, i // 2): i for i in range(120000)}
        unique = 'rows:with("concat(pad, cast(n as string)) as pad2")'
        with open(w.folder + '/job.lua') as f:
            job = f.read().replace('rows:group_by("pad")', unique + ':group_by("pad2")')
        with open(w.folder + '/job.lua', 'w') as f:
            f.write(job)
        cap = 200 << 20
        with w.life('--available-now', shim=False, limits=lambda: resource.setrlimit(resource.RLIMIT_AS, (cap, cap))) as life:
            said = life.end(code=None)
            aborted = bench.lane == 'librdkafka' and life.process.returncode == -signal.SIGABRT and 'rd_' in said
            want(aborted or life.process.returncode == 1 and 'memory' in said, life.process.returncode, said[-1500:])
        w.finish()
        w.judge()


def f54_no_descriptors(bench):
    """However few there are: it works, or it ends with a message and a code of the list."""
    with Work(bench) as w:
        w.send(100)
        for most in (range(4, 40) if LONG else (5, 9, 14, 19, 25, 40)):
            def limits(most=most):
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            with w.life('--available-now', '--broker-timeout', '2', shim=False, limits=limits) as life:
                said = life.end(code=None)
                want(life.process.returncode in (0, 1, 3, 4, 8), most, life.process.returncode, said[-800:])
                want(life.process.returncode == 0 or said.strip(), most, 'silence')
            w.send(10)
        w.finish()
        w.judge()


def f55_wall_clock_jumps_a_day(bench):
    """Forth and back, in mid-run: triggers go on, a restart too."""
    with Work(bench, job=', trigger = "200 ms"') as w:
        for jump in (DAY_US, -DAY_US, 0):
            w.send(200)
            with w.life() as life:
                settle(w, life)
                w.fault(clock_us=jump)
                for _ in range(3):
                    w.send(50)
                    settle(w, life)
                life.end(signal.SIGTERM)
        w.finish()
        w.judge()


def f56_postgres_connections_killed(bench):
    """At any moment, also between COMMIT and its answer: each row is there once."""
    if bench.postgres is None:
        return ['no PostgreSQL']
    sink = 'cdcl.file_sink { path = "all.jsonl" }, cdcl.postgres_sink { table = "f56_%s", on_error = "retry", ' \
        'connection = "host=127.0.0.1 port=%d user=postgres dbname=postgres" }' % (bench.lane, bench.postgres.port)
    with Work(bench, sink=sink, limit=50) as w:
        r = random.Random(56)
        w.send(1500)
        with w.life() as life:
            life.until('batch .*id=0 ')
            for _ in range(40 if LONG else 8):
                time.sleep(r.random() * 0.15)
                bench.postgres.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cdcl'")
                w.send(20)
            settle(w, life)
            life.end(signal.SIGTERM)
        w.judge()
        got = json.loads(bench.postgres.run("select json_agg(to_json(q)) from f56_%s q" % bench.lane))
        want(len(got) == len(w.sent), 'rows in PostgreSQL', len(got), len(w.sent))
        want({(g['p'], g['o']): g['n'] for g in got} == w.sent, 'other rows in PostgreSQL')


def f57_postgres_restarted(bench):
    """In order and as by a crash, while batches are written: the sink tries again, or the job goes back to its checkpoint."""
    if bench.postgres is None:
        return ['no PostgreSQL']
    for number, more in enumerate(('on_error = "retry", ', '')):
        sink = 'cdcl.file_sink { path = "all.jsonl" }, cdcl.postgres_sink { table = "f57_%d_%s", %s' \
            'connection = "host=127.0.0.1 port=%d user=postgres dbname=postgres" }' % (number, bench.lane, more, bench.postgres.port)
        with Work(bench, sink=sink, limit=50, restarts=20) as w:
            w.send(1000)
            with w.life() as life:
                life.until('batch .*id=0 ')
                for how in (signal.SIGINT, signal.SIGQUIT) * (5 if LONG else 1):
                    bench.postgres.restart(how)
                    w.send(100)
                settle(w, life)
                life.end(signal.SIGTERM)
            w.judge()
            got = json.loads(bench.postgres.run('select json_agg(to_json(q)) from f57_%d_%s q' % (number, bench.lane)))
            want(len(got) == len(w.sent) and {(g['p'], g['o']): g['n'] for g in got} == w.sent,
                 'rows in PostgreSQL', len(got), len(w.sent))


def unread(port):
    """Bytes that came to a socket of this port and that nobody takes."""
    with open('/proc/net/tcp') as f:
        rows = [line.split() for line in f][1:]
    return sum(int(r[4].split(':')[1], 16) for r in rows if int(r[1].split(':')[1], 16) == port)


def f58_postgres_stands_still(bench):
    """Its process is stopped in the middle of a batch: SIGTERM still ends the job, and nothing is lost or doubled."""
    if bench.postgres is None:
        return ['no PostgreSQL']
    sink = 'cdcl.file_sink { path = "all.jsonl" }, cdcl.postgres_sink { table = "f58_%s", ' \
        'connection = "host=127.0.0.1 port=%d user=postgres dbname=postgres" }' % (bench.lane, bench.postgres.port)
    with Work(bench, sink=sink, limit=50) as w:
        w.send(200)
        with w.life() as life:
            life.until('batch .*id=0 ')
            settle(w, life)
            pid = int(bench.postgres.run("select pid from pg_stat_activity where application_name = 'cdcl'"))
            os.kill(pid, signal.SIGSTOP)
            try:
                w.send(200)
                until(lambda: unread(bench.postgres.port) > 0, lambda: life.said()[-500:])
                said = life.end(signal.SIGTERM, code=4)
            finally:
                os.kill(pid, signal.SIGCONT)
            want('does not answer' in said, said)
        w.finish()
        w.judge()
        got = json.loads(bench.postgres.run('select json_agg(to_json(q)) from f58_%s q' % bench.lane))
        want(len(got) == len(w.sent) and {(g['p'], g['o']): g['n'] for g in got} == w.sent, 'rows', len(got), len(w.sent))


def f61_slow_disk_under_load(bench):
    """A target that takes much less than what comes: memory stays where it was."""
    messages = 400000 if LONG else 150000
    with Work(bench, source=', fetch_memory = "8 MB"', limit=1000) as w:
        bench.tool('fill', w.topic, 2, messages, 500)
        w.sent = {(i % 2, i // 2): i for i in range(messages)}
        w.fault(sync_ms=60)
        with w.life() as life:
            life.until('batch .*id=12 ')
            with open('/proc/%d/status' % life.process.pid) as f:
                peak = int([line.split()[1] for line in f if line.startswith('VmHWM')][0])
            want(peak < 120000, 'peak of %d kB' % peak)
            w.fault()
            life.end(signal.SIGTERM)
        w.script(limit=1000000)
        w.finish()
        w.judge()
        return ['peak %d kB' % peak]


def all_tests():
    return [(name.replace('_', ' '), test) for name, test in globals().items() if name[0] == 'f' and name[1].isdigit()]
