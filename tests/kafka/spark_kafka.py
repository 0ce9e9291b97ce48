"""The recorded Spark cases on a Kafka source (tests/spark/cases/k_*), turned into jobs.

case.json has the messages, step by step (the first step is there before the query starts), and the
options; the query itself was code, so it is written down here. What a step's batch prints is waited
for before the next step is sent.
"""
import importlib.machinery, importlib.util, json, os, re, signal, subprocess, time

HERE = os.path.dirname(os.path.abspath(__file__))
SPARK = os.path.join(os.path.dirname(HERE), 'spark')
ORDERS = 'order_id int, product string, quantity int, op string'
PATIENCE = 60

BY_OP = ':group_by "op":agg("count(*) as event_count", "sum(quantity) as total_quantity")'
RAW_STRINGS = (':select("cast(key as string) as key", "cast(value as string) as value", '
               '"partition", "offset", "timestamp", "timestampType")')
# Name: (schema or None, the chain on the source)
QUERIES = {
    'k_latest_empty_global_complete': (ORDERS, ':agg("count(*) as n", "sum(quantity) as s")'),
    'k_latest_empty_update': (ORDERS, BY_OP),
    'k_max_offsets_agg_complete': (ORDERS, BY_OP),
    'k_two_rows_same_key_update': (ORDERS, BY_OP),
    'k_update_value_unchanged': (ORDERS, ':group_by "op":agg("sum(quantity) as s")'),
    'k_meta_raw_true': (None, ''),
    'k_meta_strings': (None, RAW_STRINGS),
    'k_subscribe_list_same_topic_twice': (None, RAW_STRINGS),
    'k_tombstone_keykept': (
        ORDERS, ':select("cast(@key as string) as key", "order_id", "product", "quantity", "op")'),
    'k_two_partitions_order': (None, ':select("partition", "offset")'),
    'k_restart_update': (ORDERS, BY_OP),
    'k_ck_added_agg': (ORDERS, BY_OP),
    'k_ck_mode_changed': (ORDERS, BY_OP),
    'k_txn_default': (None, ':select("offset", "cast(value as string) as value")'),
}
AS_SET = {'k_two_partitions_order'}     # Spark's own order of partitions varies
# Refused: exit code and words
REFUSED = {
    'k_no_subscribe_two': (3, 'topic_pattern'),
    'k_unsupported_option': (3, 'starting_offsets'),
    'k_offsets_json_bad': (3, ''),
    'k_offsets_word_bad': (3, 'newest'),
    'k_offsets_json_missing_partition': (3, 'not 1'),
}
# The sink: what is read, the chain, the sink's options, or exit code and words
ORDERS_JSON = 'format = "json", ignore_null_fields = true'
SINKS = {
    'k_sink_agg_complete': (ORDERS, BY_OP, 'output_mode = "complete", ' + ORDERS_JSON),
    'k_sink_agg_update': (ORDERS, BY_OP, 'output_mode = "update", ' + ORDERS_JSON),
    'k_sink_extra_column': (None, ':select("value", "1 as extra")', 'format = "raw"'),
    'k_sink_headers': (None, r''':select("value", [['[{"key":"h1","value":"v"}]' as headers]])''', ''),
    'k_sink_keyvalue': (None, ':select("key", "value")', ''),
    'k_sink_no_topic': (None, ':select("value")', None, 'topic option required when no \'topic\' attribute is present'),
    'k_sink_no_value': (None, ':select("key")', 'format = "raw"', "Required attribute 'value' not found"),
    'k_sink_tojson': (ORDERS, '', 'key = "order_id", ' + ORDERS_JSON),
    'k_sink_value_int': (ORDERS, ':select("order_id as value")', '',
                         'value attribute unsupported type int. value must be a(n) string or binary'),
}
LATER = (
    (r'^k_(win|wm|dedup)_', 'event time comes later'),
    (r'^k_binary_from_json', 'there is no from_json on binary: a schema decodes the value'),
)


class Skip(Exception):
    pass


def spark_run():
    """tests/spark/run, for its comparison of boxes."""
    loader = importlib.machinery.SourceFileLoader('spark_run', os.path.join(SPARK, 'run'))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('spark_run', loader))
    loader.exec_module(module)
    return module


def names():
    return sorted(n for n in os.listdir(os.path.join(SPARK, 'cases')) if n.startswith('k_'))


def source(case, name, topic):
    options = {k: v.replace('$T', topic) for k, v in case.get('options', {}).items()}
    listed = options.pop('subscribe', topic).split(',')
    out = ['topic = { %s }' % ', '.join('"%s"' % t for t in listed)]
    if 'subscribePattern' in options:
        out.append('topic_pattern = "%s"' % options.pop('subscribePattern'))
    if 'startingOffsets' in options:
        out.append('starting_offsets = [==[%s]==]' % options.pop('startingOffsets'))
    if 'startingTimestamp' in options:
        ms = int(options.pop('startingTimestamp'))
        text = time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(ms // 1000))
        out.append('starting_offsets = "%s.%03d"' % (text, ms % 1000))
    if 'maxOffsetsPerTrigger' in options:
        out.append('max_offsets_per_trigger = ' + options.pop('maxOffsetsPerTrigger'))
    settings = {k[6:]: v for k, v in options.items() if k.startswith('kafka.')}
    if name == 'k_txn_default':         # cdcl reads committed unless told otherwise
        settings['isolation.level'] = 'read_uncommitted'
    if settings:
        out.append('kafka = { %s }' % ', '.join('["%s"] = "%s"' % kv for kv in settings.items()))
    schema = QUERIES.get(name, (ORDERS, ''))[0]
    if schema:
        out.append('schema = "%s"' % schema)
    return 'cdcl.kafka { %s }' % ', '.join(out)


def script(case, name, topic):
    trigger = {'default': 'default', 'availableNow': 'available_now', 'once': 'once'}
    console = case.get('console', {})
    options = ['output_mode = "%s"' % case.get('mode', 'append')]
    if 'truncate' in console or name == 'k_txn_default':
        options.append('truncate = ' + console.get('truncate', 'false'))
    return '\n'.join([
        'local cdcl = require "cdcl"',
        'cdcl.job { name = "%s", trigger = "%s" }' % (
            topic, trigger.get(case['trigger'], case['trigger'])),
        'local rows = ' + source(case, name, topic),
        'rows%s:to(cdcl.console { %s })' % (QUERIES.get(name, ('', ''))[1], ', '.join(options))
    ]) + '\n'


class Job:
    def __init__(self, cdcl, bootstrap, path):
        self.out = open(path + '.out', 'w+b')
        self.err = open(path + '.err', 'w+b')
        self.process = subprocess.Popen([cdcl, 'run', '--brokers', bootstrap, path],
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)

    def texts(self):
        got = []
        for f in (self.out, self.err):
            with open(f.name, 'rb') as again:
                got.append(again.read())
        return got

    def until_batch(self, number):
        deadline = time.monotonic() + PATIENCE
        pattern = re.compile(rb'Batch: %d\n-{43}\n.*?\+\n\n' % number, re.S)
        while not pattern.search(self.texts()[0]):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError('no batch %d:\n%s' % (number, b'\n'.join(
                    self.texts()).decode('utf-8', 'replace')))
            time.sleep(0.01)

    def end(self, ask):
        if ask and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.close()
        self.err.close()


def play(job, case, topic, send, wanted):
    """Sends the steps after the first, each when the batch before it was printed."""
    if case['trigger'] in ('availableNow', 'once'):
        return job.end(False)
    job.until_batch(0)
    for i, step in enumerate(case['steps'][1:]):
        if 'second' in case['trigger']:
            time.sleep(2.5)             # idle triggers print nothing
        send(topic, step)
        job.until_batch(i + 1)
    job.until_batch(wanted.count(b'Batch: ') - 1)
    time.sleep(0.2)                     # and nothing follows
    return job.end(True)


def refused(name, job):
    code, words = REFUSED[name]
    got = job.end(False)
    out, err = job.texts()
    if got != code or words.encode() not in err or b'Batch: 0\n' in out:
        raise AssertionError('exit %d, wanted %d and %r:\n%s' % (got, code, words, err.decode()))


def sink_script(name, topic, target):
    schema, chain, options = SINKS[name][:3]
    named = [] if options is None else ['topic = "%s"' % target] + [options] * (options != '')
    read = 'topic = "%s", starting_offsets = "earliest"' % topic
    return '\n'.join([
        'local cdcl = require "cdcl"', 'cdcl.job { name = "%s", trigger = "available_now" }' % topic,
        'cdcl.kafka { %s }' % (read + (', schema = "%s"' % schema if schema else '')),
        '  %s:to(cdcl.kafka_sink { %s })' % (chain, ', '.join(named))]) + '\n'


def messages(bootstrap, topic):
    """(key, value, headers) of each, as case.json has them."""
    r = subprocess.run(['kcat', '-b', bootstrap, '-C', '-t', topic, '-e', '-q', '-J'], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    for line in r.stdout.decode().splitlines():
        m = json.loads(line)
        flat = m.get('headers') or []
        yield {'key': m['key'], 'value': m['payload'],
               'headers': [list(p) for p in zip(flat[::2], flat[1::2])] or None}


def run_sink(name, case, cdcl, bootstrap, path, topic, target):
    with open(path, 'w') as f:
        f.write(sink_script(name, topic, target))
    job = Job(cdcl, bootstrap, path)
    code = job.end(False)
    out, err = job.texts()
    if case['failed']:
        if code != 3 or SINKS[name][3].encode() not in err:
            raise AssertionError('exit %d, wanted 3 and %r:\n%s' % (code, SINKS[name][3], err.decode()))
        return
    got = list(messages(bootstrap, target))
    wanted = case['sink_messages']
    if 'agg' in name:       # groups come in no promised order
        got, wanted = sorted(got, key=str), sorted(wanted, key=str)
    if code != 0 or got != wanted:
        raise AssertionError('exit %d\ngot:\n%s\nwanted:\n%s\n%s' % (code, got, wanted, err.decode('utf-8', 'replace')))


def preload(case, name, topic, send, tool):
    if name != 'k_txn_default':
        send(topic, case['steps'][0])
        return
    for message, how in zip(case['steps'][0], ('commit', 'abort', 'commit')):
        tool('txn', topic, how, message['value'])


def run(name, cdcl, bootstrap, folder, make_topic, send, tool):
    for pattern, why in LATER:
        if re.search(pattern, name):
            raise Skip(why)
    where = os.path.join(SPARK, 'cases', name)
    with open(os.path.join(where, 'case.json')) as f:
        case = json.load(f)
    topic = make_topic('sc_' + name, case.get('partitions', 1))
    if RESTARTED.search(name):
        with open(os.path.join(where, 'expected.out'), 'rb') as f:
            run_restarted(name, case, cdcl, bootstrap, os.path.join(folder, topic + '.lua'), topic,
                          send, tool, f.read())
        return
    preload(case, name, topic, send, tool)
    path = os.path.join(folder, topic + '.lua')
    if name in SINKS:
        return run_sink(name, case, cdcl, bootstrap, path, topic, make_topic('out_' + name, 1))
    with open(path, 'w') as f:
        f.write(script(case, name, topic))
    with open(os.path.join(where, 'expected.out'), 'rb') as f:
        wanted = f.read()
    job = Job(cdcl, bootstrap, path)
    try:
        if name in REFUSED:
            refused(name, job)
            return
        if name == 'k_starting_timestamp_future':       # Spark stops; cdcl waits for what comes
            job.until_batch(0)
            job.end(True)
            if b'|1001' in job.texts()[0]:
                raise AssertionError('old rows')
            return
        code = play(job, case, topic, send, wanted)
    finally:
        job.close()
    compare(name, case, code, wanted, *job.texts())


# ---- several runs on one checkpoint ----

RESTARTED = re.compile('^k_(restart_|ck_|data_loss_fail)')
ADDED = BY_OP.replace('")', '", "avg(quantity) as mean")')


def run_again(name, turn, case, cdcl, bootstrap, topic, path):
    """One run of what is there: (exit code, stdout, stderr)."""
    text = script(dict(case, trigger='available_now', mode=case.get('mode') or 'complete',
                       console={'truncate': 'false'},
                       options={'startingOffsets': 'earliest'}), name, topic)
    if name == 'k_ck_mode_changed' and turn > 0:
        text = text.replace('output_mode = "complete"', 'output_mode = "update"')
    if name == 'k_ck_added_agg' and turn > 0:
        text = text.replace(BY_OP, ADDED)
    with open(path, 'w') as f:
        f.write(text)
    r = subprocess.run([cdcl, 'run', '--brokers', bootstrap, '--checkpoint', path + '.state', path],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=PATIENCE)
    return r.returncode, r.stdout, r.stderr


def run_restarted(name, case, cdcl, bootstrap, path, topic, send, tool, wanted):
    out, steps, code, err = b'', [s for s in case['steps'] if not isinstance(s, str)], 0, b''
    for turn, step in enumerate(steps):
        send(topic, step)
        if name == 'k_data_loss_fail' and turn == 2:
            tool('delete-records', topic, 0, 2)
        if name == 'k_restart_uncommitted' and turn == 2:       # nobody knows that it was published
            log = path + '.state/log-1'
            os.truncate(log, os.path.getsize(log) - 40)
        code, more, err = run_again(name, turn, case, cdcl, bootstrap, topic, path)
        out += more
        if code != 0:
            break
    refusals = {'k_data_loss_fail': (5, b'offset 1 '), 'k_ck_added_agg': (6, b'avg(quantity) double is new: it would not know what came before')}
    if name in refusals:
        if (code, True) != (refusals[name][0], refusals[name][1] in err) or out != wanted:
            raise AssertionError('exit %d\n%s\n%s' % (code, out.decode(), err.decode()))
        return
    compare(name, case, code, wanted, out, err)


def compare(name, case, code, wanted, out, err):
    boxes = spark_run().boxes
    as_set = name in AS_SET or case.get('mode') in ('complete', 'update')
    equal = boxes(out) == boxes(wanted) if as_set else out == wanted
    if not equal or code != 0:
        raise AssertionError('exit %d\ngot:\n%s\nwanted:\n%s\n%s' % (
            code, out.decode('utf-8', 'replace'), wanted.decode('utf-8', 'replace'),
            err.decode('utf-8', 'replace')))
