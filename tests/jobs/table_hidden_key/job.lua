-- A Table keeps its key when select leaves it out; steps behind it see neither more nor other columns.
local cdcl = require "cdcl"
cdcl.job { name = "table_hidden_key" }

local sums = cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "a string, b int" }
	:group_by "a":agg("count(*) as n", "sum(b) as t")
	:select("n", "t")
sums:with("twice bigint", function(row) return row.n * 2 end)
	:with("n bigint", function(row) return row.n + 100 end)
	:to(cdcl.changes { output_mode = "changelog" })
sums:order_by "n desc, t"
	:to(cdcl.console { output_mode = "complete" })
