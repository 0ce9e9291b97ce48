local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", shema = "id int" }:to(cdcl.console {})
