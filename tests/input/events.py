"""Change events that are wrong, or that no table expects: what the table holds afterwards, and what is counted."""
import json

from job import LINES, run_job, same, want

TABLE = 'id int, s string, n bigint'
DEAD = 'dead_letters = { path = "dead.jsonl" }'
TESTS = []


def row(number, name):
    def add(function):
        TESTS.append((number, name, function))
        return function
    return add


def event(op, after=None, before=None, lsn=1, key=None, **more):
    """A Debezium event as a message; its key is the row's id unless it is given."""
    image = after or before or {}
    value = dict({'before': before, 'after': after, 'source': {'lsn': lsn, 'table': 't'}, 'op': op}, **more)
    return {'key': json.dumps({'id': image.get('id')}) if key is None else key, 'value': json.dumps(value)}


def tombstone(id):
    return {'key': json.dumps({'id': id}), 'value': None}


def merged(messages, options='', schema=TABLE, source=', envelope = "debezium"', words=(), job=''):
    script = 'cdcl.file { path = "in.jsonl", format = "records", schema = "%s"%s }:merge { name = "t", key = "id"%s }%s' % (
        schema, source, options, LINES.replace('}', 'output_mode = "complete" }'))
    return run_job(script, messages, '--report', *words, job='{ %s%s }' % (DEAD, job))


def expect(done, rows, letters=(), code=0, **counters):
    same(done.code, code, done.stderr)
    same(sorted(str({k: v for k, v in r.items() if v is not None}) for r in done.rows), sorted(str(r) for r in rows), done.letters)
    same(len(done.letters), len(letters), done.letters)
    for letter, (offset, text) in zip(sorted(done.letters, key=lambda l: l['offset']), letters):
        want(letter['offset'] == offset and text in '%(reason)s: %(error)s' % letter, letter, 'wanted', offset, text)
    for name, count in counters.items():
        same(done.counter(NAMES[name]), count, name, done.stderr)


NAMES = {'applied': 'applied', 'stale': 'stale (sequence equal or lower)', 'ignored': 'ignored (rule, policy, tombstone after its delete)',
         'refused': 'refused (dead letters)', 'existing': 'insert over an existing row', 'update_missing': 'update of a missing row',
         'delete_missing': 'delete of a missing row', 'moved': 'key changes', 'unknown': 'unknown operation', 'null_key': 'NULL in the key',
         'tombstones': 'tombstones', 'truncates': 'truncates', 'snapshot': 'reads of a snapshot'}


@row(1, 'a NULL value deletes its key')
def tombstone_deletes():
    expect(merged([event('c', {'id': 1}), event('c', {'id': 2}), tombstone(1)]), [{'id': '2'}], tombstones=1)


@row(1, 'a NULL value after its delete is ignored')
def tombstone_after_delete():
    expect(merged([event('c', {'id': 1}), event('d', before={'id': 1}, lsn=2), tombstone(1), event('c', {'id': 1, 's': 'new'}, lsn=3)]),
           [{'id': '1', 's': 'new'}], tombstones=1, ignored=1)


@row(1, 'a NULL value is a row of NULLs in a stream')
def tombstone_in_a_stream():
    done = run_job('cdcl.file { path = "in.jsonl", format = "records", schema = "id int", json = "strict" }' + LINES, [None])
    same((done.code, done.rows), (0, [{'id': None}]), done.stderr)


@row(1, 'a NULL value without a key is skipped and counted')
def tombstone_without_key():
    done = merged([event('c', {'id': 1}), {'value': None}])
    expect(done, [{'id': '1'}])
    want('1 control record' in done.stderr, done.stderr)


@row(4, 'no message key: the key is taken from the value')
def no_message_key():
    expect(merged([dict(event('c', {'id': 1}), key=None)]), [{'id': '1'}])


@row(4, 'no key anywhere')
def no_key_anywhere():
    expect(merged([dict(event('c', {'s': 'x'}), key=None)]), [], [(0, 'merge: table t: NULL in the key')], null_key=1)


@row(4, 'the value has no key: it is taken from the message key')
def key_from_message():
    expect(merged([event('c', {'s': 'x'}, key='{"id":5}'), event('c', {'s': 'y'}, key='6')]),
           [{'id': '5', 's': 'x'}, {'id': '6', 's': 'y'}])


@row(5, 'key and value disagree: the value is believed')
def key_and_value_disagree():
    expect(merged([event('c', {'id': 1}, key='{"id":9}')]), [{'id': '1'}])


@row(6, 'an event cut at each byte')
def truncated():
    whole = event('u', {'id': 1, 's': 'a\u00e9\\"', 'n': -12}, {'id': 1, 'n': 0})['value'].encode()
    cut = [whole[:length] for length in range(1, len(whole))]
    done = merged(cut + [whole], job=', error_budget = 10000, error_budget_per_minute = 10000')
    expect(done, [{'id': '1', 's': 'a\u00e9\\"', 'n': '-12'}], [(i, 'envelope: malformed JSON') for i in range(len(cut))])


@row(6, 'a flat row cut at each byte')
def truncated_flat():
    whole = b'{"id":1,"s":"x\\u00e9","n":-12}'
    script = 'cdcl.file { path = "in.jsonl", format = "records", schema = "%s", mode = "drop", json = "%%s" }' % TABLE + LINES
    for json_kind in 'spark', 'strict':
        done = run_job(script % json_kind, [whole[:length] for length in range(1, len(whole))] + [whole],
                       job='{ %s, error_budget = 10000, error_budget_per_minute = 10000 }' % DEAD)
        same((done.code, done.rows, len(done.letters)), (0, [{'id': '1', 's': 'x\u00e9', 'n': '-12'}], len(whole) - 1), done.stderr)


@row(45, 'operations that are none')
def operations():
    rows = [event('x', {'id': 1}), event(7, {'id': 2}), event(None, {'id': 3}),
            {'key': '{"id":4}', 'value': '{"before":null,"after":{"id":4},"source":{"lsn":1}}'}, event('', {'id': 5}), event('c', {'id': 6})]
    done = merged(rows)
    same((done.code, [r['id'] for r in done.rows]), (0, ['6']), done.stderr, done.letters)
    same(sorted(l['offset'] for l in done.letters), [0, 1, 2, 3, 4], done.letters)


@row(45, 'an op column with a NULL, a number and an unknown word')
def operations_of_a_column():
    rows = ['{"id":1,"op":null}', '{"id":2,"op":5}', '{"id":3,"op":"frob"}', '{"id":4}', '{"id":5,"op":"insert"}']
    expect(merged([{'value': v} for v in rows], schema=TABLE + ', op string', source=', envelope = "flat"'), [{'id': '5'}],
           [(i, 'merge: table t: ') for i in range(4)], unknown=4)


@row(46, 'r is a row of a snapshot')
def read_event():
    expect(merged([event('r', {'id': 1}, source={'lsn': 1, 'snapshot': 'true'})]), [{'id': '1'}], snapshot=1)


@row(46, 't takes all rows')
def truncate_event():
    expect(merged([event('c', {'id': 1}), dict(event('t', lsn=2), key=None)]), [], truncates=1)


@row(46, 't stops the job when it shall')
def truncate_fails():
    same(merged([event('c', {'id': 1}), dict(event('t', lsn=2), key=None)], ', on_truncate = "fail"').code, 5)


@row(46, 'm is skipped and counted')
def logical_message():
    done = merged([event('c', {'id': 1}), {'value': '{"op":"m","source":{"lsn":2},"message":{"prefix":"x"}}'}])
    expect(done, [{'id': '1'}])
    want('1 control record' in done.stderr, done.stderr)


@row(47, 'an insert of a row that is there')
def insert_existing():
    rows = [event('c', {'id': 1, 's': 'a'}), event('c', {'id': 1, 's': 'b'}, lsn=2)]
    expect(merged(rows), [{'id': '1', 's': 'b'}], existing=1)
    expect(merged(rows, ', on_insert_existing = "error"'), [{'id': '1', 's': 'a'}], [(1, 'merge: table t')], existing=1, refused=1)


@row(48, 'an update of a row that is not there')
def update_missing():
    rows = [event('u', {'id': 1, 's': 'a'})]
    expect(merged(rows), [{'id': '1', 's': 'a'}], update_missing=1)
    expect(merged(rows, ', on_update_missing = "error"'), [], [(0, 'merge: table t')], update_missing=1, refused=1)


@row(49, 'a delete of a row that is not there')
def delete_missing():
    expect(merged([event('d', before={'id': 1})]), [], delete_missing=1)
    expect(merged([event('d', before={'id': 1})], ', on_delete_missing = "error"'), [], [(0, 'merge: table t')], delete_missing=1)


@row(50, 'update and delete without before')
def no_before():
    expect(merged([event('c', {'id': 1}), event('c', {'id': 2}, lsn=2), event('u', {'id': 1, 's': 'b'}, lsn=3),
                   event('d', lsn=4, key='{"id":2}')]), [{'id': '1', 's': 'b'}])


@row(51, 'an insert without after')
def no_after():
    expect(merged([event('c', key='{"id":1}')]), [], [(0, 'envelope: ')])


@row(51, 'a row event without its row, in the other envelopes')
def no_row():
    why = 'envelope: the event has no row in data'
    maxwell = '{"database":"s","table":"t","type":"%s","ts":1%s}'
    good = maxwell % ('insert', ',"data":{"id":1}')
    bad = [maxwell % (type, ',"data":%s' % data) for type in ('insert', 'update', 'delete', 'bootstrap-insert') for data in ('null', '{}')]
    for source in ('', ', envelope = "maxwell"'):
        expect(merged([good] + bad * 2, source=source), [{'id': '1'}], [(i + 1, why) for i in range(2 * len(bad))])
    expect(merged([good, maxwell % ('delete', '')], source=''), [{'id': '1'}], [(1, "envelope flat; the topic's is maxwell")])
    canal = '{"database":"s","table":"t","isDdl":false,"type":"%s","ts":1,"data":%s}'
    good = canal % ('INSERT', '[{"id":"1"}]')
    bad = [canal % (type, data) for type in ('INSERT', 'UPDATE', 'DELETE') for data in ('null', '[]')]
    expect(merged([good] + bad, source=''), [{'id': '1'}], [(i + 1, why) for i in range(len(bad))])
    ogg = '{"table":"t","op_type":"%s","op_ts":"2020-01-01 00:00:00","before":null,"after":%s}'
    bad = [ogg % (op, 'null') for op in 'TIUD']
    expect(merged(bad + [ogg % ('I', '{"id":1}')], source=''), [{'id': '1'}], [(i, 'none of the declared columns') for i in (1, 2, 3)])


@row(52, 'a changed key: the old one goes, the new one comes')
def key_changes():
    expect(merged([event('c', {'id': 1, 's': 'a'}), event('d', before={'id': 1}, lsn=2), tombstone(1), event('c', {'id': 2, 's': 'a'}, lsn=2)]),
           [{'id': '2', 's': 'a'}])
    maxwell = '{"database":"s","table":"t","type":"%s","ts":1,"data":{"id":%d,"s":"a"},"old":%s}'
    expect(merged([maxwell % ('insert', 1, 'null'), maxwell % ('update', 2, '{"id":1}')], source=', envelope = "maxwell"'),
           [{'id': '2', 's': 'a'}], moved=1)


@row(53, 'the same event twice')
def twice():
    expect(merged([event('c', {'id': 1, 's': 'a'}), event('u', {'id': 1, 's': 'b'}, lsn=2), event('c', {'id': 1, 's': 'a'})]),
           [{'id': '1', 's': 'b'}], stale=1)


@row(54, 'an event with an older position')
def older():
    expect(merged([event('c', {'id': 1, 's': 'new'}, lsn=9), event('u', {'id': 1, 's': 'old'}, lsn=3)]), [{'id': '1', 's': 'new'}], stale=1)


@row(54, 'without a position the order of the topic counts')
def no_position():
    expect(merged(['{"id":1,"s":"a","n":9}', '{"id":1,"s":"b","n":3}'], source=', envelope = "flat"'), [{'id': '1', 's': 'b', 'n': '3'}])
    expect(merged(['{"id":1,"s":"a","n":9}', '{"id":1,"s":"b","n":3}'], ', sequence_by = "n"', source=', envelope = "flat"'),
           [{'id': '1', 's': 'a', 'n': '9'}], stale=1)


@row(55, 'marks of transactions and heartbeats are skipped and counted')
def control_records():
    done = merged([event('c', {'id': 1}), {'value': '{"status":"BEGIN","id":"571:1","event_count":null,"data_collections":null,"ts_ms":1}'},
                   {'value': '{"ts_ms":1700000000000}'}])
    expect(done, [{'id': '1'}])
    want('2 control records' in done.stderr, done.stderr)


@row(55, 'a hundred of them and no row: said once')
def control_records_only():
    mark = {'value': '{"ts_ms":1700000000000}'}
    for count, said in ((99, 0), (100, 1), (250, 1)):
        done = merged([mark] * count)
        same(done.stderr.count('none of the first 100 records has a row'), said, done.stderr)
    same(merged([event('c', {'id': 1})] + [mark] * 100).stderr.count('none of the first'), 0)


@row(55, 'a watermark of TiCDC names no table')
def watermark():
    canal = ('{"id":0,"database":"%s","table":"%s","pkNames":["id"],"isDdl":false,"type":"%s","es":1,"ts":2,"sql":"","sqlType":null,'
             '"mysqlType":null,"data":%s,"old":null}')
    mark = canal % ('', '', 'TIDB_WATERMARK', 'null')
    done = merged([mark, canal % ('d', 't', 'INSERT', '[{"id":"1"}]'), mark], source='')
    expect(done, [{'id': '1'}])
    want('come here' not in done.stderr and '2 control records' in done.stderr, done.stderr)


@row(56, 'the placeholder of a column that did not change')
def unavailable():
    keep = '__debezium_unavailable_value'
    expect(merged([event('c', {'id': 1, 's': 'long', 'n': 1}), event('u', {'id': 1, 's': keep, 'n': 2}, lsn=2), event('u', {'id': 2, 's': keep}, lsn=3)]),
           [{'id': '1', 's': 'long', 'n': '2'}, {'id': '2'}])
    in_map, uuids = json.dumps({keep: keep}, separators=(',', ':')), ['b68a35a7-17ad-35b3-af2a-ae46edb4545a']
    expect(merged([event('c', {'id': 1, 'h': '{"a":1}', 's': 'x'}), event('u', {'id': 1, 'h': in_map, 's': uuids}, lsn=2)], schema='id int, h json, s string'),
           [{'id': '1', 'h': {'a': '1'}, 's': 'x'}])


@row(57, 'with a schema around it and without, in one topic')
def wrapped():
    plain = event('c', {'id': 2})
    field = {'type': 'struct', 'field': 'after', 'fields': [{'type': 'int32', 'field': 'id'}]}
    around = {'schema': {'type': 'struct', 'fields': [dict(field, field='before'), field, {'type': 'string', 'field': 'op'}]},
              'payload': {'before': None, 'after': {'id': 1}, 'source': {'lsn': 1}, 'op': 'c'}}
    expect(merged([{'value': json.dumps(around)}, plain, {'value': json.dumps(around).replace('"id": 1', '"id": 3')}]),
           [{'id': '1'}, {'id': '2'}, {'id': '3'}])


@row(58, 'decimals as base64, text, number and with their scale')
def decimals():
    values = {1: 'EtaH', 2: '12345.67', 3: 12345.67, 4: {'scale': 2, 'value': 'EtaH'}}
    expect(merged([event('c', {'id': i, 'd': v}, lsn=i) for i, v in values.items()], schema='id int, d decimal(10,2)'),
           [{'id': str(i), 'd': '12345.67'} for i in values])
    bad = ('!!', '9999999999999999999', 'Infinity')
    done = merged([event('c', {'id': i, 'd': v}, lsn=i + 1) for i, v in enumerate(bad)], schema='id int, d decimal(20,2)')
    expect(done, [{'id': '0'}, {'id': '1'}, {'id': '2'}])
    want('3 values that did not fit' in done.stderr, done.stderr)


@row(59, 'days, and timestamps in three units')
def times():
    row = {'id': 1, 'a': 19675, 'ms': 1700000000123, 'us': 1700000000123000, 'ns': 1700000000123000000, 'iso': '2023-11-14T22:13:20.123Z'}
    expect(merged([event('c', row)], schema='id int, a date, ms timestamp, us timestamp, ns timestamp, iso timestamp'),
           [dict({'id': '1', 'a': '2023-11-14'}, **{unit: '2023-11-14 22:13:20.123' for unit in ('ms', 'us', 'ns', 'iso')})])


@row(59, 'dates at the ends, and beyond them')
def ends_of_time():
    values = {1: 2932896, 2: -719162, 3: 99999999999, 4: 'never'}
    done = merged([event('c', {'id': i, 'a': v}, lsn=i) for i, v in values.items()], schema='id int, a date')
    expect(done, [{'id': '1', 'a': '9999-12-31'}, {'id': '2', 'a': '0001-01-01'}, {'id': '3'}, {'id': '4'}])
    want('2 values that did not fit' in done.stderr, done.stderr)


@row(60, 'a column that comes in mid-stream')
def column_added():
    rows = [event('c', {'id': 1, 's': 'a'}), event('u', {'id': 1, 's': 'b', 'n': 7}, lsn=2), event('c', {'id': 2, 'zz': 1}, lsn=3)]
    done = merged(rows)
    expect(done, [{'id': '1', 's': 'b', 'n': '7'}, {'id': '2'}])
    want('zz' in done.stderr, 'an unknown field is named once', done.stderr)


@row(61, 'a column that goes: rows keep what they have, new ones have NULL')
def column_dropped():
    expect(merged([event('c', {'id': 1, 's': 'a', 'n': 1}), event('u', {'id': 1, 's': 'b'}, lsn=2), event('c', {'id': 2}, lsn=3)]),
           [{'id': '1', 's': 'b', 'n': '1'}, {'id': '2'}])


@row(62, 'a type that changes within a batch')
def type_changes():
    done = merged([event('c', {'id': 1, 'n': 5}), event('c', {'id': 2, 'n': 'five'}, lsn=2), event('c', {'id': 3, 'n': '6'}, lsn=3)])
    expect(done, [{'id': '1', 'n': '5'}, {'id': '2'}, {'id': '3', 'n': '6'}])
    want('1 value' in done.stderr, done.stderr)


@row(63, 'rows of a table that is not asked for')
def other_tables():
    other = event('c', {'id': 2}, source={'lsn': 2, 'table': 'customers', 'db': 'shop'})
    done = merged([event('c', {'id': 1}, source={'lsn': 1, 'table': 'orders', 'db': 'shop'}), other],
                  source=', envelope = "debezium", table = "orders"')
    expect(done, [{'id': '1'}])
    want('customers' in done.stderr, 'what is left out is named', done.stderr)


@row(64, 'Confluent\'s header before an event is named')
def confluent():
    expect(merged([event('c', {'id': 1}), {'value': b'\0\0\0\0\x05' + event('c', {'id': 2})['value'].encode()}]), [{'id': '1'}],
           [(1, 'Confluent')])


@row(68, 'a message key that is no UTF-8')
def binary_key():
    done = run_job('cdcl.file { path = "in.jsonl", format = "records" }:select("hex(key) as k", "offset")' + LINES,
                   [{'key': b'\xff\x00', 'value': '{"id":1}'}])
    same(done.rows, [{'k': 'FF00', 'offset': '0'}], done.stderr)
    expect(merged([event('c', {'s': 'x'}, key=b'\xff\xfe')]), [], [(0, 'merge: table t: NULL in the key')])


@row(79, 'flat rows that have names of an envelope')
def lookalikes():
    texts = ('{"id":1,"database":"prod","type":"slow_query","ts":1700000000}', '{"id":1,"database":"prod","type":"insert","ts":1700000000}',
             '{"id":1,"database":"prod","table":"t","type":"insert","ts":"2024-01-01","data":7}',
             '{"id":1,"database":"prod","type":"report","data":[1,2]}', '{"id":1,"status":"active","event_count":4,"ts_ms":1700000000}',
             '{"id":1,"source":{"a":1},"ddl":"create"}', '{"id":1,"op_type":"restart","op_ts":"2024-01-01"}',
             '{"id":1,"type":"INSERT","commitTs":4}', '{"id":1,"op":"insert","source":{"app":"web"}}')
    for text in texts:
        done = merged([text], source='', schema='id int')
        expect(done, [{'id': '1'}])
        want('t: flat' in done.stderr, text, done.stderr)


@row(80, 'events of a kind that is not read are named')
def not_read():
    simple = ('{"version":1,"type":"%s","database":"shop","table":"t","commitTs":447984084414103554,"buildTs":1708923662983,"data":%s,"old":%s}')
    texts = [simple % ('INSERT', '{"id":"1"}', 'null'), simple % ('DELETE', 'null', '{"id":"1"}'),
             '{"version":1,"type":"WATERMARK","commitTs":447984124732375041,"buildTs":1708923816911}']
    for source in ('', ', envelope = "maxwell"'):
        expect(merged(texts, source=source), [], [(i, "envelope: an event of TiCDC's simple protocol is not read") for i in range(3)])
    row = '{"table":"T","op_type":"%s","op_ts":"2020-01-01 00:00:00.000000","pos":"1","id":%d,"s":"a"}'
    texts = [row % ('I', 1), row % ('I', 2), row % ('U', 1), row % ('D', 2)]
    for source in ('', ', envelope = "ogg"'):
        expect(merged(texts, source=source), [], [(i, 'envelope = "flat" of the source and op = "op_type" of the merge') for i in range(4)])
    # and what is said there is so
    expect(merged(texts, ', op = "op_type"', schema=TABLE + ', op_type string', source=', envelope = "flat"'),
           [{'id': '1', 's': 'a'}])


@row(59, 'a colon after the day, as OGG writes it')
def colon_after_the_day():
    ogg = '{"table":"t","op_type":"I","op_ts":"2020-01-01 00:00:00","after":{"id":1,"a":"%s","d":"%s"}}'
    expect(merged([ogg % (('2017-12-06:17:27:04.493411000',) * 2)], source='', schema='id int, a timestamp, d date'),
           [{'id': '1', 'a': '2017-12-06 17:27:04.493411', 'd': '2017-12-06'}])
    done = merged([ogg % ('2017-12-06:', '2017-12-0:17:27:04')], source='', schema='id int, a timestamp, d date')
    expect(done, [{'id': '1'}])
    want('2 values that did not fit' in done.stderr, done.stderr)
