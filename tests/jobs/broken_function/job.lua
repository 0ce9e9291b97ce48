local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "name string" }:select "uper(name)":to(cdcl.console {})
