-- A value that does not fit its column is NULL; the first of each column is named with its place.
local cdcl = require "cdcl"
cdcl.job { name = "values_that_do_not_fit" }

cdcl.file { path = "in/orders.jsonl", schema = "id int, qty bigint, price decimal(10,2)" }
	:merge { name = "orders", key = "id" }
	:to(cdcl.changes { output_mode = "complete" })
