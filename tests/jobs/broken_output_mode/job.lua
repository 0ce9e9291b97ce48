local cdcl = require "cdcl"
cdcl.file { path = "in.jsonl", schema = "name string" }:group_by "name":agg "count(*) as n":to(cdcl.console { output_mode = "append" })
