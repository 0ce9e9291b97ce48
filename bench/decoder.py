"""JSON to columns alone, beside simdjson On-Demand over the same messages in memory."""
import re
from figure import figure, ratio
from process import measure

SHAPES = {'orders': 'orders, 65 bytes', 'flat': 'seven fields, 98 bytes', 'change': 'Debezium, 380 bytes',
          'miss': 'orders, every message of a new shape', 'mixed': 'orders of four producers',
          'types': 'every type, 162 bytes', 'debezium': 'Debezium with schema, as JSON text'}
COMPARED = ('orders', 'flat', 'change', 'miss')
COLUMNS = ['cdcl ns', 'GB/s', 'simdjson ns', 'simdjson / cdcl']


def once(command, env):
    """ns a message and bytes of it."""
    run = measure(command, env)
    found = re.search(r'messages of (\d+) bytes: ([\d.]+) ns', run.text)
    if run.status != 0 or not found or re.search(r'bad [1-9]', run.text):
        raise RuntimeError('%s: %s%s' % (' '.join(command), run.text, run.said))
    return float(found.group(2)), int(found.group(1))


def section(build, messages, rounds, env):
    rows = []
    for shape, words in SHAPES.items():
        ours, theirs, size = [], [], 0
        for _ in range(rounds):
            ns, size = once([build + '/bench_core_json', shape, str(messages), '5'], env)
            ours.append(ns)
            if shape in COMPARED:
                theirs.append(once([build + '/bench_simdjson_decode', shape, str(messages), '5'], env)[0])
        rows.append({'name': words, 'values': {
            'cdcl ns': figure(ours, 'ns', 1), 'GB/s': figure([size / ns for ns in ours], 'GB/s', 2),
            'simdjson ns': figure(theirs, 'ns', 1), 'simdjson / cdcl': ratio(theirs, ours)}})
    return {'key': 'decoder', 'title': 'JSON to columns alone, a message', 'note': 'in memory, one thread', 'columns': COLUMNS,
            'rows': rows, 'chart': 'cdcl ns'}
