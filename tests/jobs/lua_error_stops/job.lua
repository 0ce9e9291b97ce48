local cdcl = require "cdcl"
cdcl.job { name = "lua_error_stops", on_error = "stop" }

cdcl.file { path = "in.jsonl", schema = "id int, name string" }
	:filter(function(row) return row.id + 1 > 0 end)
	:to(cdcl.console {})
