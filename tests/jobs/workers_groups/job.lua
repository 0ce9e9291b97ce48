-- Rows that workers add up first, beside rows that they hand over, from two files.
local cdcl = require "cdcl"
cdcl.job { name = "workers_groups" }
local orders = cdcl.file { path = "in", schema = "id int, product string, quantity int, op string" }
	:filter(function(row) return row.quantity ~= nil and row.quantity >= 0 end)
orders:group_by "op":agg("count(*) as n", "sum(quantity) as units", "count(product) as named")
	:to(cdcl.console { output_mode = "complete" }, cdcl.changes { output_mode = "changelog" })
orders:select("id", "upper(product) as product", "@offset as line"):filter "id % 500 = 0":to(cdcl.changes {})
