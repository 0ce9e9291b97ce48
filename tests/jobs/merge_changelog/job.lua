-- Insert, update, delete with its tombstone, an unknown word: a table and what stands behind it, batch by batch.
local cdcl = require "cdcl"
cdcl.job { name = "orders_merge" }
local orders = cdcl.file { path = "in/*.jsonl", format = "records", max_files_per_trigger = 1, schema = "order_id int, product string, quantity int, op string" }
  :merge { name = "orders", key = "order_id" }
orders:to(cdcl.changes { output_mode = "changelog" }, cdcl.console { output_mode = "complete" }, cdcl.console { output_mode = "update" })
orders:group_by "product":agg "sum(quantity) as units":to(cdcl.changes { output_mode = "changelog" })
