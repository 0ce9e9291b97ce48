-- scripts/orders.lua over the topic that bench/run filled.
local cdcl = require "cdcl"

cdcl.job { name = "bench_orders" }

local events = cdcl.kafka {
	topic = cdcl.var.topic,
	schema = "order_id int, product string, quantity int, op string",
}

events:group_by "op"
	:agg("count(*) as event_count", "sum(quantity) as total_quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
