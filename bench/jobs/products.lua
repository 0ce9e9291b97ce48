-- A merge and an aggregate that takes back what an update or a delete removes.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_products" }

local orders = topic { schema = "order_id int, product string, quantity int, op string" }
	:merge { name = "orders", key = "order_id" }

orders:group_by "product"
	:agg("count(*) as rows", "sum(quantity) as quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
