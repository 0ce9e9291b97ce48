package peer;

import java.util.HashMap;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.Collector;

/** Count and sum by op with the DataStream API, tuned by hand: bundles of 10,000 events are added up before the shuffle. */
public final class OperationsStream {
	private static final TypeInformation<Tuple3<String, Long, Long>> TOTAL =
		Types.TUPLE(Types.STRING, Types.LONG, Types.LONG);

	/** Chained to the source: what SQL's mini-batch local aggregate does. */
	static final class Bundle extends AbstractStreamOperator<Tuple3<String, Long, Long>>
			implements OneInputStreamOperator<Tuple4<Integer, String, Integer, String>, Tuple3<String, Long, Long>>,
			BoundedOneInput {
		private static final int EVENTS_MAX = 10_000;
		private transient HashMap<String, Tuple3<String, Long, Long>> totals;
		private transient int events;

		@Override
		public void open() throws Exception {
			super.open();
			totals = new HashMap<>();
		}

		@Override
		public void processElement(StreamRecord<Tuple4<Integer, String, Integer, String>> record) {
			Tuple4<Integer, String, Integer, String> v = record.getValue();
			Tuple3<String, Long, Long> t = totals.get(v.f3);
			if (t == null)
				totals.put(v.f3, t = Tuple3.of(v.f3, 0L, 0L));
			t.f1++;
			t.f2 += v.f2;
			if (++events >= EVENTS_MAX)
				flush();
		}

		private void flush() {
			for (Tuple3<String, Long, Long> t : totals.values())
				output.collect(new StreamRecord<>(t));
			totals.clear();
			events = 0;
		}

		/** The last watermark comes before endInput: without this the last bundle would miss the timer. */
		@Override
		public void processWatermark(Watermark mark) throws Exception {
			flush();
			super.processWatermark(mark);
		}

		@Override
		public void endInput() {
			flush();
		}
	}

	static final class Total extends KeyedProcessFunction<String, Tuple3<String, Long, Long>, Tuple3<String, Long, Long>> {
		private transient ValueState<Tuple2<Long, Long>> state;

		@Override
		public void open(OpenContext context) {
			state = getRuntimeContext().getState(
				new ValueStateDescriptor<>("total", Types.TUPLE(Types.LONG, Types.LONG)));
		}

		@Override
		public void processElement(Tuple3<String, Long, Long> v, Context context,
				Collector<Tuple3<String, Long, Long>> out) throws Exception {
			Tuple2<Long, Long> t = state.value();
			if (t == null) {
				t = Tuple2.of(0L, 0L);
				context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
			}
			t.f0 += v.f1;
			t.f1 += v.f2;
			state.update(t);
		}

		@Override
		public void onTimer(long time, OnTimerContext context, Collector<Tuple3<String, Long, Long>> out)
				throws Exception {
			out.collect(Tuple3.of(context.getCurrentKey(), state.value().f0, state.value().f1));
		}
	}

	public static void main(String[] arguments) throws Exception {
		StreamExecutionEnvironment e = Setup.environment();
		TreeMap<String, Tuple3<String, Long, Long>> last = new TreeMap<>();
		try (CloseableIterator<Tuple3<String, Long, Long>> rows = Orders.of(e, arguments[0])
				.transform("bundle", TOTAL, new Bundle()).keyBy(v -> v.f0, Types.STRING)
				.process(new Total()).returns(TOTAL).executeAndCollect()) {
			while (rows.hasNext()) {
				Tuple3<String, Long, Long> row = rows.next();
				last.put(row.f0, row);
			}
		}
		for (Tuple3<String, Long, Long> row : last.values())
			System.out.printf("total %s %d %d%n", row.f0, row.f1, row.f2);
		System.exit(0);
	}
}
