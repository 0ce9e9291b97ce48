-- The first rows of each group follow the Table: a row that leaves lets the next one up, a changed row moves.
local cdcl = require "cdcl"
cdcl.job { name = "table_top" }

local items = cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "id int, kind string, n int, op string" }
	:group_by "id":agg("last(kind) as kind", "last(n) as n", "last(op) as op")
	:filter "op <> 'delete'":drop_columns "op"
items:group_by "kind":top(2, "n desc nulls last"):to(cdcl.changes { output_mode = "changelog" })
items:top(3, "n desc, id desc"):select("id", "n"):to(cdcl.console { output_mode = "complete" })
items:group_by "kind":top(1, "n"):group_by "n":agg "collect_list(kind) as kinds"
	:to(cdcl.changes { output_mode = "update" })
