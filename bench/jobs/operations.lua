-- Count and sum by operation: scripts/orders.lua.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_operations" }

local events = topic { schema = "order_id int, product string, quantity int, op string" }

events:group_by "op"
	:agg("count(*) as event_count", "sum(quantity) as total_quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
