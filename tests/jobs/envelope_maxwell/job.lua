-- Several tables come in one Maxwell topic; a changed key is a delete and an insert.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_maxwell" }

cdcl.file { path = "in.jsonl", table = "shop.orders", schema = "order_id int, quantity int" }
  :merge { name = "orders", key = "order_id" }
  :to(cdcl.changes { output_mode = "changelog" })
