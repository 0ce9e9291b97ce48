"""docs/bad-input.md: a line for each row, and where a reader might expect something else, why. The tests "row NN ..." of
this folder hold them; `run` compares the page with what is made here (`run --write` makes it anew)."""
import os

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'bad-input.md')

HEAD = '''# Bad input

What happens to input that is wrong, unusual or hostile. Four readers are told apart: a stream of flat messages, read as
Spark's `from_json` reads them; the same with `json = "strict"` (RFC 8259); a `merge` of flat messages; and envelopes, which
are always read strictly. **Refused** means: in a stream a row of NULLs (`mode = "drop"`: a dead letter, `mode = "failfast"`:
exit 5), under a `merge` and in an envelope a dead letter. **NULL** means that one column: it is counted, and the first of
each column is named in the log; under `mode = "drop"` it costs the message. Every row is held by tests of its number in
`tests/input` ("row 14 ..."); this page is written by them (`tests/input/run --write`).

'''

# number, what comes, what happens
ROWS = [
    (1, 'NULL value (tombstone)', 'deletes its key; after its own delete, and without a key, it is skipped and counted; in a stream a row of NULLs'),
    (2, 'message of no bytes', 'refused; read as Spark does a row of NULLs, which a `merge` refuses for its key'),
    (3, 'white space only', 'as 2'),
    (4, 'no message key', 'the key is taken from the value, and the other way round; a key that is nowhere: dead letter'),
    (5, 'message key and value disagree', 'the value is believed'),
    (6, 'cut at any byte', 'refused; no byte past the end is read (ASan)'),
    (7, 'trailing garbage, two documents', 'refused; read as Spark does the first document counts'),
    (8, 'several lines in one message', 'as 7'),
    (9, 'a scalar or an array', 'refused'),
    (10, '`{}`', 'a row of NULLs; under a `merge` and in an event a dead letter'),
    (11, 'byte order mark', 'refused in a message; at the beginning of a file it is skipped'),
    (12, 'UTF-16, UTF-32', 'refused'),
    (13, 'CR, LF, TAB between tokens', 'read'),
    (14, 'control characters in a string', 'refused'),
    (15, 'NUL between tokens', 'refused; behind the object as 7'),
    (16, 'NUL in a string', 'refused'),
    (17, '`\\u0000`', 'read, kept by its length; PostgreSQL text cannot hold it: the batch names column and row'),
    (18, 'half a surrogate pair, escaped', 'read; each half is `?`, as in Spark\'s column'),
    (19, 'broken UTF-8', 'refused; read as Spark does U+FFFD, as many as Java\'s decoder gives'),
    (20, 'NFC and NFD names', 'two names; nothing is normalised'),
    (21, 'emoji, ZWJ, right to left', 'byte for byte'),
    (22, 'escapes that are none', 'refused'),
    (23, 'comments, trailing commas, bare names', 'refused; single quotes are read as Spark does'),
    (24, '100,000 levels of nesting', 'refused; the reader does not recurse'),
    (25, '1,000 levels and one more', 'read, refused'),
    (26, 'a member twice', 'the last one counts; of flat messages, as in Spark, the last that fits its column'),
    (27, 'empty name, name of 1 MiB', 'read; refused above 50,000 characters'),
    (28, '100,000 members, 1,000,000 elements', 'read, in linear time'),
    (29, 'keys made to collide', 'hashes are seeded in each process (base/hash_seed.h); names of fields are not hashed'),
    (30, 'long strings', 'read up to 20,000,000 bytes; a line of a file has 64 MiB at most, else exit 5'),
    (31, 'a row that is larger than the broker takes', 'the job stops with exit 4 before anything of the batch is committed'),
    (32, '`-0`, `-0.0`', 'read; the text is kept in a string column, as keys they are 0'),
    (33, '`01`, `+1`, `.5`, `1.`, `0x1F`, `1e`, `1_000`', 'refused'),
    (34, 'NaN, Infinity', 'refused; read as Spark does in a double column'),
    (35, '1e400', 'Infinity in a double column, the text in a string, NULL elsewhere'),
    (36, '1e-400', '0.0 in a double column, the text in a string'),
    (37, 'integers beyond 2^53', 'exact, in Lua too (an int64)'),
    (38, 'integers beyond 64 bits', 'exact in a decimal or a string, NULL in a bigint'),
    (39, 'overflow', 'of an expression: dead letter; of a sum: the job stops, exit 1, `try_sum` gives NULL'),
    (40, 'money', 'decimals are exact; doubles only if they are declared'),
    (41, '38 digits, huge exponents', 'exact up to 38 digits, then NULL; an exponent is never expanded'),
    (42, '`1`, `1.0`, `1e0`, `"1"` as key', 'by the column\'s type; 1.0 is no int (NULL); an envelope reads numbers from text too'),
    (43, 'boolean, NULL, object, array as key', 'NULL in the key: dead letter; an envelope reads true as 1 in an integer column'),
    (44, 'separators and quotes in key parts', 'no two keys meet'),
    (45, 'operation missing, unknown, of another type', 'dead letter'),
    (46, 'operations r, t, m', 'a row of a snapshot; all rows go (`on_truncate`); skipped and counted'),
    (47, 'insert of a row that is there', 'written over it and counted (`on_insert_existing`)'),
    (48, 'update of a row that is not there', 'written and counted (`on_update_missing`)'),
    (49, 'delete of a row that is not there', 'nothing, counted, remembered (`on_delete_missing`)'),
    (50, '`before` is NULL', 'the message key tells whose row it is'),
    (51, 'a row event without its row', 'dead letter'),
    (52, 'changed key', 'the old one goes, the new one comes, in one batch'),
    (53, 'the same event twice', 'the second is stale, counted'),
    (54, 'an older position', 'stale, counted; without a position the order of the topic counts, or `sequence_by`'),
    (55, 'marks of transactions, heartbeats', 'skipped and counted; a topic that begins with a hundred of them and no row is named'),
    (56, '`__debezium_unavailable_value`, in the form of any type', 'the column keeps what it was; in a new row it is NULL'),
    (57, 'with and without Connect\'s schema in one topic', 'each message by itself'),
    (58, 'decimals as base64, text, number', 'read; what is none (`Infinity`, too) is NULL and counted'),
    (59, 'times in days, ms, us, ns, ISO', 'exact; out of range is NULL and counted'),
    (60, 'a column comes in mid-stream', 'rows have it from then on; a field that is no column is counted and named once'),
    (61, 'a column goes', 'rows keep what they have, new ones have NULL'),
    (62, 'a type changes', 'NULL where it does not fit'),
    (63, 'rows of another table', 'skipped with `table =`, counted, named once'),
    (64, 'Confluent\'s header before JSON', 'refused; in an envelope the error names it'),
    (65, 'Avro, Protobuf, gzip in a value', 'refused'),
    (66, 'compression bombs, broken compression', 'a line of 64 MiB at most, memory does not grow with the file; exit 5 names the file'),
    (67, 'a codec that is none', 'exit 5, which names topic, partition and offset; a checkpoint goes on there'),
    (68, 'a message key that is no UTF-8', 'read as binary; where the key is needed: dead letter'),
    (69, 'hundreds of headers, huge ones', 'read; a captured record has 1,024 at most'),
    (70, 'timestamps -1, 0, far ahead', 'read; nothing is decided by them except what the script asks for (`ttl`)'),
    (71, 'values that look like SQL', 'stored as they are: parameters and COPY'),
    (72, 'names that SQL must quote', 'quoted; a NUL in a name is refused, exit 3'),
    (73, 'values, topics and tables that look like paths', 'escaped in `partition_by`; nothing else of a record becomes a path'),
    (74, 'cells that a spreadsheet would run', 'quoted by RFC 4180, else as they are'),
    (75, 'control characters in the log', 'escaped, and long values cut, in text and JSON logs; dead letters keep them whole'),
    (76, 'fields named `__index` and such', 'data like any other'),
    (77, 'many bad records', 'the job goes on; more than 1,000, or 5 % of a minute\'s once that minute has read 1,000: exit 5 '
                            '([operations.md](operations.md#bad-records))'),
    (78, 'a record that crashes the process', 'found by its second crash and put aside as a dead letter'),
    (79, 'flat rows that have names of an envelope', 'rows, where no word of the envelope says what they are'),
    (80, 'TiCDC\'s simple protocol, OGG\'s row-modelled formatter', 'refused; the error names them and what can be done'),
]

DIFFERS = '''
## Where one might expect something else

- 2, 3, 7, 8, 15, 19, 23, 34: flat messages mean what they mean to Spark, so that a job that came from there gives the same rows.
  `json = "strict"` is the other choice; envelopes are written by programs, so they are strict at once.
- 1: a tombstone without a key says nothing about any row. It is counted with the control records, not a dead letter.
- 5: Debezium takes both from one row. Other tools write keys that are no primary keys; a disagreement says nothing.
- 18: RFC 8259 allows the escape. U+FFFD would be another choice; Spark's column holds `?`, and one answer is enough.
- 24, 25, 27, 30: Jackson's limits, as in Spark (1,000 levels, names of 50,000 characters, strings of 20,000,000).
- 26: RFC 8259 leaves it open; Java, JavaScript, Python and PostgreSQL take the last one.
- 28: memory is bounded by the message, and time is linear, so a limit of its own protects nothing.
- 35: a double column asks for IEEE 754; a decimal column is never infinite.
- 38, 41, 58, 59, 62: a value that does not fit costs its column and not the row: NULL, counted, named once; `mode = "drop"` makes
  the message a dead letter, `mode = "failfast"` stops the job.
- 42, 43: envelopes read what the databases' connectors write: numbers as text (Canal), booleans for `tinyint(1)`.
- 74: a prefix would change the data for every other reader. Who opens such a file in a spreadsheet imports it as text.
'''


def text():
    lines = ['| # | what comes | what happens |', '|---|---|---|']
    lines += ['| %d | %s | %s |' % row for row in ROWS]
    return HEAD + '\n'.join(lines) + '\n' + DIFFERS
