"""Kafka's protocol as far as tests speak it: a client that moves leaders and sets quotas, and what a played broker
answers (played_broker.py). Versions are the ones before the flexible encoding wherever there are such."""
import itertools, socket, struct

PRODUCE, FETCH, OFFSETS, METADATA, COMMIT, COORDINATOR, VERSIONS, EPOCHS, ELECT, REASSIGN, QUOTAS = \
    0, 1, 2, 3, 8, 10, 18, 23, 43, 45, 49


def i8(n):
    return struct.pack('>b', n)


def i16(n):
    return struct.pack('>h', n)


def i32(n):
    return struct.pack('>i', n)


def i64(n):
    return struct.pack('>q', n)


def text(s):
    if s is None:
        return i16(-1)
    data = s.encode()
    return i16(len(data)) + data


def blob(data):
    return i32(-1) if data is None else i32(len(data)) + data


def array(items):
    items = list(items)
    return i32(len(items)) + b''.join(items)


def uvarint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def varint(n):
    return uvarint((n << 1 ^ n >> 63) & (1 << 64) - 1)


def compact_text(s):
    data = s.encode()
    return uvarint(len(data) + 1) + data


def compact_array(items):
    items = list(items)
    return uvarint(len(items) + 1) + b''.join(items)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        part = self.data[self.at:self.at + n]
        assert len(part) == n, 'too short'
        self.at += n
        return part

    def i8(self):
        return struct.unpack('>b', self.take(1))[0]

    def i16(self):
        return struct.unpack('>h', self.take(2))[0]

    def i32(self):
        return struct.unpack('>i', self.take(4))[0]

    def i64(self):
        return struct.unpack('>q', self.take(8))[0]

    def text(self):
        n = self.i16()
        return None if n < 0 else self.take(n).decode()

    def array(self, read):
        return [read() for _ in range(self.i32())]

    def uvarint(self):
        n = shift = 0
        while True:
            byte = self.take(1)[0]
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    def compact_text(self):
        n = self.uvarint()
        return None if n == 0 else self.take(n - 1).decode()


CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


def record_batch(offset, records, epoch=0, time_ms=1700000000000):
    """Of (key, value) pairs, as format v2 has them."""
    body = b''
    for i, (key, value) in enumerate(records):
        record = i8(0) + varint(0) + varint(i)
        for part in (key, value):
            record += varint(-1) if part is None else varint(len(part)) + part
        record += varint(0)
        body += varint(len(record)) + record
    checked = i16(0) + i32(len(records) - 1) + i64(time_ms) * 2 + i64(-1) + i16(-1) + i32(-1) + i32(len(records)) + body
    behind = i32(epoch) + i8(2) + struct.pack('>I', crc32c(checked)) + checked
    return i64(offset) + i32(len(behind)) + behind


class Client:
    """One connection to one broker."""

    def __init__(self, bootstrap, patience=30):
        host, port = bootstrap.rsplit(':', 1)
        self.socket = socket.create_connection((host, int(port)), patience)
        self.numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, api, version, body, flexible=False):
        message = i16(api) + i16(version) + i32(next(self.numbers)) + text('cdcl-test') + (b'\0' if flexible else b'') + body
        self.socket.sendall(i32(len(message)) + message)
        answer = Reader(self.receive(Reader(self.receive(4)).i32()))
        answer.i32()
        if flexible:
            answer.uvarint()
        return answer

    def receive(self, n):
        data = b''
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise OSError('the broker hung up')
            data += more
        return data

    def metadata(self, topic):
        """{partition: (leader, epoch, replicas, in sync)}, {broker: address}"""
        r = self.ask(METADATA, 7, array([text(topic)]) + i8(0))
        r.i32()
        brokers = {}
        for _ in range(r.i32()):
            node, host, port, _ = r.i32(), r.text(), r.i32(), r.text()
            brokers[node] = '%s:%d' % (host, port)
        r.text(), r.i32()
        found = {}
        for _ in range(r.i32()):
            r.i16(), r.text(), r.i8()
            for _ in range(r.i32()):
                _, partition, leader, epoch = r.i16(), r.i32(), r.i32(), r.i32()
                found[partition] = (leader, epoch, r.array(r.i32), r.array(r.i32))
                r.array(r.i32)
        return found, brokers

    def reassign(self, topic, replicas):
        """replicas: {partition: [broker, ...]}. Answers the error codes."""
        parts = [i32(p) + compact_array(i32(b) for b in to) + b'\0' for p, to in replicas.items()]
        r = self.ask(REASSIGN, 0, i32(10000) + compact_array([compact_text(topic) + compact_array(parts) + b'\0']) + b'\0', True)
        r.i32()
        codes = [r.i16()]
        r.compact_text()
        for _ in range(r.uvarint() - 1):
            r.compact_text()
            for _ in range(r.uvarint() - 1):
                r.i32()
                codes.append(r.i16())
                r.compact_text(), r.uvarint()
            r.uvarint()
        return codes

    def elect(self, topic, partitions):
        """The first of its replicas becomes the leader, where it can. Answers the error codes."""
        r = self.ask(ELECT, 1, i8(0) + array([text(topic) + array(i32(p) for p in partitions)]) + i32(10000))
        r.i32()
        codes = [r.i16()]
        for _ in range(r.i32()):
            r.text()
            for _ in range(r.i32()):
                r.i32()
                codes.append(r.i16())
                r.text()
        return codes

    def quota(self, client_id, bytes_per_second):
        """None takes it away again."""
        entity = array([text('client-id') + text(client_id)])
        op = text('consumer_byte_rate') + struct.pack('>d', bytes_per_second or 0) + i8(bytes_per_second is None)
        r = self.ask(QUOTAS, 0, array([entity + array([op])]) + i8(0))
        r.i32()
        return [r.i16() for _ in range(r.i32())][:1]
