-- The current row of every key, and what they add up to.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_rows" }

local orders = topic { schema = "order_id int, product string, quantity int, op string" }
	:merge { name = "orders", key = "order_id" }

orders:agg("count(*) as rows", "sum(quantity) as quantity")
	:select("'rows' as what", "rows", "quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
