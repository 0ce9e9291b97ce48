"""The two jobs in Bytewax: job.py TOPIC operations|merge. As one who knows it writes them: batches of 10,000 messages by its
own Kafka source, orjson, operations added up in the batch before the keyed fold."""
import os, sys
import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from confluent_kafka import OFFSET_BEGINNING


class Collect(DynamicSink):
    """Each item to a function, in this process."""

    def __init__(self, take):
        self.take = take

    def build(self, step_id, worker_index, worker_count):
        partition = StatelessSinkPartition.__new__(Partition)
        partition.take = self.take
        return partition


class Partition(StatelessSinkPartition):
    def write_batch(self, items):
        for item in items:
            self.take(*item)


def add_up(batch):
    totals = {}
    for message in batch:
        event = orjson.loads(message.value)
        total = totals.setdefault(event['op'], [0, 0])
        total[0] += 1
        total[1] += event['quantity']
    return [(name, tuple(total)) for name, total in totals.items()]


def by_key(batch):
    return [(str(event['order_id']), event) for event in (orjson.loads(message.value) for message in batch)]


def fold(total, more):
    total = (total[0] + more[0], total[1] + more[1]) if total else more
    return total, total


def latest(quantity, event):
    """What the event changes of (rows, sum); the state is the current quantity, None: no row."""
    if event['op'] == 'delete':
        return None, (0, 0) if quantity is None else (-1, -quantity)
    now = event['quantity']
    return now, (1, now) if quantity is None else (0, now - quantity)


def main(topic, job):
    totals = {}

    def add(_, change):
        rows, quantity = totals.get('rows', (0, 0))
        totals['rows'] = rows + change[0], quantity + change[1]

    source = KafkaSource([os.environ['BENCH_BROKERS']], [topic], tail=False, starting_offset=OFFSET_BEGINNING,
                         batch_size=10000, add_config={'fetch.message.max.bytes': '16777216',
                                                       'queued.min.messages': '1000000', 'check.crcs': 'false'})
    flow = Dataflow(job)
    stream = op.input('in', flow, source)
    if job == 'operations':
        keyed, step, take = op.flat_map_batch('add_up', stream, add_up), fold, totals.__setitem__
    else:
        keyed, step, take = op.flat_map_batch('by_key', stream, by_key), latest, add
    op.output('out', op.stateful_map(job, keyed, step), Collect(take))
    run_main(flow)
    for name, (count, total) in sorted(totals.items()):
        print('total', name, count, total)


if __name__ == '__main__':
    main(*sys.argv[1:])
