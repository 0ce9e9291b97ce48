-- Fields that are no columns are counted, and the first is named once.
local cdcl = require "cdcl"
cdcl.job { name = "unknown_fields" }

cdcl.file { path = "in/orders.jsonl", schema = "id int, qty int" }
	:merge { name = "orders", key = "id" }
	:to(cdcl.changes { output_mode = "complete" })
