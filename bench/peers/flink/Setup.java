package peer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Flink in this process, two slots, state on the heap, no checkpoints; large fetches for SQL and DataStream alike. */
final class Setup {
	static final String BROKERS = System.getenv("BENCH_BROKERS");
	static final int SLOTS = 2;

	static StreamExecutionEnvironment environment() {
		Configuration c = new Configuration();
		c.setString("pipeline.object-reuse", "true");
		c.setString("state.backend.type", "hashmap");
		c.setString("parallelism.default", "" + SLOTS);
		c.setString("taskmanager.numberOfTaskSlots", "" + SLOTS);
		c.setString("restart-strategy.type", "none");
		c.setString("execution.checkpointing.storage", "jobmanager");
		c.setString("taskmanager.memory.network.min", "128mb");
		c.setString("taskmanager.memory.network.max", "128mb");
		c.setString("taskmanager.memory.managed.size", "64mb");
		c.setString("rest.port", "0");
		c.setString("rest.bind-port", "0");
		StreamExecutionEnvironment e = StreamExecutionEnvironment.createLocalEnvironment(SLOTS, c);
		e.setRuntimeMode(RuntimeExecutionMode.STREAMING);
		return e;
	}

	static Map<String, String> consumer() {
		Map<String, String> m = new LinkedHashMap<>();
		m.put("max.poll.records", "20000");
		m.put("max.partition.fetch.bytes", "8388608");
		m.put("fetch.max.bytes", "67108864");
		m.put("receive.buffer.bytes", "1048576");
		m.put("enable.auto.commit", "false");
		m.put("commit.offsets.on.checkpoint", "false");
		return m;
	}
}
