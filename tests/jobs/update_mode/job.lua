local cdcl = require "cdcl"
cdcl.job { name = "update_mode" }

cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "order_id int, product string, quantity int, op string" }
	:group_by "product":agg("count(*) as n", "min(quantity) as least")
	:to(cdcl.console { output_mode = "update" }, cdcl.changes { output_mode = "changelog" })
