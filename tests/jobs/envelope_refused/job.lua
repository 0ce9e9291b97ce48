-- What is no event of the topic's envelope is a dead letter that names it; the rest goes on.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_refused" }

cdcl.file { path = "in.jsonl", format = "records", schema = "order_id int, quantity int" }
  :merge { name = "orders", key = "order_id" }
  :to(cdcl.console { output_mode = "complete" })
