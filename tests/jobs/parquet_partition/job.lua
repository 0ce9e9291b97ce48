local cdcl = require "cdcl"
cdcl.generate { count = 1 }:to(cdcl.parquet_sink { path = "out/orders", partition_by = "day, regoin" })
