local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "quantity int" }:filter "quantty > 1":to(cdcl.console {})
