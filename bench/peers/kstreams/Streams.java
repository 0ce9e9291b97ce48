package peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/**
 * The two jobs in Kafka Streams, stores in memory: Streams TOPIC operations|merge. operations is what a user writes,
 * group by op through a repartition topic; merge is a KTable without a changelog.
 */
public final class Streams {
	private static final String BROKERS = System.getenv("BENCH_BROKERS");
	private static final LongAdder done = new LongAdder();

	static final class Order {
		int id, quantity;
		String product, op;
	}

	static final class Total {
		long count, sum;
	}

	private static Serde<Order> events() {
		ThreadLocal<OrderParser> parsers = ThreadLocal.withInitial(OrderParser::new);
		return Serdes.serdeFrom((topic, order) -> {
			throw new UnsupportedOperationException();
		}, (topic, bytes) -> {
			try {
				OrderParser parser = parsers.get();
				parser.parse(bytes);
				Order order = new Order();
				order.id = parser.orderId;
				order.quantity = parser.quantity;
				order.product = parser.product;
				order.op = parser.op;
				return order;
			} catch (IOException e) {
				throw new SerializationException(e);
			}
		});
	}

	private static final Serde<Total> TOTALS = Serdes.serdeFrom(
		(topic, t) -> t == null ? null : ByteBuffer.allocate(16).putLong(t.count).putLong(t.sum).array(),
		(topic, bytes) -> {
			if (bytes == null)
				return null;
			ByteBuffer in = ByteBuffer.wrap(bytes);
			Total t = new Total();
			t.count = in.getLong();
			t.sum = in.getLong();
			return t;
		});

	private static final Serde<Order> ROWS = Serdes.serdeFrom((topic, order) -> {
		if (order == null)
			return null;
		byte[] product = order.product.getBytes(StandardCharsets.UTF_8);
		return ByteBuffer.allocate(8 + product.length).putInt(order.id).putInt(order.quantity).put(product).array();
	}, (topic, bytes) -> {
		if (bytes == null)
			return null;
		ByteBuffer in = ByteBuffer.wrap(bytes);
		Order order = new Order();
		order.id = in.getInt();
		order.quantity = in.getInt();
		order.product = new String(bytes, 8, bytes.length - 8, StandardCharsets.UTF_8);
		return order;
	});

	private static long events(String topic) {
		try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", BROKERS),
				new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
			List<TopicPartition> partitions = new ArrayList<>();
			for (PartitionInfo info : consumer.partitionsFor(topic))
				partitions.add(new TopicPartition(topic, info.partition()));
			long count = 0;
			for (long end : consumer.endOffsets(partitions).values())
				count += end;
			return count;
		}
	}

	private static Properties properties(String application) {
		Properties p = new Properties();
		p.put("application.id", application);
		p.put("bootstrap.servers", BROKERS);
		p.put("num.stream.threads", "2");
		p.put("state.dir", System.getenv("TMPDIR") + "/kstreams");
		p.put("commit.interval.ms", "10000");
		p.put("statestore.cache.max.bytes", "" + (256L << 20));
		p.put("buffered.records.per.partition", "20000");
		p.put("topology.optimization", "all");
		p.put("replication.factor", "1");
		p.put("consumer.max.poll.records", "20000");
		p.put("consumer.max.partition.fetch.bytes", "8388608");
		p.put("consumer.fetch.max.bytes", "67108864");
		p.put("consumer.receive.buffer.bytes", "1048576");
		p.put("main.consumer.auto.offset.reset", "earliest");
		p.put("producer.linger.ms", "100");
		p.put("producer.batch.size", "262144");
		p.put("producer.buffer.memory", "134217728");
		return p;
	}

	private static void operations(StreamsBuilder b, String topic) {
		KeyValueBytesStoreSupplier store = Stores.inMemoryKeyValueStore("s");
		b.stream(topic, Consumed.with(Serdes.ByteArray(), events())).map((k, v) -> KeyValue.pair(v.op, v.quantity))
			.groupByKey(Grouped.with(Serdes.String(), Serdes.Integer()))
			.aggregate(Total::new, (k, quantity, t) -> {
				t.count++;
				t.sum += quantity;
				done.increment();
				return t;
			}, Materialized.<String, Total>as(store).withKeySerde(Serdes.String()).withValueSerde(TOTALS)
				.withCachingEnabled());
	}

	private static void merge(StreamsBuilder b, String topic) {
		KStream<String, Order> rows = b.stream(topic, Consumed.with(Serdes.String(), events()))
			.mapValues(v -> v.op.equals("delete") ? null : v);
		rows.toTable(Materialized.<String, Order>as(Stores.inMemoryKeyValueStore("s"))
			.withKeySerde(Serdes.String()).withValueSerde(ROWS).withCachingEnabled().withLoggingDisabled());
		rows.foreach((k, v) -> done.increment()); // the second child of its node: runs after the table's put
	}

	private static <V> KeyValueIterator<String, V> stored(KafkaStreams streams) {
		return streams.store(StoreQueryParameters.fromNameAndType("s",
			QueryableStoreTypes.<String, V>keyValueStore())).all();
	}

	/** A put may be on its way when the last event was counted: read until all are there. */
	private static void printOperations(KafkaStreams streams, long expected) throws InterruptedException {
		TreeMap<String, Total> totals = new TreeMap<>();
		for (long count = -1; count < expected; Thread.sleep(1)) {
			totals.clear();
			count = 0;
			try (KeyValueIterator<String, Total> rows = stored(streams)) {
				while (rows.hasNext()) {
					KeyValue<String, Total> row = rows.next();
					totals.put(row.key, row.value);
					count += row.value.count;
				}
			}
		}
		totals.forEach((op, t) -> System.out.printf("total %s %d %d%n", op, t.count, t.sum));
	}

	private static void printRows(KafkaStreams streams) {
		long count = 0, sum = 0;
		try (KeyValueIterator<String, Order> rows = stored(streams)) {
			while (rows.hasNext()) {
				count++;
				sum += rows.next().value.quantity;
			}
		}
		System.out.printf("total rows %d %d%n", count, sum);
	}

	/** This run's own repartition topic only. */
	private static void removeTopics(String application) throws Exception {
		try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", BROKERS))) {
			List<String> mine = new ArrayList<>();
			for (String name : admin.listTopics().names().get())
				if (name.startsWith(application + "-"))
					mine.add(name);
			admin.deleteTopics(mine).all().get();
		}
	}

	public static void main(String[] arguments) throws Exception {
		String topic = arguments[0], application = "bench-kstreams-" + ProcessHandle.current().pid();
		boolean merge = arguments[1].equals("merge");
		long expected = events(topic);
		Properties properties = properties(application);
		StreamsBuilder builder = new StreamsBuilder();
		if (merge)
			merge(builder, topic);
		else
			operations(builder, topic);
		KafkaStreams streams = new KafkaStreams(builder.build(properties), properties);
		AtomicReference<Throwable> failed = new AtomicReference<>();
		streams.setUncaughtExceptionHandler(e -> {
			failed.set(e);
			return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
		});
		streams.start();
		while (done.sum() < expected && failed.get() == null)
			Thread.sleep(5);
		if (failed.get() != null) {
			failed.get().printStackTrace();
			System.exit(1);
		}
		if (merge)
			printRows(streams);
		else
			printOperations(streams, expected);
		streams.close();
		streams.cleanUp();
		removeTopics(application);
		System.out.flush();
		Runtime.getRuntime().halt(0);
	}
}
