"""cdcl as a process that a test starts, watches, harms and ends; and what the tests of this folder share."""
import os, re, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, 'tests', d) for d in ('kafka', 'e2e', 'parquet')]
import readers, real_broker, rig

CDCL = os.environ.get('CDCL', ROOT + '/build/dev/cdcl')
BUILD = os.environ.get('CDCL_BUILD', os.path.dirname(CDCL))
LONG = os.environ.get('CDCL_LONG') == '1'
LANES = ('direct', 'librdkafka')
PATIENCE = 180      # nothing is measured by it: a shared machine may be slow


def want(condition, *told):
    if not condition:
        raise AssertionError(' | '.join(str(t) for t in told))


def until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what() if callable(what) else what)
        time.sleep(0.02)


def build_tools(*more):
    if os.path.exists(BUILD + '/CMakeCache.txt'):       # else a copy of the programs
        subprocess.run(['cmake', '--build', BUILD, '--target', 'kafka_tools', *more], check=True, stdout=subprocess.DEVNULL)


class Bench:
    """The servers, started once for all tests of a program; what is not there is None."""

    def __init__(self, databases=True):
        build_tools('fault_shim')
        self.broker = real_broker.Broker(short=True)
        self.lane = LANES[0]        # that the processes read through
        self.postgres = self.python = None
        self.notes = []
        if databases:
            self.optional()

    def optional(self):
        try:
            self.postgres = rig.Postgres()
        except rig.Unavailable as e:
            self.notes.append('no PostgreSQL: %s' % e)
        try:
            self.python = readers.readers()
        except readers.Unavailable as e:
            self.notes.append('no Parquet reader: %s' % e)
        want(not self.notes or os.environ.get('CI') != 'true', *self.notes)

    def close(self):
        self.broker.close()
        if self.postgres is not None:
            self.postgres.close()

    def tool(self, *words, stdin=b''):
        r = subprocess.run([BUILD + '/kafka_tool', self.broker.bootstrap] + [str(w) for w in words], input=stdin,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
        want(r.returncode == 0, 'kafka_tool', words, r.stderr.decode())
        return r.stdout.decode()


class Life:
    """One process. stderr is a file, so that a test that does not look cannot stop it."""

    def __init__(self, folder, *words, env=None, limits=None, program=CDCL):
        self.log = tempfile.NamedTemporaryFile(dir=folder, prefix='stderr.', delete=False)
        self.process = subprocess.Popen([program] + [str(w) for w in words], cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log, preexec_fn=limits,
                                        env=dict(os.environ, **(env or {})))

    def said(self):
        with open(self.log.name, encoding='utf-8', errors='replace') as f:
            return f.read()

    def until(self, pattern, count=1, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while len(re.findall(pattern, self.said(), re.S)) < count:
            want(self.process.poll() is None and time.monotonic() < deadline, 'no %r' % pattern,
                 'exit %s' % self.process.poll(), self.said()[-1500:])
            time.sleep(0.01)

    def end(self, how=None, code=0, patience=PATIENCE):
        """Asks it to end, if `how` says so, and answers what it said."""
        if how is not None and self.process.poll() is None:
            self.process.send_signal(how)
        got = self.process.wait(patience)
        self.log.close()
        said = self.said()
        want(code is None or got == code, 'exit %s, wanted %s' % (got, code), said[-1500:])
        return said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        self.log.close()


def tap(tests, before=lambda: None):
    """Runs (name, function) pairs. Answers the exit code."""
    bad = 0
    for number, (name, test) in enumerate(tests, 1):
        begun = time.monotonic()
        try:
            before()
            told = test() or []
            print('\n'.join('# ' + line for line in told) + ('\n' if told else '') + 'ok %d - %s' % (number, name), flush=True)
        except Exception as e:
            bad += 1
            print('not ok %d - %s' % (number, name))
            print('\n'.join('# ' + line[:600] for line in (str(e) or repr(e)).split('\n')[:40]), flush=True)
        if os.environ.get('CDCL_TIMES'):
            print('# %s took %.1f s' % (name, time.monotonic() - begun), flush=True)
    print('1..%d' % len(tests))
    return 1 if bad else 0
