local cdcl = require "cdcl"
local a = cdcl.stdin { schema = "id int, name string" }
local b = cdcl.stdin { schema = "id string, title string" }
a:join(b:group_by "id":agg "max(title) as title", "id"):to(cdcl.changes {})
