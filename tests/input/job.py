"""A job over given messages, in a folder of its own, and what it left. Used by the programs of this folder."""
import base64, inspect, json, os, re, shutil, subprocess, tempfile, traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CDCL = os.environ.get('CDCL', ROOT + '/build/dev/cdcl')
SLOW = os.environ.get('CDCL_VARIANT') == 'asan'
PATIENCE = 240
LINES = ':to(cdcl.changes {})'


def want(condition, *told):
    if not condition:
        raise AssertionError(' | '.join(str(t)[:3000] for t in told))


def same(got, wanted, *told):
    want(got == wanted, 'got %r' % (got,), 'wanted %r' % (wanted,), *told)


class Done:
    """What a run of the program left: exit code, rows of stdout, dead letters, stderr."""

    def __init__(self, code, stdout, stderr, letters, files):
        self.code, self.stdout, self.letters, self.files = code, stdout, letters, files
        self.stderr = stderr.decode('utf-8', 'replace')
        self.raw_stderr = stderr

    @property
    def rows(self):
        return [json.loads(line, parse_int=str, parse_float=str) for line in self.stdout.decode('utf-8').splitlines()]

    def counter(self, name):
        """Of the line of --report that begins with this name."""
        for line in self.stderr.splitlines():
            found = re.match(r'\s*%s\s+(\d+)$' % re.escape(name), line)
            if found:
                return int(found.group(1))
        raise AssertionError('no counter %r in %s' % (name, self.stderr))


def record(number, message):
    """A line of format = "records". `message`: the value, or a dictionary with value, key, offset, topic, ..."""
    m = dict(message) if isinstance(message, dict) else {'value': message}
    line = {'topic': m.pop('topic', 't'), 'partition': m.pop('partition', 0), 'offset': m.pop('offset', number),
            'ts': m.pop('ts', 1700000000000)}
    for name in 'key', 'value':
        content = m.pop(name, None)
        if isinstance(content, bytes):
            line[name + '_base64'] = base64.b64encode(content).decode()
        elif name == 'value' or content is not None:
            line[name] = content
    return json.dumps(dict(line, **m))


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, 'rb') as f:
        return [json.loads(line) for line in f.read().decode('utf-8').splitlines()]


def listed(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


def run_job(script, input, *words, job='', files=(), look=None, env=None, command='run'):
    """Runs `script` over messages (a list: records; bytes: a file of lines). `look(folder)` may read more of what is there."""
    folder = tempfile.mkdtemp()
    try:
        with open(folder + '/in.jsonl', 'wb') as f:
            f.write(input if isinstance(input, bytes)
                    else ''.join(record(i, m) + '\n' for i, m in enumerate(input)).encode('utf-8'))
        with open(folder + '/job.lua', 'w', encoding='utf-8') as f:
            f.write('local cdcl = require "cdcl"\n' + ('cdcl.job %s\n' % job if job else '') + script + '\n')
        for name, text in dict(files).items():
            with open(os.path.join(folder, name), 'wb') as f:
                f.write(text if isinstance(text, bytes) else text.encode('utf-8'))
        finite = ['--available-now'] if command == 'run' else []
        p = subprocess.run([CDCL, command] + finite + list(words) + ['job.lua'], cwd=folder, timeout=PATIENCE,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=dict(os.environ, **(env or {})))
        done = Done(p.returncode, p.stdout, p.stderr, read_lines(folder + '/dead.jsonl'), listed(folder))
        done.looked = look(folder) if look else None
        return done
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Tests:
    """Collects verdicts and prints TAP: "row NN name"."""

    def __init__(self, only):
        self.only, self.count, self.failed = only, 0, 0

    def add(self, row, name, wrong):
        label = 'row %02d %s' % (row, name)
        if not re.search(self.only, label):
            return
        self.count += 1
        self.failed += bool(wrong)
        print('%s %d - %s' % ('not ok' if wrong else 'ok', self.count, label), flush=True)
        for line in (wrong or '').splitlines():
            print('# ' + line.encode('ascii', 'backslashreplace').decode())

    def run(self, row, name, function):
        """A function with an argument adds its verdicts by itself."""
        wrong = None
        many = len(inspect.signature(function).parameters) > 0
        if not many and not re.search(self.only, 'row %02d %s' % (row, name)):
            return
        try:
            function(self) if many else function()
        except Exception:
            wrong = traceback.format_exc(limit=-3)
        if wrong or not many:
            self.add(row, name, wrong)

    def end(self):
        print('1..%d' % self.count)
        return 1 if self.failed else 0
