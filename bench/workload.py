"""The workloads: which events, which job, beside which other programs. One table of the report each."""
import os
import lane
from topic import Topic

HERE = os.path.dirname(os.path.abspath(__file__))


class Program:
    """One row: a command that reads a topic to its end. answers names the part of the truth that it must print; None:
    it counts the messages."""

    def __init__(self, name, topic, command, answers):
        self.name, self.topic, self.command, self.answers = name, topic, command, answers


class Workload:
    """topics: label and topic of each variant. Each variant gets the null consumer (and what else `beside` names) and
    cdcl on every lane with each job."""

    def __init__(self, key, title, topics, jobs, answers, beside=('null tuned',), note=''):
        self.key, self.title, self.topics, self.jobs = key, title, topics, jobs
        self.answers, self.beside, self.note = answers, beside, note

    def programs(self, build, lanes):
        for label, topic in self.topics:
            before = label + ': ' if label else ''
            for name in self.beside:
                yield Program(before + name, topic, [build + '/bench_' + BESIDE[name], topic.name],
                              None if name.startswith('null') else self.answers)
            for job, words in self.jobs.items():
                for name in lanes:
                    yield Program(before + lane.label(name) + words, topic, cdcl(build, job, topic.name, name), self.answers)


BESIDE = {'null stock': 'null_stock', 'null tuned': 'null_tuned', 'C++ by hand': 'simdjson_orders',
          'C++ by hand, flat_hash_map': 'simdjson_merge'}


def cdcl(build, job, topic, lane_name):
    return [build + '/cdcl', 'run', '-q', '--available-now', '--from', 'earliest', '--set', 'topic=' + topic,
            *lane.setting(lane_name), '%s/jobs/%s.lua' % (HERE, job)]


def workloads(events):
    """Topics that are alike are filled once (Bench.filled): the larger ones have all the events, the others a part."""
    part = max(events // 4, 1000)
    orders = Topic(events)
    return [
        Workload('operations', 'Job 2: count and sum by operation', [('', orders)],
                 {'operations': '', 'operations_lua': ', Lua filter and column'}, 'operations',
                 ('null stock', 'null tuned', 'C++ by hand')),
        Workload('rows', 'Merge: the current row of each key', [('', orders)], {'rows': ''}, 'rows',
                 ('null tuned', 'C++ by hand, flat_hash_map')),
        Workload('products', 'Merge and an aggregate that takes back', [('', orders)],
                 {'products': '', 'products_lua': ', Lua filter, column and on_update'}, 'products'),
        Workload('debezium', 'Debezium, merged', [
            ('no schema', Topic(part, 'debezium')), ('with schema', Topic(max(part // 4, 1000), 'schema'))],
            {'envelope': ''}, 'rows'),
        Workload('codecs', 'Job 2 by codec', [
            ('lz4', Topic(part, codec='lz4')), ('zstd', Topic(part, codec='zstd'))], {'operations': ''}, 'operations'),
        Workload('wide', 'Wide rows: 40 fields, merged', [('', Topic(max(part // 2, 1000), 'wide', keys=100000))],
                 {'wide': ''}, 'rows'),
        Workload('misses', 'Job 2 by share of messages of no known shape', [
            ('%d %%' % miss, Topic(part, miss=miss)) for miss in (0, 10, 50, 100)], {'operations': ''}, 'operations'),
        Workload('keys', 'Merge by how keys are spread', [
            ('uniform', Topic(part)), ('Zipf 0.99', Topic(part, skew=0.99))], {'rows': ''}, 'rows'),
        Workload('partitions', 'Job 2 by partitions', [
            ('1', Topic(part, partitions=1)), ('12', Topic(part, partitions=12))], {'operations': ''}, 'operations'),
    ]
