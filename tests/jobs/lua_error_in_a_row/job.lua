-- A function that fails at the first row and at the 1,000th: those records are lost, counted, logged; the rest goes on.
local cdcl = require "cdcl"
cdcl.job { name = "lua_error_in_a_row" }

cdcl.file { path = "in.jsonl", schema = "id int" }
	:with("twice int", function(row)
		if row.id == 1 or row.id == 1000 then error("not this one: " .. row.id) end
		return row.id * 2
	end)
	:agg("count(*) as n", "sum(id) as ids", "sum(twice) as twices")
	:to(cdcl.console { output_mode = "complete" })
