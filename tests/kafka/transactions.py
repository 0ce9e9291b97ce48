"""Exactly once to Kafka: cdcl is ended at each of librdkafka's calls that make up a transaction, meets a twin,
a broker that goes away and a transaction that the broker ends; what a reader with read_committed sees is
compared with what a run without faults gives. Cases of tests/kafka/run."""
import json, os, random, re, shutil, signal, subprocess, time

JOB = '''
local cdcl = require "cdcl"
cdcl.job { name = "$name", error_budget = 1000000, trigger = "100 milliseconds",
	dead_letters = { topic = "$name.dead" }, checkpoint = "$kept" }
local rows = cdcl.kafka { topic = "$topic", schema = "n bigint", starting_offsets = "earliest",
	max_offsets_per_trigger = 40 }
  :filter(function(row) if row.n % 10 == 7 then error "seven" end return true end)
rows:to(cdcl.kafka_sink { topic = "$name.all", key = "n" $more })
rows:with "n % 5 as k":group_by "k":agg("count(*) as c", "max(n) as m"):to(cdcl.kafka_sink { topic = "$name.groups", key = "k", output_mode = "update" $more })
'''
COUNT = 120
run = None      # the module tests/kafka/run


class Case:
    """A job with a checkpoint of its own, that writes to topics of its own."""

    def __init__(self, name, messages=True, more=''):
        self.source = run.topic(name, 1)
        self.name = 'job_' + self.source
        self.kept = os.path.join(run.folder, self.name)
        self.sent = 0
        if messages:
            self.send(COUNT)
        self.path = run.script(JOB, name=self.name, topic=self.source, kept=self.kept, more=more)

    def send(self, count):
        run.send(self.source, [b'{"n":%d}' % n for n in range(self.sent, self.sent + count)])
        self.sent += count

    def start(self, *args, at=None, on=None, how='before', do='kill', log=None):
        env = dict(os.environ, LD_PRELOAD=run.BUILD + '/transaction_shim.so', TXN_AT=str(at or 0), TXN_HOW=how,
                   TXN_DO=do, TXN_LOG=log or '/dev/null', **({'TXN_ON': on} if on else {}))
        return Started([run.CDCL, 'run', '--brokers', run.broker.bootstrap, *args, self.path], env)

    def once(self, code=0, **faults):
        with self.start('--available-now', **faults) as p:
            got = p.end()
            run.want(got == code, 'ended with', got, p.err())
            return p.err()

    def read(self, topic, isolation='read_committed'):
        r = subprocess.run(['kcat', '-b', run.broker.bootstrap, '-C', '-t', '%s.%s' % (self.name, topic), '-e', '-q',
                            '-J', '-X', 'isolation.level=' + isolation], stdin=subprocess.DEVNULL, timeout=run.PATIENCE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        run.want(r.returncode == 0, r.stderr.decode())
        return [json.loads(line) for line in r.stdout.decode().splitlines()]

    def judge(self, told):
        """Each message once and in order, each group's last row right, each letter once."""
        good = [n for n in range(self.sent) if n % 10 != 7]
        run.want([json.loads(m['payload'])['n'] for m in self.read('all')] == good, told, 'all')
        last = {}
        for m in self.read('groups'):
            row = json.loads(m['payload'])
            run.want(last.get(row['k'], {'c': 0})['c'] < row['c'], told, 'a group came again', row)
            last[row['k']] = row
        run.want(last == {k: {'k': k, 'c': sum(n % 5 == k for n in good), 'm': max(n for n in good if n % 5 == k)}
                          for k in range(5)}, told, 'groups', last)
        dead = [json.loads(json.loads(m['payload'])['value'])['n'] for m in self.read('dead')]
        run.want(dead == [n for n in range(self.sent) if n % 10 == 7], told, 'dead', dead)
        run.same(run.tool('committed', self.name, self.source, 1), '0 %d\n' % self.sent)

    def until_committed(self):
        """Everything that was sent went through the job."""
        deadline = time.monotonic() + run.PATIENCE
        while run.tool('committed', self.name, self.source, 1) != '0 %d\n' % self.sent:
            run.want(time.monotonic() < deadline, 'never done', self.sent)
            time.sleep(0.1)


class Started:
    def __init__(self, words, env):
        self.log = os.path.join(run.folder, 'err%d' % next(run.numbers))
        with open(self.log, 'w') as f:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=f, env=env)

    def err(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def until(self, pattern):
        deadline = time.monotonic() + run.PATIENCE
        while not re.search(pattern, self.err(), re.S):
            run.want(time.monotonic() < deadline and self.process.poll() is None, 'no', pattern, self.err())
            time.sleep(0.02)

    def until_stopped(self):
        deadline = time.monotonic() + run.PATIENCE
        while True:
            with open('/proc/%d/stat' % self.process.pid) as f:
                if f.read().rsplit(')', 1)[1].split()[0] == 'T':
                    return
            run.want(time.monotonic() < deadline and self.process.poll() is None, 'not stopped', self.err())
            time.sleep(0.02)

    def end(self, send=None):
        if send is not None:
            self.process.send_signal(send)
        return self.process.wait(run.PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def calls_of(case):
    log = os.path.join(run.folder, case.name + '.calls')
    case.once(log=log)
    with open(log) as f:
        return f.read().split()


def test_transaction_killed_at_each_call():
    case = Case('txn_calls')
    calls = calls_of(case)
    case.judge('without a fault')
    run.want(calls.count('commit') >= 3 + 3, calls)
    points = [(word, at + 1, how) for word in dict.fromkeys(calls) for at in range(calls.count(word))
              for how in ('before', 'after') if word != 'init' or at == 0]
    seed = int(os.environ.get('SEED', time.time_ns() % 1000000))
    if os.environ.get('CDCL_LONG') != '1':
        # around the commit, and some others
        points = [('offsets', calls.count('offsets'), 'after'), ('commit', calls.count('commit'), 'before'),
                  ('commit', calls.count('commit'), 'after')] + random.Random(seed).sample(points, 3)
    print('# points %s, seed %d; calls: %s' % (points, seed, ' '.join(calls)))
    unseen = 0
    for word, at, how in points:
        told = 'killed %s %s number %d' % (how, word, at)
        case = Case('txn_kill')
        with case.start('--available-now', at=at, on=word, how=how) as p:
            got = p.end()       # how often it has to ask again depends on how long the broker takes
            run.want(got == -9 or (got == 0 and word in ('flush', 'offsets')), told, 'ended with', got, p.err())
        case.once()
        case.judge(told)
        unseen += len(case.read('all', 'read_uncommitted')) > len(case.read('all'))
    run.want(unseen > 0, 'no transaction was ever aborted: the kills came too early or too late')


def test_transaction_from_files():
    """The source has no offsets in Kafka: what the topic holds says enough."""
    name = run.topic('txn_files')
    rows = os.path.join(run.folder, name + '.jsonl')
    with open(rows, 'w') as f:
        f.write(''.join('{"n":%d}\n' % n for n in range(50)))
    case = Case('txn_from_files', messages=False)
    case.path = run.script('''
local cdcl = require "cdcl"
cdcl.job { name = "$name", checkpoint = "$kept" }
cdcl.file { path = "$rows", schema = "n bigint" }:to(cdcl.kafka_sink { topic = "$name.all" })
''', name=case.name, kept=case.kept, rows=rows)
    with case.start('--available-now', at=2, on='commit') as p:     # the first one is the claim
        run.same(p.end(), -9)
    case.once()
    run.same([json.loads(m['payload'])['n'] for m in case.read('all')], list(range(50)))


def test_transaction_of_a_twin():
    case = Case('txn_twin')
    with case.start() as first:
        case.until_committed()
        err = case.once(code=7)
        run.want('another process' in err or 'locked' in err or 'holds' in err, err)
        case.send(10)           # the first one did not notice
        case.until_committed()
        shutil.copytree(case.kept, case.kept + '.copy')
        with case.start('--checkpoint', case.kept + '.copy') as second:
            second.until('started')
            case.send(10)
            run.same(first.end(), 7)
            run.want('another process writes now to topic' in first.err() and 'fenced off' in first.err(), first.err())
            case.until_committed()
            run.same(second.end(signal.SIGTERM), 0)
    case.judge('twins')


def test_transaction_that_takes_too_long():
    """Stopped until the broker ends its transaction; the batch is sent again, or it is there."""
    case = Case('txn_calls_stop')
    calls = calls_of(case)
    for word, how in (('offsets', 'after'), ('commit', 'after')):
        at = calls.count('commit')      # offsets may be sent more often than that, but not fewer times
        case = Case('txn_long', more=', kafka = { ["transaction.timeout.ms"] = 1500 }')
        with case.start('--available-now', at=at, on=word, how=how, do='stop') as p:
            p.until_stopped()
            time.sleep(3)
            run.same((p.end(signal.SIGCONT), word, how), (0, word, how))
        case.judge('stopped %s %s' % (how, word))


def test_z_transaction_and_a_broker_that_goes_away():
    case = Case('txn_broker', messages=False)
    case.send(40)
    with case.start() as p:
        case.until_committed()
        run.same(p.end(signal.SIGTERM), 0)
    for how in ('before', 'after') if os.environ.get('CDCL_LONG') == '1' else ('before',):
        case.send(40)
        with case.start('--available-now', at=4, on='commit', how=how, do='stop') as p:    # after three claims
            p.until_stopped()
            run.broker.kill()
            p.process.send_signal(signal.SIGCONT)
            run.broker.start()
            run.same(p.end(), 0)
        case.judge('broker killed %s commit' % how)
    with case.start() as p:         # asked to stop while no broker answers: it does not wait for one
        p.until('started')
        case.send(40)
        case.until_committed()
        run.broker.kill()
        run.want(p.end(signal.SIGTERM) in (0, 4), p.err())
    run.broker.start()
    case.once()
    case.judge('stopped without a broker')


def test_transaction_with_a_message_that_is_refused():
    """It would be refused again: the job ends at once, with the key, and nothing of the batch is seen."""
    case = Case('txn_large', messages=False)
    run.tool('create', case.name + '.all', 1, 'max.message.bytes=2000')
    run.send(case.source, [b'{"n":1,"s":"a"}', b'{"n":2,"s":"%s"}' % (b'x' * 5000)])
    case.path = run.script('''
local cdcl = require "cdcl"
cdcl.job { name = "$name", checkpoint = "$kept" }
cdcl.kafka { topic = "$topic", schema = "n bigint, s string", starting_offsets = "earliest" }
  :to(cdcl.kafka_sink { topic = "$name.all", key = "n" })
''', name=case.name, kept=case.kept, topic=case.source)
    err = case.once(code=4)
    run.want('does not take a message of' in err and 'Message size too large' in err and 'going back' not in err, err)
    run.same(case.read('all'), [])


def test_delivery_is_checked():
    for text, wanted in (('delivery = "exactly_once"', 'needs a checkpoint'), ('delivery = "once"', 'exactly_once')):
        path = run.script('''
local cdcl = require "cdcl"
cdcl.kafka { topic = "a", schema = "n int" }:to(cdcl.kafka_sink { topic = "b", $option })
''', option=text)
        r = subprocess.run([run.CDCL, 'check', path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        run.want(r.returncode == 3 and wanted in r.stdout.decode(), r.stdout.decode())


def tests(module):
    global run
    run = module
    return [(n[5:], f) for n, f in globals().items() if n.startswith('test_')]
