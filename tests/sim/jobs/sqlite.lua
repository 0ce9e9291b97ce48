-- The same Table in SQLite, which writes to the real disk by itself.
local cdcl = require "cdcl"
cdcl.job {
	name = "sqlite",
	checkpoint = "state/sqlite",
	dead_letters = { path = "dead.jsonl" },
	error_budget = 1000000,
	error_budget_per_minute = 1000000,
}
local path = cdcl.env("SIM_FOLDER", ".") .. "/rows.db"
local rows = cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	schema = "id int, product string, quantity int, seq bigint, op string",
}:merge { name = "orders", key = "id", sequence_by = "seq" }
rows:to(
	cdcl.kafka_sink { topic = "ledger_rows" },
	cdcl.sqlite_sink { path = path, table = "orders" }
)
rows:group_by "product"
	:agg("sum(quantity) as units", "count(*) as n")
	:to(cdcl.sqlite_sink { path = path, table = "units" })
