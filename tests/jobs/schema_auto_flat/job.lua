-- Columns as the messages have them; a Lua function over an inferred column, too.
local cdcl = require "cdcl"
cdcl.job { name = "schema_auto_flat" }

cdcl.file { path = "in/orders.jsonl", schema = "auto" }
	:filter(function(row) return (row.quantity or 0) > 0 end)
	:select("order_id", "price * quantity as total", "year(at) as year", "big", "day", "mixed", "flag", "nested.a as a")
	:to(cdcl.changes {})
