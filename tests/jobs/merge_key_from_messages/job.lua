-- A merge without key: the messages' own, two columns here; a tombstone deletes.
local cdcl = require "cdcl"
cdcl.job { name = "merge_key_from_messages" }

cdcl.file { path = "in/orders.jsonl", format = "records", schema = "id int, region string, qty int" }
	:merge { name = "orders" }
	:to(cdcl.changes { output_mode = "complete" })
