#!/usr/bin/env -S cdcl run
-- Calls a Lua function with the rows of each batch; its print goes to stderr.
local cdcl = require "cdcl"

cdcl.job { name = "large_orders", trigger = "5 seconds" }

cdcl.kafka {
	topic = "orders_cdc",
	schema = "order_id int, product string, quantity int, op string",
}:filter "quantity >= 5":to(cdcl.foreach_batch(function(rows, batch_id)
	print(("batch %d: %d large orders"):format(batch_id, rows:count()))
	for row in rows:each() do print("  " .. row.order_id, row.product, row.quantity) end
end))
