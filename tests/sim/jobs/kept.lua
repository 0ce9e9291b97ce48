-- A Table and its groups as Parquet snapshots, and in PostgreSQL.
local cdcl = require "cdcl"
cdcl.job {
	name = "kept",
	checkpoint = "state/kept",
	dead_letters = { path = "dead.jsonl" },
	error_budget = 1000000,
	error_budget_per_minute = 1000000,
}
local rows = cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	schema = "id int, product string, quantity int, seq bigint, op string",
}:merge { name = "orders", key = "id", sequence_by = "seq" }
rows:to(
	cdcl.kafka_sink { topic = "ledger_rows" },
	cdcl.parquet_sink {
		path = "out/rows",
		buckets = 3,
		keep_snapshots = 1,
		compression = "none",
		on_error = "retry",
	},
	cdcl.postgres_sink { connection = "dbname=model", table = "orders", on_error = "retry" }
)
rows:group_by "product"
	:agg("sum(quantity) as units", "count(*) as n")
	:to(
		cdcl.parquet_sink {
			path = "out/groups",
			buckets = 2,
			keep_snapshots = 0,
			compression = "none",
		},
		cdcl.postgres_sink { connection = "dbname=model", table = "units" }
	)
