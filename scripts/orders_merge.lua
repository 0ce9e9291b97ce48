#!/usr/bin/env -S cdcl run
-- The current orders as plain Parquet: a change event updates its own row only, in the table and
-- in everything that is computed from it.
local cdcl = require "cdcl"

cdcl.job { name = "orders_merge", trigger = "10 seconds" }

local orders = cdcl.kafka {
	topic = "orders_cdc",
	schema = "order_id int, product string, quantity int, op string",
}:merge {
	name = "orders",
	key = "order_id",
	on_update = function(old, new)
		if (new.quantity or 0) < 0 then return nil, "negative quantity" end
		return new
	end,
}

orders:to(cdcl.parquet_sink { path = "out/orders" }) -- any reader opens it, also while the job runs
orders:group_by "product" -- takes back what an update or a delete removes
	:agg "sum(quantity) as units"
	:to(cdcl.console { output_mode = "update" })
