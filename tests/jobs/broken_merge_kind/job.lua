local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "order_id int, op string" }
	:merge { name = "orders", key = "order_id" }
	:filter(function(row) return row["@kind"] ~= "-D" end)
	:to(cdcl.changes { output_mode = "changelog" })
