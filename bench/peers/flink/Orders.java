package peer;

import java.io.IOException;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The topic as a DataStream of (order_id, product, quantity, op), from its beginning to the end it had at the start. */
final class Orders implements KafkaRecordDeserializationSchema<Tuple4<Integer, String, Integer, String>> {
	private transient OrderParser parser;

	@Override
	public void open(DeserializationSchema.InitializationContext context) {
		parser = new OrderParser();
	}

	@Override
	public void deserialize(ConsumerRecord<byte[], byte[]> record,
			Collector<Tuple4<Integer, String, Integer, String>> out) throws IOException {
		parser.parse(record.value());
		out.collect(Tuple4.of(parser.orderId, parser.product, parser.quantity, parser.op));
	}

	@Override
	public TypeInformation<Tuple4<Integer, String, Integer, String>> getProducedType() {
		return Types.TUPLE(Types.INT, Types.STRING, Types.INT, Types.STRING);
	}

	static DataStream<Tuple4<Integer, String, Integer, String>> of(StreamExecutionEnvironment e, String topic) {
		Properties properties = new Properties();
		properties.putAll(Setup.consumer());
		KafkaSource<Tuple4<Integer, String, Integer, String>> source =
			KafkaSource.<Tuple4<Integer, String, Integer, String>>builder()
				.setBootstrapServers(Setup.BROKERS).setTopics(topic)
				.setGroupId("flink-" + ProcessHandle.current().pid())
				.setStartingOffsets(OffsetsInitializer.earliest()).setBounded(OffsetsInitializer.latest())
				.setProperties(properties).setDeserializer(new Orders()).build();
		return e.fromSource(source, WatermarkStrategy.noWatermarks(), "orders");
	}
}
