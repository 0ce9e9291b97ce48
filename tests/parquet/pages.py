"""Reads the page headers of a Parquet file: what no reader's interface shows. A Thrift compact reader in a few lines."""
import struct


class Thrift:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def varint(self):
        value = shift = 0
        while True:
            b = self.data[self.at]
            self.at += 1
            value |= (b & 127) << shift
            shift += 7
            if b < 128:
                return value

    def zigzag(self):
        v = self.varint()
        return v >> 1 ^ -(v & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            self.at += 1
            return struct.unpack('b', self.data[self.at - 1:self.at])[0]
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            n = self.varint()
            self.at += n
            return self.data[self.at - n:self.at]
        if kind == 9:
            head = self.data[self.at]
            self.at += 1
            n = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.value(head & 15) for _ in range(n)]
        if kind == 12:
            return self.struct()
        raise ValueError('type %d' % kind)

    def struct(self):
        fields, last = {}, 0
        while True:
            head = self.data[self.at]
            self.at += 1
            if head == 0:
                return fields
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)


def footer(path):
    data = open(path, 'rb').read()
    assert data[:4] == data[-4:] == b'PAR1'
    n = struct.unpack('<I', data[-8:-4])[0]
    reader = Thrift(data[-8 - n:-8])
    meta = reader.struct()
    assert reader.at == n, 'bytes behind the footer'
    return meta


def column_pages(path, meta):
    """(header, uncompressed size) of each page of a ColumnMetaData, dictionary first."""
    data = open(path, 'rb').read()
    at = meta.get(11, meta[9])
    end = at + meta[7]
    found = []
    while at < end:
        reader = Thrift(data, at)
        found.append(reader.struct())
        at = reader.at + found[-1][3]
    assert at == end, 'pages do not end where the column ends'
    return found
