-- A truncate in the middle of a batch clears what came before it.
local cdcl = require "cdcl"
cdcl.job { name = "merge_truncate" }
cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, op string" }
	:merge { name = "orders", key = "id" }
	:to(cdcl.changes { output_mode = "changelog" })
