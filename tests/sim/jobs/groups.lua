-- Groups of a Stream: state that no Table can bring back.
local cdcl = require "cdcl"
cdcl.job { name = "groups", checkpoint = "state/groups" }
cdcl.kafka {
	topic = "orders",
	starting_offsets = "earliest",
	schema = "id int, product string, quantity int, seq bigint, op string",
}:group_by "product"
	:agg("sum(quantity) as units", "count(*) as n")
	:to(cdcl.kafka_sink { topic = "ledger_groups", output_mode = "update" },
		cdcl.file_sink { path = "out/groups.jsonl", output_mode = "complete" })
