local cdcl = require "cdcl"
cdcl.generate { count = 1 }
	:agg("count(*) as n")
	:to(cdcl.file_sink { path = "out/n.csv", format = "csv", output_mode = "update" })
