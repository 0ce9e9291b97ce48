-- A Debezium topic as a Table: an unchanged TOAST value stays, what is replayed is stale, JSON null deletes.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_debezium" }

cdcl.file { path = "in.jsonl", format = "records",
            schema = "order_id int, quantity int, price decimal(10,2), note string" }
  :merge { name = "orders", key = "order_id" }
  :to(cdcl.console { output_mode = "complete" })
