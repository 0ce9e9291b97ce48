-- Every version of a row, with the time in which it was the current one.
local cdcl = require "cdcl"
cdcl.job { name = "merge_history" }
local versions = cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, op string" }
	:merge { name = "orders", key = "id", rules = { cdcl.merge.keep_history } }
versions:to(cdcl.changes { output_mode = "changelog" }, cdcl.console { output_mode = "complete", truncate = false })
versions:filter "is_current":agg("count(*) as n", "sum(q) as q"):to(cdcl.changes { output_mode = "changelog" })
