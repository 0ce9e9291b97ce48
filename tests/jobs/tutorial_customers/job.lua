-- scripts/customers.lua with one file a batch: the boxes of the tutorial, byte for byte.
local cdcl = require "cdcl"

cdcl.job { name = "customers", trigger = "10 seconds" }

cdcl.file {
	path = "in/*.jsonl",
	max_files_per_trigger = 1,
	schema = "id int, name string, email string, op string",
}:to(cdcl.console { truncate = false })
