local cdcl = require "cdcl"
local a = cdcl.stdin { schema = "id int, name string" }
a:top(3, "id"):to(cdcl.changes {})
