-- a row that was deleted, and its delete forgotten, before its ttl: nothing is there to expire
local cdcl = require "cdcl"
cdcl.job { name = "merge_ttl_forgotten" }

cdcl.file {
	path = "in/*.jsonl",
	format = "records",
	schema = "id int, q int, op string",
	max_files_per_trigger = 1,
}:merge { name = "t", key = "id", ttl = "10 seconds", tombstone_ttl = "1 second" }
	:to(cdcl.console { output_mode = "changelog" })
