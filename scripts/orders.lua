#!/usr/bin/env -S cdcl run
-- Counts change events and adds up quantities by operation, over everything seen so far.
local cdcl = require "cdcl"

cdcl.job { name = "orders", trigger = "10 seconds" }

local events = cdcl.kafka {
	topic = "orders_cdc",
	schema = "order_id int, product string, quantity int, op string",
}

events:group_by "op"
	:agg("count(*) as event_count", "sum(quantity) as total_quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
