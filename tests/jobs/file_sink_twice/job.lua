local cdcl = require "cdcl"
local orders = cdcl.generate { count = 1 }
orders:to(cdcl.file_sink { path = "out/orders.csv", format = "csv" })
orders:to(cdcl.file_sink { path = "out//./orders.csv" })
