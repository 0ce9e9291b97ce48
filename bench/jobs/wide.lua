-- The current rows of a table of 40 columns.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_wide" }

local columns = { "order_id int, product string, quantity int, op string" }
local types = { [0] = "i%02d int", "s%02d string", "d%02d double", "b%02d boolean" }
for i = 0, 35 do
	columns[#columns + 1] = types[i % 4]:format(i)
end

local orders = topic { schema = table.concat(columns, ", ") }
	:merge { name = "orders", key = "order_id" }

orders:agg("count(*) as rows", "sum(quantity) as quantity")
	:select("'rows' as what", "rows", "quantity")
	:to(cdcl.console { output_mode = "complete", truncate = false })
