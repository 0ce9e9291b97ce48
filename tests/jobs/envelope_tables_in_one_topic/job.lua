-- Rows of two tables with the same keys in one topic: table = takes one, and a tombstone of the other deletes nothing.
-- Without it the log says so.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_tables_in_one_topic" }

local function current(name, table)
	cdcl.file { path = "in.jsonl", format = "records", table = table, schema = "id int, q int", envelope = "debezium" }
		:merge { name = name, key = "id" }
		:to(cdcl.changes { output_mode = "complete" })
end
current("orders", "orders")
current("all", nil)
