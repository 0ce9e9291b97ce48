local cdcl = require "cdcl"
cdcl.generate { count = 1 }
	:agg("count(*) as n")
	:to(cdcl.parquet_sink { path = "out/orders" })
