-- How many products have how many events: the second group follows the first one's changes.
local cdcl = require "cdcl"
cdcl.job { name = "group_of_groups" }

cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "order_id int, product string, quantity int, op string" }
	:group_by "product":agg("count(*) as events")
	:group_by "events":agg("count(*) as products")
	:order_by "events"
	:to(cdcl.console { output_mode = "complete" })
