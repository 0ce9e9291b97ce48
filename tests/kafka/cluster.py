"""Three brokers of one cluster (KRaft, each is a controller too), small in memory, that may be killed one by one.

    with Cluster() as c:
        c.bootstrap; c.nodes[0].kill(); c.nodes[0].start(); c.move_leaders("orders", rng)
"""
import concurrent.futures, os, shutil, subprocess, tempfile, time

import protocol, real_broker

PROPERTIES = """process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
default.replication.factor=3
min.insync.replicas=1
offsets.topic.replication.factor=3
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
auto.leader.rebalance.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
replica.lag.time.max.ms=4000
replica.fetch.wait.max.ms=100
log.retention.ms=-1
log.segment.delete.delay.ms=0
log.cleaner.dedupe.buffer.size=4000000
log.cleaner.backoff.ms=200
message.max.bytes=8000000
replica.fetch.max.bytes=8000000
num.network.threads=1
num.io.threads=2
background.threads=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
"""


class Node(real_broker.Broker):
    def __init__(self, folder, node, port, control, voters, shelf):
        self.node, self.port, self.folder = node, port, os.path.join(folder, 'node%d' % node)
        self.bootstrap = '127.0.0.1:%d' % port
        self.process, self.patience = None, 20
        data = os.path.join(self.folder, 'data')
        real_broker.format_log(data, node, shelf)
        self.settings = os.path.join(self.folder, 'server.properties')
        with open(self.settings, 'w') as f:
            f.write(PROPERTIES.format(node=node, port=port, control=control, voters=voters, data=data))
        self.java = real_broker.java_command(shelf, '192m', short=True)

    def alive(self):
        return self.process is not None


class Cluster:
    def __init__(self, count=3):
        shelf = real_broker.Shelf()
        self.folder = tempfile.mkdtemp(prefix='cdcl.cluster.')
        ports = real_broker.free_ports(2 * count)
        voters = ','.join('%d@127.0.0.1:%d' % (i + 1, ports[count + i]) for i in range(count))
        self.nodes = [Node(self.folder, i + 1, ports[i], ports[count + i], voters, shelf) for i in range(count)]
        self.bootstrap = ','.join(n.bootstrap for n in self.nodes)
        try:
            self.start()
        except Exception:
            self.close()
            raise

    def start(self):
        """All that do not run, at once: no one of them is ready alone."""
        with concurrent.futures.ThreadPoolExecutor(len(self.nodes)) as pool:
            for started in [pool.submit(n.start) for n in self.nodes if not n.alive()]:
                started.result()

    def client(self):
        return protocol.Client(next(n for n in self.nodes if n.alive()).bootstrap)

    def leaders(self, topic):
        with self.client() as c:
            return {p: at[0] for p, at in c.metadata(topic)[0].items()}

    def move_leaders(self, topic, rng):
        """Another order of the replicas of each partition, and the first one of it leads, where it is in sync.
        Answers how many moved."""
        with self.client() as c:
            before, _ = c.metadata(topic)
            wanted = {p: rng.sample(at[2], len(at[2])) for p, at in before.items()}
            c.reassign(topic, wanted)
            c.elect(topic, list(wanted))
            after, _ = c.metadata(topic)
        return sum(after[p][0] != before[p][0] for p in before if p in after)

    def until_in_sync(self, topic, patience=300):
        deadline = time.monotonic() + patience
        while True:
            with self.client() as c:
                found, _ = c.metadata(topic)
            if found and all(at[0] > 0 and len(at[3]) == len(at[2]) for at in found.values()):
                return
            if time.monotonic() > deadline:
                raise AssertionError('not in sync: %s' % found)
            time.sleep(0.1)

    def close(self):
        for n in self.nodes:
            if n.alive():
                n.kill()        # nothing here is to be kept
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
