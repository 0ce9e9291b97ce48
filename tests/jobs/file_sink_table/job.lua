-- The current rows take a file's place; what it held before is gone. A changelog says what changed.
local cdcl = require "cdcl"
cdcl.job { name = "file_sink_table" }

local input =
	cdcl.file { path = "in/*.jsonl", schema = "name string, n int", max_files_per_trigger = 1 }
local groups = input
	:group_by("name"):agg("sum(n) as total")
groups:to(
	cdcl.file_sink { path = "out/totals.csv", format = "csv" },
	cdcl.file_sink { path = "out/totals.jsonl", format = "jsonl" },
	cdcl.file_sink { path = "out/changes.csv", format = "csv", output_mode = "changelog" }
)
groups:filter("total > 3")
	:select("total * 2 as twice")
	:to(cdcl.file_sink { path = "out/large.csv", format = "csv" })
groups:filter("false"):to(
	cdcl.file_sink { path = "out/none.csv", format = "csv" },
	cdcl.file_sink { path = "out/none.jsonl" }
)
