local cdcl = require "cdcl"
local a = cdcl.stdin { schema = "id int, name string" }
local b = cdcl.stdin { schema = "id int, name string" }
a:join(b:group_by "id":agg "max(name) as name", "id"):to(cdcl.changes {})
