local cdcl = require "cdcl"
local orders = cdcl.generate { count = 1 }
orders:to(cdcl.parquet_sink { path = "out/orders" }, cdcl.file_sink { path = "./out/orders/orders.csv" })
