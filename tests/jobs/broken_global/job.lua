local cdcl = require "cdcl"
cdcl.file { path = pth, schema = "name string" }:to(cdcl.console {})
