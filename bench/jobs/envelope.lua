-- The current rows from Debezium's events.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_envelope" }

local orders = topic {
	envelope = "debezium",
	schema = "order_id int, product string, quantity int, price double",
}:merge { name = "orders", key = "order_id" }

orders:agg("count(*) as rows", "sum(quantity) as quantity")
	:select("'rows' as what", "rows", "quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
