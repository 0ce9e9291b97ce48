-- Over a Table lists are in ascending order, and min, max and their _by follow what is still there.
local cdcl = require "cdcl"
cdcl.job { name = "table_collect" }

cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "id int, g string, x double, s string, op string" }
	:group_by "id":agg("last(g) as g", "last(x) as x", "last(s) as s", "last(op) as op")
	:filter "op <> 'delete'"
	:group_by "g":agg("count(*) as n", "collect_list(x) as xs", "collect_set(s) as ss", "min(x) as lo", "max(s) as hi",
		"max_by(s, x) as at_hi", "min_by(s, x) as at_lo", "count(distinct s) as kinds", "sum(x) as sum", "avg(x) as mean")
	:to(cdcl.changes { output_mode = "changelog" })
