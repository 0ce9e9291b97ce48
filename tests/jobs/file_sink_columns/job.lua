local cdcl = require "cdcl"
cdcl.generate { count = 1 }:to(cdcl.file_sink { path = "out/orders.csv", format = "csv" })
