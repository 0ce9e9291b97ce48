-- What cannot be used: NULL rows in the box, the text in _corrupt_record, expression errors cost the record.
local cdcl = require "cdcl"
cdcl.job { name = "bad_records" }

cdcl.file { path = "in.jsonl", null_value = "@@NULL@@", schema = "id int, n int, _corrupt_record string" }
	:select("id", "100 / n as share", "_corrupt_record")
	:to(cdcl.console { truncate = false })
