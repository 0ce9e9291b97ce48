-- on_truncate = "fail": the job stops, and says where.
local cdcl = require "cdcl"
cdcl.job { name = "merge_truncate_fails" }
cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, op string" }
	:merge { name = "orders", key = "id", on_truncate = "fail" }
	:to(cdcl.changes { output_mode = "changelog" })
