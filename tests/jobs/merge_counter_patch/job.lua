-- A counter adds what the event says: a column that is absent, or a NULL that keeps, adds nothing.
local cdcl = require "cdcl"
cdcl.job { name = "merge_counter_patch" }

local counter = cdcl.merge.counter "qty"
local sales = cdcl.file { path = "in/sales.jsonl", schema = "id int, qty int, note string, op string" }
local function merged(name, options)
	options.name, options.key, options.update = name, "id", "patch"
	sales:merge(options):to(cdcl.changes { output_mode = "complete" })
end
merged("in_c", { rules = { counter } })
merged("in_lua", { on_update = counter.on_update })
merged("in_c_keeps", { rules = { counter }, null_means = "keep" })
merged("in_lua_keeps", { on_update = counter.on_update, null_means = "keep" })
merged("in_c_error", { rules = { counter }, on_insert_existing = "ignore" })
