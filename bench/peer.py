"""Other systems at the same jobs: fetched into build/peers from Maven Central and PyPI when asked for, never committed."""
import glob, os, shutil, subprocess, sys, tempfile
import lane, totals
from figure import figure, number
from throughput import interleave
from workload import Program, cdcl

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peers')
COLUMNS = ['CPU ns/event', 'times cdcl', 'start-up CPU s', 'wall s', 'peak MB', 'checksum']
JOBS = {'operations': 'job 2', 'rows': 'merge'}
OPENS = ['--add-opens=java.base/%s=ALL-UNNAMED' % p for p in (
    'java.util', 'java.lang', 'java.util.concurrent', 'java.time', 'java.nio')]
JAVA = ['java', '-Xmx4g', *OPENS, '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp']


class Unavailable(Exception):
    """It cannot be fetched or built here."""


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Unavailable('%s: %s' % (command[0], done.stdout.decode('utf-8', 'replace').strip()[-600:]))


class Fetched:
    """A folder of build/peers that is there whole or not at all."""

    def __init__(self, build, name):
        self.source, self.folder = os.path.join(HERE, name), os.path.join(build, name)

    def fetch(self):
        if os.path.exists(self.folder + '/complete'):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        if os.path.exists(self.source + '/pom.xml'):
            run('mvn', '-q', '-B', '-f', self.source + '/pom.xml', 'dependency:copy-dependencies',
                '-DoutputDirectory=' + self.folder + '/libs')
        if os.path.exists(self.source + '/requirements.txt'):
            run(sys.executable, '-m', 'venv', self.folder + '/venv')
            run(self.folder + '/venv/bin/pip', 'install', '-q', '--disable-pip-version-check', '-r',
                self.source + '/requirements.txt')
        open(self.folder + '/complete', 'w').close()

    def compile(self):
        sources = glob.glob(self.source + '/*.java')
        if sources:
            run('javac', '-nowarn', '-d', self.folder + '/classes', '-cp', self.folder + '/libs/*',
                HERE + '/OrderParser.java', *sources)

    def java(self, main, *arguments):
        return [*JAVA, self.folder + '/classes:' + self.folder + '/libs/*', 'peer.' + main, *arguments]

    def python(self, *arguments):
        return [self.folder + '/venv/bin/python', self.source + '/job.py', *arguments]

    def spark(self, *arguments):
        jars = ','.join(sorted(glob.glob(self.folder + '/libs/*.jar')))
        home = glob.glob(self.folder + '/venv/lib/python3*/site-packages/pyspark')
        if not home:
            raise Unavailable('pyspark is not in ' + self.folder)
        python = self.folder + '/venv/bin/python'
        return ['env', 'SPARK_HOME=' + home[0], 'PYSPARK_PYTHON=' + python, 'PYSPARK_DRIVER_PYTHON=' + python,
                home[0] + '/bin/spark-submit', '--master', 'local[2]', '--jars', jars, '--driver-memory', '4g',
                '--conf', 'spark.ui.enabled=false', '--conf', 'spark.sql.shuffle.partitions=2',
                '--conf', 'spark.sql.session.timeZone=UTC', self.source + '/job.py', *arguments]


WORD = {'operations': 'operations', 'rows': 'merge'}
# name, folder of peers/, the command for (topic, job)
PEERS = [
    ('Spark', 'spark', lambda f, topic, job: f.spark(topic, WORD[job])),
    ('Flink SQL', 'flink', lambda f, topic, job: f.java('Sql', topic, WORD[job])),
    ('Flink DataStream', 'flink', lambda f, topic, job: f.java(
        'OperationsStream' if job == 'operations' else 'MergeStream', topic)),
    ('Kafka Streams', 'kstreams', lambda f, topic, job: f.java('Streams', topic, WORD[job])),
    ('Bytewax', 'bytewax', lambda f, topic, job: f.python(topic, WORD[job])),
]


def prepare(folder, only):
    """Peers that can be run: name to (fetched, command); says which cannot."""
    ready = {}
    for name, place, command in PEERS:
        if only and not any(word.lower() in name.lower() for word in only):
            continue
        fetched = Fetched(folder, place)
        try:
            fetched.fetch()
            fetched.compile()
            ready[name] = (fetched, command)
        except (Unavailable, OSError) as e:
            print('  %s cannot be had: %s' % (name, e), flush=True)
    return ready


def programs(ready, topic, job, build, lanes):
    found = [Program('%s, %s' % (lane.label(name), JOBS[job]), topic, cdcl(build, job, topic.name, name), job)
             for name in lanes]
    return found + [Program('%s, %s' % (name, JOBS[job]), topic, command(fetched, topic.name, job), job)
                    for name, (fetched, command) in ready.items()]


def row(program, large, small, events, wrong):
    """Start-up is what the small topic costs; CPU an event is what the others cost beyond it."""
    if wrong:
        return {'name': program.name, 'values': {'checksum': 'WRONG'}, 'wrong': wrong}
    truth = totals.part(program.topic.truth, program.answers)
    return {'name': program.name, 'values': {
        'CPU ns/event': figure([(a.cpu - b.cpu) / events * 1e9 for a, b in zip(large, small)], 'ns', 0),
        'start-up CPU s': figure([r.cpu for r in small], 's', 2), 'wall s': figure([r.wall for r in large], 's', 2),
        'peak MB': figure([r.peak_mb for r in large], 'MB', 0), 'checksum': totals.checksum(truth)}}


def add_ratios(rows, job):
    """How many times the best lane's CPU an event."""
    of = {r['name']: r['values'].get('CPU ns/event') for r in rows if r['name'].endswith(JOBS[job])}
    ours = min((f['median'] for name, f in of.items() if name.startswith('cdcl') and f), default=0)
    for r in rows:
        f = of.get(r['name'])
        if f and ours > 0:
            r['values']['times cdcl'] = figure([f['median'] / ours], 'x', 1)


def section(folder, build, small, large, lanes, rounds, only, env):
    ready, rows = prepare(folder, only), []
    with tempfile.TemporaryDirectory() as scratch:
        env = dict(env, TMPDIR=scratch)
        for job in JOBS:
            of_small, wrong_small = interleave(programs(ready, small, job, build, lanes), rounds, env)
            wanted = programs(ready, large, job, build, lanes)
            of_large, wrong = interleave(wanted, rounds, env)
            rows += [row(p, of_large[p.name], of_small[p.name], large.events - small.events,
                         wrong_small.get(p.name) or wrong.get(p.name)) for p in wanted]
            add_ratios(rows, job)
    note = '%s; CPU an event is what it costs beyond a run over %s events, which is start-up; a JVM still compiles during its ' \
        'first millions of events, so short runs flatter cdcl' % (large.words(), number(small.events, 0))
    return {'key': 'peers', 'events': large.events, 'title': 'Beside other systems', 'note': note, 'columns': COLUMNS, 'rows': rows,
            'chart': 'CPU ns/event'}
