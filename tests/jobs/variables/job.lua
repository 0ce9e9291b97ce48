-- --set gives values to cdcl.var, typed by their default.
local cdcl = require "cdcl"
cdcl.job { name = "variables" }

local least = cdcl.var.least or 0

cdcl.file { path = cdcl.var.path, schema = "order_id int, product string, quantity int, op string" }
	:filter(function(row) return row.quantity >= tonumber(least) end)
	:select("product", "quantity")
	:to(cdcl.console {})
