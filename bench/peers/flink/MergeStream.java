package peer;

import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.CloseableIterator;

/** The current row of every order_id as keyed state; at the end each slot walks its keys. */
public final class MergeStream {
	static final class Merge extends AbstractStreamOperator<Tuple2<Long, Long>>
			implements OneInputStreamOperator<Tuple4<Integer, String, Integer, String>, Tuple2<Long, Long>>,
			BoundedOneInput {
		private transient ValueStateDescriptor<Tuple3<Integer, String, Integer>> descriptor;
		private transient ValueState<Tuple3<Integer, String, Integer>> state;

		@Override
		public void open() throws Exception {
			super.open();
			descriptor = new ValueStateDescriptor<>("row", Types.TUPLE(Types.INT, Types.STRING, Types.INT));
			state = getPartitionedState(descriptor);
		}

		@Override
		public void processElement(StreamRecord<Tuple4<Integer, String, Integer, String>> record) throws Exception {
			Tuple4<Integer, String, Integer, String> v = record.getValue();
			if ("delete".equals(v.f3))
				state.clear();
			else
				state.update(Tuple3.of(v.f0, v.f1, v.f2));
		}

		@Override
		public void endInput() throws Exception {
			long[] total = new long[2];
			getKeyedStateBackend().applyToAllKeys(VoidNamespace.INSTANCE, VoidNamespaceSerializer.INSTANCE,
				descriptor, (Object key, ValueState<Tuple3<Integer, String, Integer>> row) -> {
					total[0]++;
					total[1] += row.value().f2;
				});
			output.collect(new StreamRecord<>(Tuple2.of(total[0], total[1])));
		}
	}

	public static void main(String[] arguments) throws Exception {
		long rows = 0, sum = 0;
		try (CloseableIterator<Tuple2<Long, Long>> slots = Orders.of(Setup.environment(), arguments[0])
				.keyBy(v -> v.f0, Types.INT)
				.transform("merge", Types.TUPLE(Types.LONG, Types.LONG), new Merge()).executeAndCollect()) {
			while (slots.hasNext()) {
				Tuple2<Long, Long> slot = slots.next();
				rows += slot.f0;
				sum += slot.f1;
			}
		}
		System.out.printf("total rows %d %d%n", rows, sum);
		System.exit(0);
	}
}
