local cdcl = require "cdcl"
cdcl.job { name = "x" }
cdcl.file { path = "in.jsonl" schema = "id int" }:to(cdcl.console {})
