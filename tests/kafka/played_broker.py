"""A Kafka broker that is played: a thread per connection answers from a script, so that what a real one does once in a
year (or never) comes when a test wants it.

    with PlayedBroker() as b:
        b.append('orders', 0, [(None, b'a'), (None, b'b')])
        b.on_fetch = lambda asked: Answer(error=74) if b.fetches == 2 else None
"""
import socket, threading, time

import protocol
from protocol import i8, i16, i32, i64, array, blob, text

# Where librdkafka 2.0.2 and the direct lane meet. Produce only because librdkafka takes a broker without it for an old one.
SPOKEN = {protocol.PRODUCE: (0, 7), protocol.FETCH: (4, 11), protocol.OFFSETS: (1, 5), protocol.METADATA: (1, 7), protocol.VERSIONS: (0, 0),
          protocol.EPOCHS: (2, 3), protocol.COORDINATOR: (0, 2), protocol.COMMIT: (2, 7)}


class Log:
    """A partition: batches of (first offset, records, bytes)."""

    def __init__(self):
        self.batches, self.start, self.end, self.epoch, self.ends = [], 0, 0, 0, {}

    def append(self, records):
        self.batches.append((self.end, len(records), protocol.record_batch(self.end, records, self.epoch)))
        self.end += len(records)

    def cut(self, end):
        """An unclean leader: what is behind is lost, other records come with its epoch."""
        self.ends[self.epoch] = end
        self.batches = [b for b in self.batches if b[0] + b[1] <= end]
        self.end, self.epoch = end, self.epoch + 1

    def from_offset(self, offset, most):
        out = b''
        for first, count, data in self.batches:
            if first + count > offset and (not out or len(out) + len(data) <= most):
                out += data
        return out


class Answer:
    """What a script says instead of what is right: a partition's error, records, an answer to break off, a wait."""

    def __init__(self, error=0, records=None, throttle_ms=0, cut=None, garbage=None):
        self.error, self.records, self.throttle_ms, self.cut, self.garbage = error, records, throttle_ms, cut, garbage


class Asked:
    """A fetch: {(topic, partition): (offset, leader epoch or -1, bytes)}."""

    def __init__(self, version, partitions, wait_ms):
        self.version, self.partitions, self.wait_ms, self.at = version, partitions, wait_ms, time.monotonic()


class PlayedBroker:
    def __init__(self, host='127.0.0.1', advertised=None):
        self.listener = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
        self.listener.bind((host, 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.host = advertised or host
        self.bootstrap = ('[%s]:%d' if ':' in self.host else '%s:%d') % (self.host, self.port)
        self.logs, self.asked = {}, []
        self.on_fetch = lambda asked: None
        self.on_request = lambda s, api: None
        self.lock, self.open, self.ending = threading.RLock(), set(), False
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending = True
        self.listener.close()
        self.hang_up()

    def hang_up(self):
        with self.lock:
            for s in list(self.open):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @property
    def fetches(self):
        return len(self.asked)

    def append(self, topic, partition, records):
        with self.lock:
            self.logs.setdefault((topic, partition), Log()).append(records)

    # ---- Connections ----

    def accept(self):
        while not self.ending:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.open.add(s)
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            while True:
                r = protocol.Reader(self.receive(s, protocol.Reader(self.receive(s, 4)).i32()))
                api, version, number = r.i16(), r.i16(), r.i32()
                r.text()
                self.answer(s, api, version, number, r)
        except (OSError, AssertionError):
            pass
        finally:
            with self.lock:
                self.open.discard(s)
            s.close()

    @staticmethod
    def receive(s, n):
        data = b''
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                raise OSError('closed')
            data += more
        return data

    def answer(self, s, api, version, number, r):
        least, most = SPOKEN.get(api, (0, -1))
        told = None
        self.on_request(s, api)
        if api == protocol.VERSIONS:
            body = i16(35 if version > most else 0) + array(i16(k) + i16(a) + i16(b) for k, (a, b) in SPOKEN.items())
        elif not least <= version <= most:
            raise OSError('not spoken: %d version %d' % (api, version))
        elif api == protocol.FETCH:
            body, told = self.fetch(version, r)
        else:
            with self.lock:
                body = {protocol.OFFSETS: self.offsets, protocol.METADATA: self.metadata, protocol.EPOCHS: self.epochs,
                        protocol.COORDINATOR: self.coordinator, protocol.COMMIT: self.commit}[api](version, r)
        data = i32(len(body) + 4) + i32(number) + body
        if told and told.garbage is not None:
            data = told.garbage
        if told and told.cut is not None:
            s.sendall(data[:told.cut])
            raise OSError('broken off')
        self.send(s, api, data)

    def send(self, s, api, data):
        s.sendall(data)

    # ---- Requests ----

    def metadata(self, version, r):
        n = r.i32()
        asked = None if n < 0 else [r.text() for _ in range(n)]
        names = sorted({t for t, _ in self.logs}) if asked is None else asked
        brokers = array([i32(1) + text(self.host) + i32(self.port) + text(None)])
        topics = []
        for name in names:
            logs = {p: log for (t, p), log in self.logs.items() if t == name}
            parts = [i16(0) + i32(p) + i32(1) + (i32(log.epoch) if version >= 7 else b'') + array([i32(1)]) * 2 +
                     (array([]) if version >= 5 else b'') for p, log in sorted(logs.items())]
            topics.append(i16(0 if logs else 3) + text(name) + i8(0) + array(parts))
        return (i32(0) if version >= 3 else b'') + brokers + (text('played') if version >= 2 else b'') + i32(1) + array(topics)

    def offsets(self, version, r):
        r.i32()
        if version >= 2:
            r.i8()
        topics = []
        for _ in range(r.i32()):
            name, parts = r.text(), []
            for _ in range(r.i32()):
                p = r.i32()
                if version >= 4:
                    r.i32()
                when, log = r.i64(), self.logs.get((name, p))
                offset = -1 if log is None else log.start if when == -2 else log.end
                parts.append(i32(p) + i16(0 if log else 3) + i64(-1) + i64(offset) +
                             (i32(log.epoch if log else -1) if version >= 4 else b''))
            topics.append(text(name) + array(parts))
        return (i32(0) if version >= 2 else b'') + array(topics)

    def epochs(self, version, r):
        if version >= 3:
            r.i32()
        topics = []
        for _ in range(r.i32()):
            name, parts = r.text(), []
            for _ in range(r.i32()):
                p, _, epoch = r.i32(), r.i32(), r.i32()
                log = self.logs[name, p]
                parts.append(i16(0) + i32(p) + i32(epoch) + i64(log.ends.get(epoch, log.end)))
            topics.append(text(name) + array(parts))
        return i32(0) + array(topics)

    def coordinator(self, version, r):
        return (i32(0) if version >= 1 else b'') + i16(0) + (text(None) if version >= 1 else b'') + i32(1) + \
            text(self.host) + i32(self.port)

    def commit(self, version, r):
        r.text(), r.i32(), r.text()
        if version >= 7:
            r.text()
        if version <= 4:
            r.i64()
        topics = []
        for _ in range(r.i32()):
            name, parts = r.text(), []
            for _ in range(r.i32()):
                p, _ = r.i32(), r.i64()
                if version >= 6:
                    r.i32()
                r.text()
                parts.append(i32(p) + i16(0))
            topics.append(text(name) + array(parts))
        return (i32(0) if version >= 3 else b'') + array(topics)

    def read_fetch(self, version, r):
        r.i32()
        wait_ms, _, _, _ = r.i32(), r.i32(), r.i32(), r.i8()
        if version >= 7:
            r.i32(), r.i32()
        wanted = {}
        for _ in range(r.i32()):
            name = r.text()
            for _ in range(r.i32()):
                p = r.i32()
                epoch = r.i32() if version >= 9 else -1
                offset = r.i64()
                if version >= 5:
                    r.i64()
                wanted[name, p] = (offset, epoch, r.i32())
        return Asked(version, wanted, wait_ms)

    def fetch(self, version, r):
        asked = self.read_fetch(version, r)
        with self.lock:
            self.asked.append(asked)
            told = self.on_fetch(asked)
        until = time.monotonic() + asked.wait_ms / 1000
        while told is None and time.monotonic() < until and not self.ending and not self.ready(asked):
            time.sleep(0.005)
        with self.lock:
            topics = [text(name) + array([self.fetched(name, p, at, version, told or Answer())])
                      for (name, p), at in asked.partitions.items()]
            return i32(told.throttle_ms if told else 0) + (i16(0) + i32(0) if version >= 7 else b'') + array(topics), told

    def ready(self, asked):
        with self.lock:
            return any(self.logs[at].end != offset for at, (offset, _, _) in asked.partitions.items() if at in self.logs)

    def fetched(self, name, p, at, version, told):
        """One partition. A wrong epoch or offset is said as a real broker says it."""
        log, (offset, epoch, most) = self.logs[name, p], at
        error = told.error
        if not error and epoch >= 0 and epoch != log.epoch:
            error = 74 if epoch < log.epoch else 75
        if not error and not log.start <= offset <= log.end:
            error = 1
        records = b'' if error else log.from_offset(offset, most) if told.records is None else told.records
        return i32(p) + i16(error) + i64(log.end) * 2 + (i64(log.start) if version >= 5 else b'') + i32(-1) + \
            (i32(-1) if version >= 11 else b'') + blob(records)
