-- The same events one by one: no merge, so each is a row, with what the envelope says as metadata.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_stream" }

cdcl.file { path = "in.jsonl", format = "records", envelope = "debezium", schema = "order_id int, quantity int" }
  :filter(function(row) return row["@op"] ~= "tombstone" end)
  :select("@op as op", "order_id", "quantity", "@source.lsn as lsn", "@source.snapshot as snapshot",
          "@event_time as at", "@before.quantity as was")
  :to(cdcl.changes {})
