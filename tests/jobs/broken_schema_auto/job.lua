local cdcl = require "cdcl"
cdcl.job { name = "broken_schema_auto" }

cdcl.file { path = "in/nothing.jsonl", schema = "auto" }
	:to(cdcl.changes {})
