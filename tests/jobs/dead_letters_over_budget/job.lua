-- The budget ends the job, and the letters that used it up can be read.
local cdcl = require "cdcl"
cdcl.job { name = "dead_letters_over_budget", error_budget = 1, dead_letters = { path = "dead.jsonl" } }

cdcl.file { path = "in/orders.jsonl", schema = "id int, op string" }
	:merge { name = "orders", key = "id" }
	:to(cdcl.changes { output_mode = "complete" })
