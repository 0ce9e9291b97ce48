local cdcl = require "cdcl"
local rows = cdcl.file { path = "in.jsonl", schema = "id int, n int, at timestamp, op string" }
local function keep(new)
	return new
end

rows:merge {
	name = "ready",
	key = "id",
	sequence_by = "at",
	rules = { cdcl.merge.counter "n", cdcl.merge.soft_delete "gone", cdcl.merge.first_write },
}:to(cdcl.changes { output_mode = "complete" })
rows:merge { name = "history", key = "id, n", rules = { cdcl.merge.keep_history } }
	:to(cdcl.changes { output_mode = "changelog" })
rows:merge { name = "lua", key = "id", on_insert = keep, order_free = true }
	:to(cdcl.changes { output_mode = "complete" })
