-- Topics of several tables read as one source: table = takes one of them, tombstones of the others are skipped.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_table" }

cdcl.file { path = "in.jsonl", format = "records", table = "shop.public.orders", schema = "order_id int, quantity int" }
  :merge { name = "orders", key = "order_id" }
  :to(cdcl.console { output_mode = "complete" })
