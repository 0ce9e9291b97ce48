local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "id int, n int" }
	:flat_map("id int, n int", function(row, emit) emit(row.id, row.n) end)
	:merge { name = "orders", key = "id" }
	:to(cdcl.changes { output_mode = "changelog" })
