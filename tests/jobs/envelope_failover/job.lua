-- The connector goes on at another server, whose positions are lower: what it tells is newer all the same. What it
-- repeats before is not.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_failover" }

for _, name in ipairs { "mysql", "maxwell", "postgresql" } do
	cdcl.file { path = name .. ".jsonl", schema = "id int, v string" }
		:merge { name = name, key = "id" }
		:to(cdcl.changes { output_mode = "changelog" })
end
