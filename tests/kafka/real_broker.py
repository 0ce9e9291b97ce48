"""A real Kafka 4.4.0 for tests: in a temporary folder, on ports from the kernel.

    with Broker() as b:
        b.topic("orders", partitions=2); b.produce("orders", [b'{"a":1}']); b.bootstrap

The jars come from Maven Central once (pom.xml) into a cache: $CDCL_CACHE, else ~/.cache/cdcl.
`python3 real_broker.py` starts one and prints its bootstrap until it is interrupted.
"""
import base64, fcntl, os, shutil, signal, socket, subprocess, sys, tempfile, time, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = "4.4.0"

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


class Broker:
    def __init__(self, port=None):
        self.jars = jars()
        if not shutil.which("java"):
            raise Unavailable("java is not installed")
        self.folder = tempfile.mkdtemp(prefix="cdcl.kafka.")
        self.port, secure, control = free_ports(3)
        self.port = port or self.port
        self.bootstrap = "127.0.0.1:%d" % self.port
        self.secure = "127.0.0.1:%d" % secure  # TLS, and SASL PLAIN: user cdcl, tell-nobody
        self.process = None
        self.make_certificate()
        self.settings = os.path.join(self.folder, "server.properties")
        with open(self.settings, "w") as f:
            data = os.path.join(self.folder, "data")
            f.write(PROPERTIES.format(port=self.port, secure=secure, control=control, data=data,
                                      keystore=self.keystore))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if cluster.startswith("-"):
            cluster = "A" + cluster[1:]
        subprocess.run(["java", "-cp", self.jars + "/*",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                        "kafka.tools.StorageTool", "format", "-t", cluster, "-c", self.settings],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)
        self.start()

    def make_certificate(self):
        """A key of its own, and the certificate that clients must trust."""
        self.keystore = os.path.join(self.folder, "keystore.p12")
        self.certificate = os.path.join(self.folder, "ca.pem")
        store = ["-keystore", self.keystore, "-storetype", "PKCS12",
                 "-storepass", "keystore-password"]
        for arguments in (["-genkeypair", "-alias", "broker", "-keyalg", "EC", "-dname",
                           "CN=127.0.0.1", "-ext", "SAN=IP:127.0.0.1", "-validity", "2"] + store,
                          ["-exportcert", "-rfc", "-alias", "broker", "-file",
                           self.certificate] + store):
            subprocess.run(["keytool"] + arguments, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def start(self):
        self.log = open(os.path.join(self.folder, "broker.log"), "ab")
        self.process = subprocess.Popen(
            ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4",
             "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", self.jars + "/*",
             "kafka.Kafka", self.settings],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, cwd=self.folder)
        deadline = time.monotonic() + 120
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
                self.process.wait(20)
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
