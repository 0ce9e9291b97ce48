local cdcl = require "cdcl"
cdcl.job { name = "compressed_input" }

cdcl.file { path = "in/*", schema = "order_id int, product string, quantity int, op string" }
	:group_by "op":agg "count(*) as n":order_by "op"
	:to(cdcl.console { output_mode = "complete" })
