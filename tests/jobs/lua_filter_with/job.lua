local cdcl = require "cdcl"
cdcl.job { name = "lua_filter_with" }

local discount = { Laptop = 0.1, Keyboard = 0.25 }

cdcl.file { path = "in.jsonl", schema = "order_id int, product string, quantity int, op string" }
	:filter(function(row) return row.quantity > 1 end)
	:with("discount double, label string", function(row)
		return discount[row.product], row.product:upper() .. "/" .. row.order_id
	end)
	:with "quantity * 2 as twice"
	:to(cdcl.console {})
