-- Every event by itself to a topic, and what fails to another one: one transaction a batch.
local cdcl = require "cdcl"
cdcl.job {
	name = "topic",
	checkpoint = "state/topic",
	dead_letters = { topic = "txn_dead" },
	error_budget = 1000000,
	error_budget_per_minute = 1000000,
}
cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	schema = "id int, product string, quantity int, seq bigint, op string",
}:filter "quantity is not null"
	:select("@partition as p", "@offset as o", "id", "100 div quantity as share")
	:to(
		cdcl.kafka_sink { topic = "ledger_events" },
		cdcl.kafka_sink { topic = "txn_events" }
	)
