-- An error in a row of a Table ends the job and names the row: the Table without it would be wrong.
local cdcl = require "cdcl"
cdcl.job { name = "table_row_fails" }

cdcl.file { path = "in/orders.jsonl", schema = "id int, qty int, note string" }
	:merge { name = "orders", key = "id" }
	:with "100 / qty as share"
	:to(cdcl.changes { output_mode = "complete" })
