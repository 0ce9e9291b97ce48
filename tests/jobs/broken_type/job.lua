local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "id intt" }:to(cdcl.console {})
