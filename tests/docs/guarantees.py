"""Which tests hold which promise: lines in the tests themselves, "guarantee: G9 sqlite_sink: NAME", collected into
docs/guarantees.md. NAME is a test as tests/run prints it, without its program; `*` stands for any text, alone for all
tests of the program. Several promises may stand in one line, several lines in one program.
"""
import glob, os, re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, 'docs', 'guarantees.md')
LINE = re.compile(r'\bguarantee: ([A-Za-z0-9_, ]+): (\S.*?)\s*(?:\*/)?$')

PROMISES = [
    ('G1', 'State is exact', 'Tables and groups are what the records of their sources say, each applied once and in the order of its '
     'partition: across stops, crashes, failing batches and restarts, with a checkpoint; within a run, without.'),
    ('G6', 'Order', 'Records of a partition are applied in their order, and so are the events of a key. Between partitions there is none; '
     'a batch that is run again has the order that it had.'),
    ('G7', 'Nothing is lost in silence', 'A record that is read is applied, filtered, put into the dead letters, or skipped and counted. '
     'Messages that are gone, and a topic that was made again, stop the job.'),
    ('G8', 'Bounded', 'Memory, sizes, depths, waits and what a script may take have limits. Beyond them there is an error, a dead letter '
     'or an exit code that says so, never growth or a hang.'),
    ('G9', 'A crash costs nothing', 'kill -9 and power cuts leave a state that goes on. What is damaged is found by its checksum, '
     'named and not used.'),
    ('G10', 'The same again', 'The same records and script end in the same rows, wherever batches begin and end.'),
    ('G11', 'One writer', 'One process has a checkpoint open, and one writes to what a target calls its own; the second ends with exit 7.'),
    ('G12', 'Contained', 'No record and no script damages state, leaves its sandbox or its folder, or ends the process in another way '
     'than with a message; a record that does is put aside. Secrets are not shown.'),
    ('kafka_sink', '`kafka_sink`', 'Each batch with its offsets in one transaction, or at least once where that is chosen.'),
    ('sqlite_sink', '`sqlite_sink`', 'Rows and the number of their batch in one transaction: each batch once.'),
    ('postgres_sink', '`postgres_sink`', 'Rows and the number of their batch in one transaction: each batch once.'),
    ('file_sink', '`file_sink`', 'Each batch once; a table\'s file is the old one or the new one.'),
    ('parquet_sink', '`parquet_sink`', 'Each batch once; a snapshot is the old one or the new one, and every reader agrees on it.'),
    ('dead_letters', 'Dead letters', 'Durable before anything else of their batch is published; each batch once in a file.'),
    ('console', '`console`, `changes`, `foreach_batch`', 'Each batch whole and with its number; at least once with a checkpoint.'),
]

HEAD = '''# What is promised, and which tests hold it

Made from the tests (`tests/docs/guarantees.test --write`); that the page is so, and that each test named here exists, are
tests too: `tests/run` fails when one of a program that it ran did not report. Names are as `tests/run` prints them;
`tests/run --only PROGRAM` runs those of one program. What each target promises in words: [operations.md](operations.md).
Assumed: a disk that honours fsync, and brokers that keep what they acknowledged for longer than the longest outage.
'''


def programs():
    """(label, the files that may speak for it) of every test program, as tests/run names them."""
    tests = os.path.join(ROOT, 'tests')
    for path in sorted(glob.glob(tests + '/*/*')):
        folder, name = path.split('/')[-2:]
        if folder == 'unit' and re.fullmatch(r'test_.*\.c', name):
            yield 'unit/' + name[5:-2], path
        elif folder != 'unit' and os.access(path, os.X_OK) and os.path.isfile(path) and (name == 'run' or name.endswith('.test')):
            yield folder if name == 'run' else '%s/%s' % (folder, name[:-5]), path


def collect():
    """(promise, program, name of the test) of every line; ValueError where a line is wrong."""
    known = {p[0] for p in PROMISES}
    for label, path in programs():
        with open(path, 'rb') as f:
            lines = f.read().decode('utf-8', 'replace').splitlines()
        for number, line in enumerate(lines, 1):
            found = LINE.search(line)
            if not found or path.endswith('guarantees.test'):
                continue
            for promise in re.split(r'[, ]+', found.group(1)):
                if promise not in known:
                    raise ValueError('%s:%d: no promise %r: %s' % (path, number, promise, ' '.join(sorted(known))))
                yield promise, label, found.group(2)


def page():
    held = sorted(set(collect()))
    out = [HEAD]
    for promise, title, text in PROMISES:
        out.append('## %s\n\n%s\n' % (title if not promise.startswith('G') else '%s: %s' % (promise, title), text))
        rows = {}
        for _, label, name in (h for h in held if h[0] == promise):
            rows.setdefault(label, []).append('all of it' if name == '*' else '`%s`' % name)
        out.append('| program | tests |\n|---|---|\n' + ''.join('| `%s` | %s |\n' % (l, ', '.join(n)) for l, n in rows.items())
                   if rows else 'No test holds it yet.\n')
    return '\n'.join(out)


def fold(name):
    return re.sub(r'[\s_]+', ' ', name)


def missing(reported):
    """Tests that are named but did not report, of the programs in `reported`: label -> names of its tests."""
    for promise, label, name in sorted(set(collect())):
        if label in reported:
            wanted = re.compile('.*'.join(re.escape(part) for part in fold(name).split('*')))
            if not any(wanted.fullmatch(fold(r)) for r in reported[label]):
                yield '%s/%s (%s)' % (label, name, promise)
