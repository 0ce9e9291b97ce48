local cdcl = require "cdcl"
local orders = cdcl.file { path = "in.jsonl", schema = "order_id int, product string, quantity int" }
orders:group_by "product":agg "sum(quantity) as units"
  :select "units":to(cdcl.sqlite_sink { path = "units.db", table = "units" })
