"""Real sources of change events for tests: PostgreSQL, MariaDB, and Debezium on Kafka Connect standalone.

Each is a class that starts its program in a temporary folder, on ports from the kernel, and leaves
nothing behind: `with Postgres() as db: db.run("create table ...")`. The servers are children of this
process, not daemons, so that a test runner that kills the session takes them along.

Jars come from Maven Central once (the .xml files beside this one are their poms) into a cache:
$CDCL_CACHE, else ~/.cache/cdcl. What cannot be had raises Unavailable."""
import csv, fcntl, glob, io, json, os, pwd, shutil, signal, subprocess, sys, tempfile, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'kafka'))
from real_broker import Unavailable, free_ports

PATIENCE = 120


# by the type that the database names: the kind of column (tests/captures/truth.py), how it is copied out
POSTGRES = {
    'smallint': ('int', '{}'), 'integer': ('int', '{}'), 'bigint': ('int', '{}'), 'oid': ('int', '{}'),
    'posint': ('int', '{}'), 'numeric': ('decimal', '{}'), 'money': ('decimal', '{}::numeric'),
    'real': ('float', '{}'), 'double precision': ('double', '{}'), 'boolean': ('boolean', '{}'),
    'bytea': ('binary', "encode({}, 'hex')"), 'date': ('date', '{}'),
    'time without time zone': ('time', '{}'), 'time with time zone': ('timetz', '{}'),
    'timestamp without time zone': ('timestamp', '{}'), 'timestamp with time zone': ('timestamp', '{}'),
    'interval': ('interval', "((extract(year from {0}) * 12 + extract(month from {0})) * 2629800000000"
                             " + extract(day from {0}) * 86400000000 + extract(hour from {0}) * 3600000000"
                             " + extract(minute from {0}) * 60000000"
                             " + extract(second from {0}) * 1000000)::numeric(38,0)"),
    'json': ('json', '{}'), 'jsonb': ('json', '{}'), 'ARRAY': ('array', 'to_json({})'),
    'hstore': ('object', 'to_json({})'),
    'point': ('point', "case when {0} is not null then json_build_array(({0})[0]::text, ({0})[1]::text) end"),
    'bit': ('bits', '{}'), 'bit varying': ('bits', '{}')}
MARIADB = {
    'tinyint': ('int', '{}'), 'smallint': ('int', '{}'), 'mediumint': ('int', '{}'), 'int': ('int', '{}'),
    'bigint': ('int', '{}'), 'float': ('float', 'cast({} as double)'), 'double': ('double', '{}'),
    'decimal': ('decimal', '{}'), 'bit': ('bits', "lpad(bin({0}), {1}, '0')"), 'binary': ('binary', 'lower(hex({}))'),
    'varbinary': ('binary', 'lower(hex({}))'), 'blob': ('binary', 'lower(hex({}))'), 'date': ('date', '{}'),
    'time': ('time', '{}'), 'datetime': ('timestamp', '{}'), 'timestamp': ('timestamp', '{}'),
    'year': ('int', '{}'), 'set': ('set', '{}'), 'longtext': ('string', '{}'),
    'point': ('point', 'if({0} is null, null, json_array(concat(x({0})), concat(y({0}))))')}


def jars(name):
    """The folder that holds the folder of jars of one pom: what Connect's plugin.path wants."""
    cache = os.environ.get('CDCL_CACHE') or os.path.join(os.path.expanduser('~'), '.cache', 'cdcl')
    folder = os.path.join(cache, 'e2e-' + name)
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(folder):
            return folder
        for tool in ('java', 'mvn'):
            if not shutil.which(tool):
                raise Unavailable(tool + ' is not installed')
        part = folder + '.part'
        shutil.rmtree(part, ignore_errors=True)
        r = subprocess.run(['mvn', '-q', '-B', '-f', os.path.join(HERE, name + '.xml'),
                            'dependency:copy-dependencies', '-DincludeScope=runtime',
                            '-DoutputDirectory=%s/jars' % part],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if r.returncode != 0:
            raise Unavailable('Maven cannot fetch %s: %s' % (name, r.stdout.decode('utf-8', 'replace')[-600:]))
        os.rename(part, folder)
    return folder


def until(condition, what, log=None, alive=None, patience=PATIENCE):
    """Waits for condition() to be true; `alive` is a process that must not end meanwhile."""
    deadline = time.monotonic() + patience
    while not condition():
        dead = alive is not None and alive.poll() is not None
        if dead or time.monotonic() > deadline:
            tail = open(log, errors='replace').read()[-3000:] if log else ''
            raise RuntimeError('%s%s:\n%s' % (what, ': the program ended' if dead else ' does not come', tail))
        time.sleep(0.05)


class Program:
    """A server in a folder of its own. Servers refuse to run as root: `account` is who runs them then."""

    account = None

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix='cdcl.%s.' % name)
        self.log = os.path.join(self.folder, name + '.log')
        self.process = None
        self.who = {}
        # another account may not write into the test runner's folder
        self.environment = dict(os.environ, TMPDIR=self.folder)
        if self.account and os.geteuid() == 0:
            try:
                user = pwd.getpwnam(self.account)
            except KeyError:
                raise Unavailable('there is no user ' + self.account)
            self.who = {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            parent = os.path.dirname(self.folder)
            if parent != '/tmp' and os.stat(parent).st_uid == 0:
                os.chmod(parent, 0o711)  # the folder that the test runner gave us

    def once(self, *command):
        r = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           cwd=self.folder, env=self.environment, **self.who)
        if r.returncode != 0:
            raise RuntimeError('%s: %s' % (command[0], r.stdout.decode('utf-8', 'replace')[-2000:]))

    def start_process(self, *command, **more):
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, **dict(self.who, env=self.environment, **more))

    def stop(self, how=signal.SIGTERM, patience=5):
        """Asks, then kills: Connect sometimes hangs for ever on a SIGTERM that comes soon after its start."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Postgres(Program):
    account = 'postgres'

    def __init__(self):
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin'), key=lambda p: int(p.split('/')[4]))
        if not found:
            raise Unavailable('postgresql is not installed')
        super().__init__('postgres')
        self.programs = found[-1]
        self.port, = free_ports(1)
        data = os.path.join(self.folder, 'data')
        self.once(self.programs + '/initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8',
                  '--locale=C.UTF-8')
        with open(data + '/postgresql.conf', 'a') as f:
            f.write("port=%d\nlisten_addresses='127.0.0.1'\nunix_socket_directories=''\nwal_level=logical\n"
                    "max_wal_senders=20\nmax_replication_slots=20\nfsync=off\ntimezone='UTC'\n" % self.port)
        self.start_process(self.programs + '/postgres', '-D', data)
        until(self.answers, 'postgres', self.log, self.process)

    def answers(self):
        return subprocess.run([self.programs + '/pg_isready', '-q', '-h', '127.0.0.1', '-p', str(self.port)]
                              ).returncode == 0

    def run(self, sql, database='postgres', file=None):
        """What psql prints, unaligned, tuples only; an SQL error raises."""
        r = subprocess.run([self.programs + '/psql', '-h', '127.0.0.1', '-p', str(self.port), '-U', 'postgres',
                            '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database] + (['-f', file] if file else []),
                           input=None if file else sql.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if r.returncode != 0:
            raise RuntimeError('psql: ' + r.stderr.decode('utf-8', 'replace'))
        return r.stdout.decode('utf-8')

    def csv(self, query, database='postgres'):
        return self.run("copy (%s) to stdout with (format csv, header, null '\\N')" % query, database)

    def table(self, table, key, database='postgres'):
        """Head ("name kind" of each column) and rows, as text, \\N for NULL."""
        columns = [line.split('\t') for line in self.run(
            "select column_name || E'\\t' || case when udt_name = 'hstore' then 'hstore' else data_type end"
            " from information_schema.columns where table_name = '%s' and table_schema = 'public'"
            ' order by ordinal_position' % table, database).splitlines()]
        picked = [(c,) + POSTGRES.get(t, ('string', '{}')) for c, t in columns]
        text = self.csv('select %s from %s order by %s' % (
            ', '.join(how.format('"%s"' % c) + ' as "%s"' % c for c, _, how in picked), table, key), database)
        return ['%s %s' % (c, kind) for c, kind, _ in picked], list(csv.reader(io.StringIO(text, newline='')))[1:]

    def stop(self, how=signal.SIGQUIT, patience=5):
        super().stop(how, patience)  # at once; nothing here is to be kept

    def restart(self, how):
        """SIGINT: in order; SIGQUIT: as a crash. Recovery may take a while."""
        self.stop(how, 60)
        self.start_process(self.programs + '/postgres', '-D', os.path.join(self.folder, 'data'))
        until(self.answers, 'postgres', self.log, self.process)


class MariaDB(Program):
    account = 'mysql'

    def __init__(self):
        server = shutil.which('mariadbd') or shutil.which('mariadbd', path='/usr/sbin')
        if not server:
            raise Unavailable('mariadb-server is not installed')
        super().__init__('mariadb')
        self.port, = free_ports(1)
        data = os.path.join(self.folder, 'data')
        self.once('mariadb-install-db', '--no-defaults', '--datadir=' + data, '--skip-test-db',
                  '--auth-root-authentication-method=normal',
                  *(['--user=mysql'] if self.who else []))
        self.start_process(server, '--no-defaults', '--datadir=' + data, '--port=%d' % self.port,
                           '--bind-address=127.0.0.1', '--socket=%s/s' % self.folder, '--server-id=101',
                           '--log-bin=binlog', '--binlog-format=ROW', '--binlog-row-image=FULL',
                           '--character-set-server=utf8mb4', '--default-time-zone=+00:00',
                           '--innodb-flush-log-at-trx-commit=0', '--sync-binlog=0',
                           '--innodb-buffer-pool-size=64M')
        until(self.answers, 'mariadb', self.log, self.process)

    def client(self, *words, program='mariadb'):
        return [program, '--no-defaults', '-h', '127.0.0.1', '-P', str(self.port), '-u', 'root', '--protocol=tcp',
                '--default-character-set=utf8mb4'] + list(words)

    def answers(self):
        return subprocess.run(self.client('ping', program='mariadb-admin'), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def run(self, sql, database=None, words=('-N', '-B')):
        r = subprocess.run(self.client(*words, *([database] if database else [])), input=sql.encode(),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if r.returncode != 0:
            raise RuntimeError('mariadb: ' + r.stderr.decode('utf-8', 'replace'))
        return r.stdout.decode('utf-8')

    def table(self, table, key, database):
        """As Postgres.table; every cell comes as hex, so that no escape of the client is between."""
        columns = [line.split('\t') for line in self.run(
            "select column_name, data_type, coalesce(numeric_precision, 0) from information_schema.columns"
            " where table_schema = '%s' and table_name = '%s' order by ordinal_position" % (database, table)
            ).splitlines()]
        picked = [(c, width) + MARIADB.get(t, ('string', '{}')) for c, t, width in columns]
        lines = self.run('select %s from %s order by %s' % (
            ', '.join("coalesce(hex(convert(concat(%s) using utf8mb4)), 'null')" % how.format('`%s`' % c, width)
                      for c, width, _, how in picked), '`%s`' % table, key), database).splitlines()
        return ['%s %s' % (c, kind) for c, _, kind, _ in picked], \
            [['\\N' if cell == 'null' else bytes.fromhex(cell).decode() for cell in line.split('\t')]
             for line in lines]


class Connect(Program):
    """One Kafka Connect worker with the given connectors: {name: {setting: value}}, poms of their plugins."""

    def __init__(self, bootstrap, connectors, plugins, worker=None):
        self.jars = jars('connect')
        folders = [jars(p) for p in plugins]
        super().__init__('connect')
        self.rest, = free_ports(1)
        settings = dict({
            'bootstrap.servers': bootstrap,
            'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
            'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
            'key.converter.schemas.enable': 'false', 'value.converter.schemas.enable': 'false',
            'offset.storage.file.filename': self.folder + '/offsets.dat',
            'offset.flush.interval.ms': '1000', 'plugin.path': ','.join(folders),
            'plugin.discovery': 'service_load', 'listeners': 'http://127.0.0.1:%d' % self.rest}, **(worker or {}))
        self.names = sorted(connectors)
        self.files = [self.write('worker', settings)] + \
            [self.write(n, dict(connectors[n], name=n)) for n in self.names]
        self.start()

    def write(self, name, settings):
        path = '%s/%s.properties' % (self.folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.writelines('%s=%s\n' % kv for kv in sorted(settings.items()))
        return path

    def start(self):
        self.start_process('java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1',
                           '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', self.jars + '/jars/*',
                           'org.apache.kafka.connect.cli.ConnectStandalone', *self.files)

    def wait(self, ready, what):
        """Until ready() is true; a task that failed does not end the worker, so it is asked."""
        def either():
            if ready():
                return True
            for name in self.names:
                failed = self.failure(name)
                if failed:
                    raise RuntimeError('connector %s failed: %s' % (name, failed))
            return False
        until(either, what, self.log, self.process)

    def failure(self, name):
        try:
            with urllib.request.urlopen('http://127.0.0.1:%d/connectors/%s/status' % (self.rest, name),
                                        timeout=5) as answer:
                status = json.load(answer)
        except OSError:
            return None  # not up yet
        parts = [status['connector']] + status['tasks']
        return next((p.get('trace', 'failed') for p in parts if p['state'] == 'FAILED'), None)


def postgres_connector(db, prefix, tables, **more):
    return dict({
        'connector.class': 'io.debezium.connector.postgresql.PostgresConnector', 'tasks.max': '1',
        'database.hostname': '127.0.0.1', 'database.port': str(db.port), 'database.user': 'postgres',
        'database.password': 'x', 'database.dbname': 'postgres', 'topic.prefix': prefix,
        'plugin.name': 'pgoutput', 'slot.name': prefix, 'publication.name': prefix + '_pub',
        'publication.autocreate.mode': 'filtered', 'table.include.list': tables, 'snapshot.mode': 'initial',
        'skipped.operations': 'none', 'value.converter.replace.null.with.default': 'false',
        'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
        'value.converter.schemas.enable': 'false',
        'topic.creation.default.replication.factor': '1', 'topic.creation.default.partitions': '1',
        'poll.interval.ms': '50'}, **more)


def postgres_streams(db, prefix):
    """The slot is active only when the snapshot is done and streaming runs."""
    return db.run("select active from pg_replication_slots where slot_name='%s'" % prefix).strip() == 't'


def mariadb_connector(db, prefix, database, folder, **more):
    return dict({
        'connector.class': 'io.debezium.connector.mariadb.MariaDbConnector', 'tasks.max': '1',
        'database.hostname': '127.0.0.1', 'database.port': str(db.port), 'database.user': 'root',
        'database.password': '', 'database.ssl.mode': 'disable', 'database.server.id': '5501',
        'database.include.list': database, 'topic.prefix': prefix, 'snapshot.mode': 'initial',
        'skipped.operations': 'none', 'value.converter.replace.null.with.default': 'false',
        'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
        'value.converter.schemas.enable': 'false',
        'schema.history.internal': 'io.debezium.storage.file.history.FileSchemaHistory',
        'schema.history.internal.file.filename': folder + '/history.dat', 'driver.yearIsDateType': 'false',
        'topic.creation.default.replication.factor': '1', 'topic.creation.default.partitions': '1',
        'poll.interval.ms': '50'}, **more)


def mariadb_streams(db):
    return db.run("select count(*) from information_schema.processlist where command like 'Binlog Dump%'"
                  ).strip() != '0'
