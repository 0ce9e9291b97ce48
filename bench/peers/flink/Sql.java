package peer;

import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

/** The same two jobs in Flink SQL with mini-batches: Sql TOPIC operations|merge. */
public final class Sql {
	/* SUM of INT is INT in Flink and would wrap around. */
	private static final String OPERATIONS =
		"SELECT op, COUNT(*) AS n, SUM(CAST(quantity AS BIGINT)) AS s FROM orders GROUP BY op";
	private static final String MERGE =
		"SELECT 'rows' AS what, COUNT(*) AS n, SUM(CAST(quantity AS BIGINT)) AS s FROM (SELECT * FROM"
		+ " (SELECT *, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY arrived DESC) AS rn FROM orders)"
		+ " WHERE rn = 1) WHERE op <> 'delete'";

	private static StreamTableEnvironment environment() {
		StreamTableEnvironment t = StreamTableEnvironment.create(Setup.environment(),
			EnvironmentSettings.newInstance().inStreamingMode().build());
		Configuration c = new Configuration();
		c.setString("table.exec.mini-batch.enabled", "true");
		c.setString("table.exec.mini-batch.allow-latency", "2 s");
		c.setString("table.exec.mini-batch.size", "50000");
		t.getConfig().addConfiguration(c);
		return t;
	}

	private static String orders(String topic) {
		StringBuilder s = new StringBuilder("CREATE TABLE orders (order_id INT, product STRING, quantity INT,"
			+ " op STRING, arrived AS PROCTIME()) WITH ('connector'='kafka','topic'='" + topic
			+ "','properties.bootstrap.servers'='" + Setup.BROKERS + "','properties.group.id'='flink-"
			+ ProcessHandle.current().pid() + "','scan.startup.mode'='earliest-offset',"
			+ "'scan.bounded.mode'='latest-offset','format'='json'");
		for (Map.Entry<String, String> e : Setup.consumer().entrySet())
			s.append(",'properties.").append(e.getKey()).append("'='").append(e.getValue()).append("'");
		return s.append(")").toString();
	}

	public static void main(String[] arguments) throws Exception {
		StreamTableEnvironment t = environment();
		t.executeSql(orders(arguments[0]));
		Map<String, Row> last = new TreeMap<>();
		String query = arguments[1].equals("merge") ? MERGE : OPERATIONS;
		try (CloseableIterator<Row> rows = t.executeSql(query).collect()) {
			while (rows.hasNext()) {
				Row row = rows.next();
				if (row.getKind() == RowKind.INSERT || row.getKind() == RowKind.UPDATE_AFTER)
					last.put((String) row.getField(0), row);
			}
		}
		for (Row row : last.values())
			System.out.printf("total %s %s %s%n", row.getField(0), row.getField(1), row.getField(2));
		System.exit(0);
	}
}
