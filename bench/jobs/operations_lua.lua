-- operations.lua with a filter and a column in Lua; the totals stay the same.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_operations_lua" }

local events = topic { schema = "order_id int, product string, quantity int, op string" }

events:filter(function(row) return row.quantity >= 0 and row.order_id > 0 end)
	:with("amount int", function(row) return row.quantity + row.order_id % 1 end)
	:group_by "op"
	:agg("count(*) as event_count", "sum(amount) as total_quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
