"""What is read of one message, by four readers. Each case: the row of the page, a name, the message's value (`@` is
the case's number, which is also its offset) and what becomes of it. `run` puts all cases into one file and gives
it to four jobs:

    spark     a stream of flat messages, read as Spark's from_json does
    strict    a stream with json = "strict" and mode = "drop", so that what is refused is a dead letter
    table     a merge of flat messages
    debezium  a merge of {"op":"c","after":VALUE}

An answer is the row's columns without NULLs (`id` is the case's number unless it is given), or a text: "null" is an
all-NULL row, anything else a dead letter whose reason and error it is part of. One answer counts for all four,
a dictionary of them may leave out readers that answer as ALL does.
"""

SCHEMA = 'id int, s string, n bigint, d decimal(38,2), f double, j json'
READERS = ('spark', 'strict', 'table', 'debezium')


def refused(error):
    """Malformed for every reader."""
    return {'spark': 'null', 'strict': 'malformed: ' + error, 'table': 'envelope: malformed JSON: ' + error,
            'debezium': 'envelope: malformed JSON: '}


def refused_strictly(error, **row):
    """Spark's parser takes it."""
    return {'spark': row, 'table': row, 'strict': 'malformed: ' + error, 'debezium': 'envelope: malformed JSON: '}


def misfit(column, **row):
    """NULL in that column; under mode = "drop" the message."""
    return {'spark': row, 'table': row, 'debezium': row, 'strict': "malformed: the value of field '%s' does not fit" % column}


def bad_key(spark, strict, **debezium):
    answer = {'spark': spark, 'strict': strict, 'table': 'merge: table t: NULL in the key'}
    return dict(answer, debezium=debezium or 'merge: table t: NULL in the key')


OBJECT = 'expected an object at byte 0'
NAME = 'expected a field name in double quotes'
CONTROL = 'expected an escape: control characters are not allowed in strings'
UTF8 = 'expected valid UTF-8 in the string at byte'
DEPTH = 'expected at most 1,000 levels of nesting'
NO_FIT = "malformed: the value of field 'id' does not fit"
NOT_AN_EVENT = dict(refused(OBJECT), debezium='envelope: the event has none of the declared columns')
NUMBERS = [('01', 'expected no digit after a leading zero'), ('+1', 'expected a value'), ('.5', 'expected a value'),
           ('1.', 'expected a digit'), ('0x1F', "expected ',' or '}'"), ('1e', 'expected a digit'),
           ('1_000', "expected ',' or '}'"), ('- 1', 'expected a digit'), ('1e+', 'expected a digit')]
BROKEN_UTF8 = [('overlong', b'\xc0\xaf', 2), ('5 bytes', b'\xf8\x88\x80\x80\x80', 5), ('6 bytes', b'\xfc\x84\x80\x80\x80\x80', 6),
               ('above U+10FFFF', b'\xf4\x90\x80\x80', 4), ('CESU-8 surrogate', b'\xed\xa0\x80', 1),
               ('lone continuation', b'\x80', 1), ('truncated', b'\xe2\x82', 1)]
LONG = b'9' * 100

CASES = [
    (2, 'a message of no bytes', b'', {'spark': 'null', 'strict': 'malformed: ' + OBJECT, 'table': 'merge: table t: NULL in the key',
                                       'debezium': 'envelope: malformed JSON: expected a value'}),
    (3, 'white space only', b' \r\n\t ', {'spark': 'null', 'strict': 'malformed: expected an object', 'table': 'merge: table t: NULL in the key',
                                          'debezium': 'envelope: malformed JSON: expected a value'}),
    (7, 'trailing garbage', b'{"id":@} x', refused_strictly('expected the end after the object')),
    (7, 'two documents', b'{"id":@}{"id":7}', refused_strictly('expected the end after the object')),
    (8, 'two lines in one message', b'{"id":@}\n{"id":7}\n', refused_strictly('expected the end after the object')),
    (9, 'a number', b'@', NOT_AN_EVENT),
    (9, 'a string', b'"x"', NOT_AN_EVENT),
    (9, 'an array of one row', b'[{"id":@}]', NOT_AN_EVENT),
    (9, 'an array of two rows', b'[{"id":@},{"id":7}]', NOT_AN_EVENT),
    (10, 'an empty object', b'{}', {'spark': 'null', 'strict': 'null', 'table': 'merge: table t: NULL in the key',
                                   'debezium': 'envelope: the event has none of the declared columns'}),
    (11, 'a byte order mark', b'\xef\xbb\xbf{"id":@}', refused(OBJECT)),
    (12, 'UTF-16 with its mark', '{"id":5}'.encode('utf-16'), refused(OBJECT)),
    (12, 'UTF-16, big end first', '{"id":5}'.encode('utf-16-be'), refused(OBJECT)),
    (12, 'UTF-32', '{"id":5}'.encode('utf-32'), refused(OBJECT)),
    (13, 'CR, LF and TAB between tokens', b'\r\n{\t"id"\r\n:\t@\n,"s"\r:"x"\t}\r\n', {'ALL': {'s': 'x'}}),
    (14, 'a line break in a string', b'{"id":@,"s":"a\nb"}', refused(CONTROL)),
    (14, 'a TAB in a string', b'{"id":@,"s":"a\tb"}', refused(CONTROL)),
    (14, 'byte 0x01 in a string', b'{"id":@,"s":"a\x01b"}', refused(CONTROL)),
    (15, 'NUL between tokens', b'{"id":@,\0"s":"x"}', refused(NAME)),
    (15, 'NUL after the object', b'{"id":@}\0', refused_strictly('expected the end after the object')),
    (16, 'NUL in a string', b'{"id":@,"s":"a\0b"}', refused(CONTROL)),
    (17, 'an escaped NUL', b'{"id":@,"s":"a\\u0000b"}', {'ALL': {'s': 'a\0b'}}),
    (18, 'a lone high surrogate', b'{"id":@,"s":"a\\ud800b"}', {'ALL': {'s': 'a?b'}}),
    (18, 'a lone low surrogate', b'{"id":@,"s":"a\\udc00b"}', {'ALL': {'s': 'a?b'}}),
    (18, 'an inverted pair', b'{"id":@,"s":"a\\udc00\\ud800b"}', {'ALL': {'s': 'a??b'}}),
    (18, 'a whole pair', b'{"id":@,"s":"a\\ud83d\\ude00b"}', {'ALL': {'s': 'a\U0001f600b'}}),
    (19, 'UTF-8 that ends with the message', b'{"id":@,"s":"a\xe2', refused('expected')),
    (20, 'NFC and NFD are two names', '{"id":@,"\u00e9":"nfc","e\u0301":"nfd"}'.encode(), {'ALL': {}}),
    (21, 'emoji, ZWJ, right to left', '{"id":@,"s":"\U0001f469\u200d\U0001f680 \u05d0\u202e x"}'.encode(),
     {'ALL': {'s': '\U0001f469\u200d\U0001f680 \u05d0\u202e x'}}),
    (22, 'escape \\x', b'{"id":@,"s":"a\\x41"}', refused('expected one of')),
    (22, 'escape \\u12G4', b'{"id":@,"s":"a\\u12G4"}', refused('expected four hexadecimal digits')),
    (23, 'a comment', b'{"id":@,/* x */"s":"x"}', refused(NAME)),
    (23, 'a comment to the end of the line', b'{"id":@,"s":"x"// x\n}', refused("expected ',' or '}'")),
    (23, 'single quotes', b"{'id':@,'s':'x'}", refused_strictly(NAME, s='x')),
    (23, 'a trailing comma', b'{"id":@,"s":"x",}', refused(NAME)),
    (23, 'names without quotes', b'{id:@,s:"x"}', refused(NAME)),
    (24, '100,000 [', b'{"id":@,"j":' + b'[' * 100000, refused(DEPTH)),
    (24, '50,000 {"a":[', b'{"id":@,"j":' + b'{"a":[' * 50000, refused(DEPTH)),
    (24, '100,000 [ in a field that is no column', b'{"id":@,"zz":' + b'[' * 100000, refused(DEPTH)),
    (24, '100,000 [ and nothing else', b'[' * 100000, refused(OBJECT)),
    (25, 'depth 999', b'{"id":@,"s":' + b'[' * 998 + b']' * 998 + b'}', {'ALL': {'s': '[' * 998 + ']' * 998}}),
    (25, 'depth 1,001', b'{"id":@,"s":' + b'[' * 1000 + b']' * 1000 + b'}', refused(DEPTH)),
    (26, 'a member twice', b'{"id":@,"s":"a","s":"b"}', {'ALL': {'s': 'b'}}),
    (26, 'a member twice, then one that does not fit', b'{"id":@,"n":5,"n":"x"}', dict(misfit('n', n='5'), debezium={})),
    (26, 'the key column twice', b'{"id":3,"id":@}', {'ALL': {}}),
    (27, 'an empty name', b'{"id":@,"":5,"s":"x"}', {'ALL': {'s': 'x'}}),
    (27, 'a name of 50,000 bytes', b'{"id":@,"' + b'n' * 50000 + b'":5}', {'ALL': {}}),
    (27, 'a name of 1 MiB', b'{"id":@,"' + b'n' * (1 << 20) + b'":5}', refused('expected a field name of at most 50,000')),
    (28, '100,000 members', b'{"id":@,' + b','.join(b'"m%d":%d' % (i, i) for i in range(100000)) + b'}', {'ALL': {}}),
    (28, 'an array of 1,000,000 elements', b'{"id":@,"zz":[' + b'0,' * 999999 + b'0]}', {'ALL': {}}),
    (32, '-0 in an integer', b'{"id":@,"n":-0}', {'ALL': {'n': '0'}}),
    (32, '-0.0 in a double', b'{"id":@,"f":-0.0}', {'ALL': {'f': '-0.0'}}),
    (32, '-0.0 as text', b'{"id":@,"s":-0.0}', {'ALL': {'s': '-0.0'}}),
    (35, '1e400 in a double', b'{"id":@,"f":1e400}', {'ALL': {'f': 'Infinity'}}),
    (35, '-1e400 in a double', b'{"id":@,"f":-1e400}', {'ALL': {'f': '-Infinity'}}),
    (35, '1e400 as text', b'{"id":@,"s":1e400}', {'ALL': {'s': '1e400'}}),
    (36, '1e-400', b'{"id":@,"f":1e-400,"s":1e-400}', {'ALL': {'f': '0.0', 's': '1e-400'}}),
    (37, '2^53 + 1', b'{"id":@,"n":9007199254740993}', {'ALL': {'n': '9007199254740993'}}),
    (37, 'the largest bigint', b'{"id":@,"n":9223372036854775807}', {'ALL': {'n': '9223372036854775807'}}),
    (37, 'the least bigint', b'{"id":@,"n":-9223372036854775808}', {'ALL': {'n': '-9223372036854775808'}}),
    (38, 'one more than a bigint', b'{"id":@,"n":9223372036854775808}', misfit('n')),
    (38, 'one more than a bigint, in a decimal', b'{"id":@,"d":9223372036854775808}', {'ALL': {'d': '9223372036854775808.00'}}),
    (38, 'the largest of 64 bits without a sign', b'{"id":@,"n":18446744073709551615}', misfit('n')),
    (38, '100 digits', b'{"id":@,"n":' + LONG + b'}', misfit('n')),
    (38, '100 digits as text', b'{"id":@,"s":' + LONG + b'}', {'ALL': {'s': LONG.decode()}}),
    (40, '0.1 in a decimal', b'{"id":@,"d":0.1}', {'ALL': {'d': '0.10'}}),
    (41, '38 digits', b'{"id":@,"d":' + b'9' * 36 + b'.99}', {'ALL': {'d': '9' * 36 + '.99'}}),
    (41, '39 digits', b'{"id":@,"d":' + b'9' * 37 + b'.99}', misfit('d')),
    (41, 'an exponent of 10^9', b'{"id":@,"d":1e1000000000}', misfit('d')),
    (41, 'an exponent of 10^9 in an integer', b'{"id":@,"n":1e1000000000}', misfit('n')),
    (41, 'an exponent of 100 digits', b'{"id":@,"d":1e' + LONG + b'}', misfit('d')),
    (41, 'a negative exponent of 100 digits', b'{"id":@,"d":1e-' + LONG + b'}', {'ALL': {'d': '0.00'}}),
    (42, 'key 1.0', b'{"id":@.0,"s":"x"}', bad_key({'id': None, 's': 'x'}, NO_FIT)),
    (42, 'key 1e0', b'{"id":@e0,"s":"x"}', bad_key({'id': None, 's': 'x'}, NO_FIT)),
    (42, 'key "1"', b'{"id":"@","s":"x"}', bad_key({'id': None, 's': 'x'}, NO_FIT, s='x')),
    (43, 'a boolean as key', b'{"id":true,"s":"x"}', bad_key({'id': None, 's': 'x'}, NO_FIT, id='1', s='x')),
    (43, 'null as key', b'{"id":null,"s":"x"}', bad_key({'id': None, 's': 'x'}, {'id': None, 's': 'x'})),
    (43, 'an object as key', b'{"id":{"a":1},"s":"x"}', bad_key({'id': None, 's': 'x'}, NO_FIT)),
    (43, 'an array as key', b'{"id":[1],"s":"x"}', bad_key({'id': None, 's': 'x'}, NO_FIT)),
    (43, 'no key', b'{"s":"x"}', bad_key({'id': None, 's': 'x'}, {'id': None, 's': 'x'})),
    (43, 'a key out of range', b'{"id":99999999999,"s":"x"}', bad_key({'id': None, 's': 'x'}, NO_FIT)),
    (62, 'text in an integer column', b'{"id":@,"n":"many"}', misfit('n')),
    (62, 'a number in a text column', b'{"id":@,"s":7}', {'ALL': {'s': '7'}}),
    (62, 'an object in a text column', b'{"id":@,"s":{"a": 1}}', {'ALL': {'s': '{"a":1}'}, 'debezium': {'s': '{"a": 1}'}}),
    (64, 'Confluent\'s five bytes before JSON', b'\0\0\0\0\x05{"id":@}', refused(OBJECT)),
    (65, 'Avro', b'\x02\x0e\x02\x06abc', refused(OBJECT)),
    (65, 'Protobuf', b'\x08\x96\x01\x12\x07testing', refused(OBJECT)),
    (65, 'gzip', b'\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56', refused(OBJECT)),
    (76, 'names that mean something to Lua', b'{"id":@,"__index":1,"__gc":2,"__metatable":3,"s":"__index"}', {'ALL': {'s': '__index'}}),
]
CASES += [(19, what, b'{"id":@,"s":"a' + data + b'b"}', refused_strictly(UTF8, s='a' + '\ufffd' * count + 'b'))
          for what, data, count in BROKEN_UTF8]
CASES += [(33, text, ('{"id":@,"n":%s}' % text).encode(), refused(error)) for text, error in NUMBERS]
CASES += [(34, text, ('{"id":@,"f":%s}' % text).encode(), refused_strictly('expected a value', f=text))
          for text in ('NaN', 'Infinity', '-Infinity')]
CASES += [(34, text, ('{"id":@,"f":%s}' % text).encode(), refused('expected')) for text in ('nan', 'inf', '-nan', 'undefined')]
