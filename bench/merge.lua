-- The current rows of the topic that bench/run filled, and what they add up to.
local cdcl = require "cdcl"

cdcl.job { name = "bench_merge" }

local orders = cdcl.kafka {
	topic = cdcl.var.topic,
	schema = "order_id int, product string, quantity int, op string",
}:merge { name = "orders", key = "order_id" }

orders:agg("count(*) as rows", "sum(quantity) as quantity")
	:select("'rows' as what", "rows", "quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
