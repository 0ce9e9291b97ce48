local cdcl = require "cdcl"
cdcl.job { name = "foreach_batch" }

cdcl.file { path = "in/*.jsonl", max_files_per_trigger = 1, schema = "id int, name string" }
	:to(cdcl.foreach_batch(function(rows, batch_id)
		print("batch", batch_id, #rows)
		for _, row in ipairs(rows) do print(row.id, row.name) end
	end))
