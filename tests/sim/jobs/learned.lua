-- Change events without a schema block: what a number in a timestamp is, those before it tell.
local cdcl = require "cdcl"
cdcl.job {
	name = "learned",
	checkpoint = "state/learned",
	dead_letters = { path = "dead.jsonl" },
	error_budget = 1000000,
	error_budget_per_minute = 1000000,
}
cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	envelope = "debezium",
	schema = "id int, at timestamp",
}:select("@partition as p", "@offset as o", "id", "unix_micros(at) as us")
	:to(
		cdcl.kafka_sink { topic = "ledger_times" },
		cdcl.file_sink { path = "out/times.jsonl" }
	)
