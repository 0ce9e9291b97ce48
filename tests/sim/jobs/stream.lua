-- Every event by itself: rows that are only ever added, and records that fail.
local cdcl = require "cdcl"
cdcl.job {
	name = "stream",
	checkpoint = "state/stream",
	dead_letters = { path = "dead.jsonl" },
	error_budget = 1000000,
	error_budget_per_minute = 1000000,
}
cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	schema = "id int, product string, quantity int, seq bigint, op string",
}:filter(function(row) return row.quantity ~= nil end)
	:select("@partition as p", "@offset as o", "id", "100 div quantity as share")
	:to(
		cdcl.kafka_sink { topic = "ledger_events" },
		cdcl.kafka_sink { topic = "plain_events" },
		cdcl.file_sink { path = "out/events.jsonl" }
	)
