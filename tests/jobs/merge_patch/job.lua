-- A patch keeps what the event does not have, and what is NULL when null_means = "keep"; `except` is written once.
local cdcl = require "cdcl"
cdcl.job { name = "merge_patch" }
local source = cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, a string, b int, first string, op string" }
source:merge { name = "nulls_keep", key = "id", update = "patch", null_means = "keep", except = "first", keep = "op, @offset" }
	:to(cdcl.changes { output_mode = "changelog" })
source:merge { name = "nulls_count", key = "id", update = "patch", except = "first" }
	:to(cdcl.changes { output_mode = "changelog" })
source:merge { name = "replaced", key = "id" }
	:to(cdcl.changes { output_mode = "changelog" })
source:select("b", "id", "a", "op"):merge { name = "selected", key = "id", update = "patch" }
	:to(cdcl.changes { output_mode = "changelog" })
