local cdcl = require "cdcl"
cdcl.job { name = "having_order_limit" }

cdcl.file { path = "in.jsonl", schema = "order_id int, product string, quantity int, op string" }
	:group_by "product"
	:agg("count(*) as n", "sum(quantity) as units", "avg(quantity) as mean", "max_by(op, order_id) as last_op")
	:filter "units > 1"
	:with "units * 10 as scaled"
	:order_by("units desc", "product")
	:limit(2)
	:to(cdcl.console { output_mode = "complete" })
