"""The two jobs in Spark Structured Streaming, to the end of the topic: job.py TOPIC operations|merge

Two shuffle partitions (as many as cores), state in memory, large fetches, available-now: one batch. Without Delta Spark
has no table to merge into, so merge is the latest row of each key, max(struct(offset, ...)), in complete mode: the events
of a key are in one partition, so the offset orders them.
"""
import os, sys
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, count, expr, from_json, sum as sum_of

SCHEMA = 'order_id INT, product STRING, quantity INT, op STRING'
OPTIONS = {'kafka.bootstrap.servers': os.environ['BENCH_BROKERS'], 'startingOffsets': 'earliest',
           'kafka.fetch.max.bytes': '67108864', 'kafka.max.partition.fetch.bytes': '16777216',
           'kafka.max.poll.records': '10000', 'kafka.receive.buffer.bytes': '1048576'}


def events(spark, topic):
    read = spark.readStream.format('kafka').options(**OPTIONS).option('subscribe', topic).load()
    return read.select('offset', from_json(col('value').cast('string'), SCHEMA).alias('e')).select('offset', 'e.*')


def operations(rows):
    query = rows.groupBy('op').agg(count('*').alias('event_count'), sum_of('quantity').alias('total_quantity')) \
        .writeStream.outputMode('complete').format('console').option('truncate', 'false')
    query.trigger(availableNow=True).start().awaitTermination()


def merge(rows):
    last = []

    def keep(current, _):
        last[:] = current.where("m.live").agg(expr('count(*) AS live'), expr('sum(m.quantity) AS total')).collect()

    latest = rows.groupBy('order_id').agg(expr("max(struct(offset, op <> 'delete' AS live, quantity)) AS m"))
    latest.writeStream.outputMode('complete').foreachBatch(keep).trigger(availableNow=True).start().awaitTermination()
    print('total rows', last[0]['live'], last[0]['total'])


if __name__ == '__main__':
    session = SparkSession.builder.appName(sys.argv[2]).getOrCreate()
    session.sparkContext.setLogLevel('ERROR')
    {'operations': operations, 'merge': merge}[sys.argv[2]](events(session, sys.argv[1]))
    session.stop()
