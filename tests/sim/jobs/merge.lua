-- Change events into a Table with a sequence, and a group over it.
local cdcl = require "cdcl"
cdcl.job {
	name = "merge",
	checkpoint = "state/merge",
	dead_letters = { path = "dead.jsonl" },
	error_budget = 1000000,
	error_budget_per_minute = 1000000,
}
local rows = cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	schema = "id int, product string, quantity int, seq bigint, op string",
}:merge { name = "orders", key = "id", sequence_by = "seq" }
rows:to(cdcl.kafka_sink { topic = "ledger_rows" }, cdcl.file_sink { path = "out/rows.jsonl" })
rows:group_by "product"
	:agg("sum(quantity) as units", "count(*) as n")
	:to(
		cdcl.kafka_sink { topic = "ledger_groups" },
		cdcl.file_sink { path = "out/groups.jsonl" }
	)
