-- A Table and its groups as compacted topics, where an earlier run has left rows.
local cdcl = require "cdcl"
cdcl.job {
	name = "tables",
	checkpoint = "state/tables",
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
	cdcl.kafka_sink { topic = "txn_rows" },
	cdcl.kafka_sink { topic = "loose_rows", delivery = "at_least_once" }
)
rows:group_by "product"
	:agg("sum(quantity) as units", "count(*) as n")
	:to(cdcl.kafka_sink { topic = "txn_groups" })
