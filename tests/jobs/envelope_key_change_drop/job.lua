-- A changed key is a delete and an upsert of one message: a value that does not fit costs both, and is named.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_key_change_drop", dead_letters = { path = "dead.jsonl" } }

cdcl.file { path = "in.jsonl", mode = "drop", schema = "id int, n int", envelope = "maxwell" }
	:merge { name = "t", key = "id" }
	:to(cdcl.changes { output_mode = "complete" })
