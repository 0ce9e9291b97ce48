-- A stream adds to files that are there already; every type in both forms.
local cdcl = require "cdcl"
cdcl.job { name = "file_sink_append" }

local rows = cdcl.file {
	path = "in.jsonl",
	schema = "id bigint, name string, ok boolean, f float, d double, price decimal(38,3), "
		.. "day date, at timestamp, raw binary, doc json",
}
rows = rows:with "split(name, ',') as list"
rows:to(cdcl.file_sink { path = "out/rows.jsonl" })
rows:to(cdcl.file_sink { path = "./out/rows.csv", format = "csv" })
rows:select("name"):to(cdcl.file_sink { path = "out/new/deep/names.csv", format = "csv",
	output_mode = "changelog" })
