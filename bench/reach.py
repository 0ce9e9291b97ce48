"""The reach of issue "Speed" and what a report reached, side by side. A figure that is not in the report is not claimed."""
from figure import number

LONG_RUN = 5000000  # events


class Reach:
    """at_most: smaller is better. find answers the figure's median, or None."""

    def __init__(self, what, value, at_most, find, unit=''):
        self.what, self.value, self.at_most, self.find, self.unit = what, value, at_most, find, unit

    def judge(self, report):
        found = self.find(report)
        sign = '≤' if self.at_most else '≥'
        text = lambda v: number(v) + self.unit
        if found is None:
            return {'what': self.what, 'reach': sign + ' ' + text(self.value), 'reached': 'not measured', 'verdict': '—'}
        good = found <= self.value if self.at_most else found >= self.value
        return {'what': self.what, 'reach': sign + ' ' + text(self.value), 'reached': text(found),
                'verdict': ('reached' if good else 'missed') + self.caveat(report)}

    def caveat(self, report):
        return ', in a short run' if self.unit == 'x' and self.what.startswith('CPU an event') and is_short(report) else ''


def value(report, key, name, column):
    """The median of a row whose name begins so; the best lane stands first (direct)."""
    for section in report['sections']:
        if section['key'] == key:
            rows = [r for r in section['rows'] if r['name'] == name or name.endswith('*') and r['name'].startswith(name[:-1])]
            for row in sorted(rows, key=lambda r: 'direct' not in r['name']):
                f = row['values'].get(column)
                if isinstance(f, dict):
                    return f['median']
    return None


def at(key, name, column):
    return lambda report: value(report, key, name, column)


def fraction(upper, lower):
    def find(report):
        a, b = upper(report), lower(report)
        return a / b if a is not None and b is not None and a > 0 and b > 0 else None
    return find


def best_cdcl(key, column, words=''):
    """Of the direct lane, else of the only one there is."""
    def find(report):
        names = ['cdcl, lane direct' + words, 'cdcl' + words]
        return next((v for v in (value(report, key, n, column) for n in names) if v is not None), None)
    return find


def librdkafka_lane(key, column):
    def find(report):
        names = ['cdcl, lane librdkafka', 'cdcl']
        return next((v for v in (value(report, key, n, column) for n in names) if v is not None), None)
    return find


def peer(name):
    """Times less CPU an event, start-up left out on both sides."""
    return fraction(at('peers', name, 'CPU ns/event'), at('peers', 'cdcl*', 'CPU ns/event'))


def is_short(report):
    """A JVM still compiles during such a run of the peers."""
    return any(s['key'] == 'peers' and s['events'] < LONG_RUN for s in report['sections'])


TABLE = [
    Reach("job 2, CPU / the tuned null consumer's", 0.45, True, best_cdcl('operations', 'CPU of tuned null')),
    Reach("job 2, events/s / the tuned null consumer's", 2.0, False, best_cdcl('operations', 'events/s of tuned null')),
    Reach("job 2 on the librdkafka lane, events/s / tuned null's", 0.9, False,
          librdkafka_lane('operations', 'events/s of tuned null')),
    Reach('merge, CPU an event', 250, True, best_cdcl('rows', 'CPU ns/event'), ' ns'),
    Reach('CPU an event: Spark / cdcl, job 2', 40, False, peer('Spark, job 2'), 'x'),
    Reach('CPU an event: Flink SQL / cdcl, job 2', 22, False, peer('Flink SQL, job 2'), 'x'),
    Reach('CPU an event: tuned Flink / cdcl, job 2', 13, False, peer('Flink DataStream, job 2'), 'x'),
    Reach('CPU an event: Kafka Streams / cdcl, job 2', 20, False, peer('Kafka Streams, job 2'), 'x'),
    Reach('JSON to columns, flat: simdjson / cdcl', 2.4, False, at('decoder', 'seven fields*', 'simdjson / cdcl'), 'x'),
    Reach('JSON to columns, Debezium: simdjson / cdcl', 1.7, False, at('decoder', 'Debezium, 380*', 'simdjson / cdcl'), 'x'),
    Reach('JSON to columns, all misses: simdjson / cdcl', 0.8, False, at('decoder', 'orders, every*', 'simdjson / cdcl'), 'x'),
    Reach('upsert at 100,000 rows', 12, True, at('upsert', '100,000 rows', 'update ns'), ' ns'),
    Reach('upsert at 1,000,000 rows', 25, True, at('upsert', '1,000,000 rows', 'update ns'), ' ns'),
    Reach('upsert at 10,000,000 rows', 38, True, at('upsert', '10,000,000 rows', 'update ns'), ' ns'),
    Reach('upsert at 100,000,000 rows', 65, True, at('upsert', '100,000,000 rows', 'update ns'), ' ns'),
    Reach('upsert, 1e8 / 1e6 rows', 3, True, fraction(at('upsert', '100,000,000 rows', 'update ns'),
                                                      at('upsert', '1,000,000 rows', 'update ns')), 'x'),
    Reach('index and bookkeeping, bytes a row', 16, True, at('upsert', '1,000,000 rows', 'bookkeeping bytes')),
    Reach('Lua row function / the same in C, instructions', 6, True, fraction(
        at('border', 'cdcl, with, Lua', 'instructions more than none'), at('border', 'cdcl, with, SQL', 'instructions more than none')), 'x'),
    Reach('p99 readable to emitted, 50 % load', 1, True,
          at('latency', 'cdcl, readable to emitted (pipe), 50 % load', 'p99 ms'), ' ms'),
    Reach('p99 readable to emitted, 80 % load', 3, True,
          at('latency', 'cdcl, readable to emitted (pipe), 80 % load', 'p99 ms'), ' ms'),
    Reach('longest chunk of a table growing to 1e7 rows', 2, True, at('upsert', '10,000,000 rows', 'longest chunk ms'), ' ms'),
    Reach('a checkpoint a second, more CPU, job 2', 8, True, at('checkpoint', 'groups', '%'), ' %'),
    Reach('a checkpoint a second, more CPU, merge', 15, True, at('checkpoint', 'merge', '%'), ' %'),
    Reach('recovery / memcpy, bytes of a snapshot', 0.125, False, fraction(
        at('checkpoint_rates', 'recover by the clock', 'MB/s'), at('checkpoint_rates', 'memcpy by the clock', 'MB/s')), 'x'),
    Reach('longest slice of a snapshot', 2, True, at('checkpoint_ends', 'longest slice*', 'ms'), ' ms'),
    Reach('exec to first row', 10, True, best_cdcl('footprint', 'exec to first row, ms'), ' ms'),
    Reach('idle resident memory', 10, True, best_cdcl('footprint', 'idle MB'), ' MB'),
    Reach('resident memory at full speed', 40, True, best_cdcl('footprint', 'full speed MB'), ' MB'),
    Reach('two workers / one, events/s', 1.8, False, at('workers', 'job 2, 2 workers', 'events/s of one'), 'x'),
]


def judge(report):
    return [line.judge(report) for line in TABLE]
