-- Every event by itself as rows of Parquet files and of PostgreSQL.
local cdcl = require "cdcl"
cdcl.job {
	name = "added",
	checkpoint = "state/added",
	dead_letters = { path = "dead.jsonl" },
	error_budget = 1000000,
	error_budget_per_minute = 1000000,
}
local rows = cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	schema = "id int, product string, quantity int, seq bigint, op string",
}:filter "quantity is not null"
	:select("@partition as p", "@offset as o", "id", "100 div quantity as share")
rows:to(
	cdcl.kafka_sink { topic = "ledger_events" },
	cdcl.postgres_sink { connection = "dbname=model", table = "events" },
	cdcl.parquet_sink { path = "out/parts", partition_by = "p, day", compression = "none" }
)
