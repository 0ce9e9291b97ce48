-- A function that remembers gives another row for the same input: the second group cannot follow.
local cdcl = require "cdcl"
cdcl.job { name = "taken_back_wrong" }

local calls = 0
cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "id int, v int" }
	:group_by "id":agg("sum(v) as sum")
	:with("n int", function()
		calls = calls + 1
		return calls
	end)
	:group_by "n":agg("count(*) as groups")
	:to(cdcl.console { output_mode = "complete" })
