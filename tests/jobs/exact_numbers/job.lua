-- Nothing passes through a double: big integers, decimals, number text.
local cdcl = require "cdcl"
cdcl.job { name = "exact_numbers" }

local rows = cdcl.file { path = "in.jsonl", schema = "big bigint, price decimal(20,4), text string" }
rows:select("big", "big - 1 as less", "price", "price * 3 as thrice", "text"):to(cdcl.console { truncate = false })
rows:with("same bigint", function(row) return row.big end)
	:agg("sum(price) as total", "max(same) as most", "min(same) as least")
	:to(cdcl.console { output_mode = "complete", truncate = false })
