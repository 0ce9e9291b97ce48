-- scripts/orders.lua with one file a batch: the boxes of the tutorial, byte for byte.
local cdcl = require "cdcl"

cdcl.job { name = "orders", trigger = "10 seconds" }

local events = cdcl.file {
	path = "in/*.jsonl",
	max_files_per_trigger = 1,
	schema = "order_id int, product string, quantity int, op string",
}

events:group_by "op"
	:agg("count(*) as event_count", "sum(quantity) as total_quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
