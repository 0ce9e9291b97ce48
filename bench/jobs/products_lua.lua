-- products.lua with Lua everywhere: a filter, a column and a rule of the merge.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_products_lua" }

local orders = topic { schema = "order_id int, product string, quantity int, op string" }
	:filter(function(row) return row.quantity >= 0 and row.order_id > 0 end)
	:with("amount int", function(row) return row.quantity + row.order_id % 1 end)
	:merge {
		name = "orders",
		key = "order_id",
		on_update = function(old, new)
			if old.amount < 0 then return nil, "negative amount" end
			return new
		end,
	}

orders:group_by "product"
	:agg("count(*) as rows", "sum(amount) as quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
