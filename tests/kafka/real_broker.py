"""A real Kafka 4.4.0 for tests: in a temporary folder, on ports from the kernel.

    with Broker() as b:
        b.topic("orders", partitions=2); b.produce("orders", [b'{"a":1}']); b.bootstrap

The jars come from Maven Central once (pom.xml) into a cache: $CDCL_CACHE, else ~/.cache/cdcl.
`python3 real_broker.py` starts one and prints its bootstrap until it is interrupted.
"""
import base64, fcntl, hashlib, os, shutil, signal, socket, subprocess, sys, tempfile, time, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = "4.4.0"
SHELF = 1
CLUSTER = "cdcl-test-cluster-1_AA"
CHECKPOINT = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"

PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{control}
listeners=PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:{secure}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
ssl.keystore.location={keystore}
ssl.keystore.type=PKCS12
ssl.keystore.password=keystore-password
ssl.key.password=keystore-password
sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_cdcl="tell-nobody";
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
delete.topic.enable=true
log.retention.ms=-1
log.segment.delete.delay.ms=0
message.max.bytes=8000000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
"""


class Unavailable(Exception):
    """The broker cannot be had on this machine (no Java, no Maven, no network)."""


def jars():
    cache = os.environ.get("CDCL_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "cdcl")
    folder = os.path.join(cache, "kafka-" + VERSION)
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(folder):
            return folder
        for tool in ("java", "mvn"):
            if not shutil.which(tool):
                raise Unavailable(tool + " is not installed")
        part = folder + ".part"
        shutil.rmtree(part, ignore_errors=True)
        r = subprocess.run(["mvn", "-q", "-B", "-f", os.path.join(HERE, "pom.xml"),
                            "dependency:copy-dependencies", "-DoutputDirectory=" + part],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        if r.returncode != 0:
            said = r.stdout.decode("utf-8", "replace").strip()[-600:]
            raise Unavailable("Maven cannot fetch the broker: " + said)
        os.rename(part, folder)
    return folder


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Shelf:
    """What brokers are started from, made once and kept in the cache: keys of their own, the certificate that
    clients must trust, the first checkpoint of a formatted log, and the classes as the JVM lays them out in memory
    (a start then takes half of its CPU time). It goes with this JVM and this file."""

    def __init__(self):
        self.jars = jars()
        java = shutil.which("java")
        if not java:
            raise Unavailable("java is not installed")
        java = os.path.realpath(java)
        stamp = hashlib.sha256(("%d %s %s" % (SHELF, java, os.path.getmtime(java))).encode()).hexdigest()
        self.folder = "%s-shelf-%s" % (self.jars, stamp[:12])
        self.keystore = os.path.join(self.folder, "keystore.p12")
        self.certificate = os.path.join(self.folder, "ca.pem")
        self.checkpoint = os.path.join(self.folder, "first.checkpoint")
        self.classes = os.path.join(self.folder, "classes.jsa")
        with open(os.path.join(os.path.dirname(self.folder), "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(self.folder):
                self.fill()

    def fill(self):
        shutil.rmtree(self.folder + ".part", ignore_errors=True)
        name, self.folder = self.folder, self.folder + ".part"
        os.makedirs(self.folder, mode=0o700)
        store = ["-keystore", os.path.join(self.folder, "keystore.p12"), "-storetype", "PKCS12", "-storepass",
                 "keystore-password"]
        once("keytool", "-genkeypair", "-alias", "broker", "-keyalg", "EC", "-dname", "CN=127.0.0.1", "-ext",
             "SAN=IP:127.0.0.1", "-validity", "9999", *store)
        once("keytool", "-exportcert", "-rfc", "-alias", "broker", "-file", os.path.join(self.folder, "ca.pem"), *store)
        self.make_checkpoint()
        os.rename(self.folder, name)
        self.folder = name
        self.make_classes()

    def make_checkpoint(self):
        with tempfile.TemporaryDirectory(prefix="cdcl.kafka.") as folder:
            settings = os.path.join(folder, "server.properties")
            with open(settings, "w") as f:
                f.write("process.roles=broker,controller\nnode.id=1\nlisteners=CONTROLLER://127.0.0.1:1\n"
                        "controller.quorum.voters=1@127.0.0.1:1\ncontroller.listener.names=CONTROLLER\n"
                        "process.roles=controller\nlog.dirs=%s/data\n" % folder)
            once("java", "-cp", self.jars + "/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                 "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", settings)
            shutil.copy(os.path.join(folder, "data", CHECKPOINT), os.path.join(self.folder, "first.checkpoint"))

    def make_classes(self):
        """A broker that is asked for nothing loads most of them. Without them all works as well."""
        try:
            with Broker(short=True, shelf=self, java=["-XX:ArchiveClassesAtExit=" + self.classes + ".part"]) as broker:
                broker.patience = 300   # it writes them when it ends
            os.rename(self.classes + ".part", self.classes)
        except (OSError, RuntimeError):
            pass


def format_log(data, node, shelf):
    """As StorageTool does it."""
    at = os.path.join(data, CHECKPOINT)
    os.makedirs(os.path.dirname(at))
    shutil.copy(shelf.checkpoint, at)
    with open(os.path.join(data, "meta.properties"), "w") as f:
        f.write("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n" % (
            CLUSTER, node, base64.urlsafe_b64encode(b"cdcl" + uuid.uuid4().bytes[4:]).decode().rstrip("=")))


def once(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def java_command(shelf, memory, short, *more):
    command = ["java", "-Xmx" + memory, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=%d" % (1 if short else 4), *more,
               "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", shelf.jars + "/*"]
    if os.path.exists(shelf.classes):
        command.insert(1, "-XX:SharedArchiveFile=" + shelf.classes)
    return command


class Broker:
    """short: for some minutes of little work, where compiling everything well costs more than it gives."""

    def __init__(self, port=None, short=False, shelf=None, java=()):
        self.shelf = shelf or Shelf()
        self.folder = tempfile.mkdtemp(prefix="cdcl.kafka.")
        self.port, secure, control = free_ports(3)
        self.port = port or self.port
        self.bootstrap = "127.0.0.1:%d" % self.port
        self.secure = "127.0.0.1:%d" % secure  # TLS, and SASL PLAIN: user cdcl, tell-nobody
        self.certificate = self.shelf.certificate
        self.process, self.patience = None, 20
        self.settings = os.path.join(self.folder, "server.properties")
        data = os.path.join(self.folder, "data")
        with open(self.settings, "w") as f:
            f.write(PROPERTIES.format(port=self.port, secure=secure, control=control, data=data,
                                      keystore=self.shelf.keystore))
        self.java = java_command(self.shelf, "512m", short, *java)
        format_log(data, 1, self.shelf)
        self.start()

    def start(self):
        self.log = open(os.path.join(self.folder, "broker.log"), "ab")
        self.process = subprocess.Popen(self.java + ["kafka.Kafka", self.settings], stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL, cwd=self.folder)
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                if self.answers():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        log = open(os.path.join(self.folder, "broker.log"), errors="replace").read()[-2000:]
        self.close()
        raise RuntimeError("the broker did not start:\n" + log)

    def answers(self):
        r = subprocess.run(["kcat", "-L", "-b", self.bootstrap, "-m", "2"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        return r.returncode == 0

    def kill(self):
        """As a power cut."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()
        self.process = None

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(self.patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.log.close()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":
    try:
        broker = Broker(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    except Unavailable as e:
        sys.exit("no broker: %s" % e)
    with broker:
        print(broker.bootstrap, broker.process.pid, broker.folder, flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            broker.process.wait()
        except KeyboardInterrupt:
            pass
