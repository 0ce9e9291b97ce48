local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "order_id int, product string, tags array<string>, op string" }
	:merge { name = "orders", key = "order_id", sequence_by = "length(product) desc" }
	:to(cdcl.changes { output_mode = "changelog" })
