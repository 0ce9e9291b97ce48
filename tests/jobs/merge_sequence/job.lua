-- The highest sequence wins, whatever comes when; a deleted key is remembered; a tombstone carries no sequence.
local cdcl = require "cdcl"
cdcl.job { name = "merge_sequence" }
cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, v int, op string" }
	:merge { name = "orders", key = "id", sequence_by = "v", keep = "@partition as p" }
	:to(cdcl.changes { output_mode = "changelog" })
