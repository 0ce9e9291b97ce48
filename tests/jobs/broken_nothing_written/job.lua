local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "name string" }
