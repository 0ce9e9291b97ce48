#!/usr/bin/env -S cdcl run
-- The three products with the most units, ordered; the box is printed again at every change.
local cdcl = require "cdcl"

cdcl.job { name = "top_products", trigger = "10 seconds" }
cdcl.var { top = 3 }

cdcl.kafka {
	topic = "orders_cdc",
	schema = "order_id int, product string, quantity int, op string",
}:filter "op <> 'delete'"
	:group_by "product"
	:agg("sum(quantity) as units", "count(*) as changes", "avg(quantity) as mean")
	:order_by("units desc", "product")
	:limit(cdcl.var.top)
	:to(cdcl.console { output_mode = "complete", truncate = false })
