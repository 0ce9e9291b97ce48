#!/usr/bin/env -S cdcl run
-- The largest current orders of each product and their share of it: Tables joined and ranked,
-- followed as orders change.
local cdcl = require "cdcl"

cdcl.job { name = "largest_orders", trigger = "10 seconds" }

local orders = cdcl.kafka {
	topic = "orders_cdc",
	schema = "order_id int, product string, quantity int, op string",
}:merge { name = "orders", key = "order_id" }

local units = orders:group_by "product":agg "sum(quantity) as units"

orders:join(units, "product")
	:with "round(100.0 * quantity / units, 1) as percent"
	:group_by "product"
	:top(2, "quantity desc, order_id")
	:to(cdcl.changes { output_mode = "changelog" })
