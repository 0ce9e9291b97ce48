-- As merge_ttl, decoded by workers.
local cdcl = require "cdcl"
cdcl.job { name = "workers_merge" }
cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, op string" }
	:merge { name = "orders", key = "id", ttl = "10 seconds" }
	:to(cdcl.changes { output_mode = "changelog" })
