local cdcl = require "cdcl"
cdcl.job { name = "json_paths" }

cdcl.file { path = "in.jsonl", schema = "id int, payload json" }
	:select("id", "payload.customer.name as name", "cast(payload.lines[1].price as decimal(10,2)) as price",
		"payload.lines[0] as first")
	:to(cdcl.console { truncate = false })
