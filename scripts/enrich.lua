#!/usr/bin/env -S cdcl run
-- Adds what a Lua table knows to each order: its value and the size of the order.
local cdcl = require "cdcl"

cdcl.job { name = "enrich", trigger = "1 second" }

local prices = { Laptop = 999.5, Mouse = 12, Keyboard = 45.25 }

cdcl.kafka {
	topic = "orders_cdc",
	schema = "order_id int, product string, quantity int, op string",
}:filter "op <> 'delete'"
	:filter(function(row) return prices[row.product] ~= nil end)
	:with("value double, size string", function(row)
		local value = prices[row.product] * row.quantity
		return value, value > 1000 and "large" or "small"
	end)
	:to(cdcl.changes {})
