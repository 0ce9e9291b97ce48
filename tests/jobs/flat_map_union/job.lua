local cdcl = require "cdcl"
cdcl.job { name = "flat_map_union" }

local orders = cdcl.file { path = "in.jsonl", schema = "order_id int, product string, quantity int, op string" }

-- One row for each piece, then the same columns from SQL, put together.
local pieces = orders:filter "quantity between 1 and 3":flat_map("product string, piece int", function(row, emit)
	for i = 1, row.quantity do emit(row.product, i) end
end)
local others = orders:filter "quantity > 3":select("product", "quantity as piece")

pieces:union(others):to(cdcl.changes {})
