-- What does not fit the table: an insert over a row, an update and a delete of none.
local cdcl = require "cdcl"
cdcl.job { name = "merge_policies" }
cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, op string" }
	:merge { name = "orders", key = "id", on_insert_existing = "error", on_update_missing = "ignore", on_delete_missing = "error" }
	:to(cdcl.changes { output_mode = "changelog" })
