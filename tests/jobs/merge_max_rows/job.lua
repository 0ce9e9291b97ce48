-- max_rows stops the job before the table has more.
local cdcl = require "cdcl"
cdcl.job { name = "merge_max_rows" }
cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, op string" }
	:merge { name = "orders", key = "id", max_rows = 2 }
	:to(cdcl.changes { output_mode = "changelog" })
