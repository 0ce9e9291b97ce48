#!/usr/bin/env -S cdcl run
-- Takes nested JSON apart: a row for each line of an order, prices kept exact.
local cdcl = require "cdcl"

cdcl.job { name = "order_lines", trigger = "1 second" }

cdcl.kafka { topic = "orders_json", schema = "order_id int, customer json, lines json" }
	:flat_map("city string, sku string, price decimal(10,2)", function(row, emit)
		for _, line in pairs(row.lines) do
			emit(row.customer.address.city, line.sku, cdcl.decimal(line.price))
		end
	end)
	:group_by "city"
	:agg("count(*) as lines", "sum(price) as total")
	:to(cdcl.console { output_mode = "complete", truncate = false })
