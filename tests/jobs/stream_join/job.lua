-- A Stream looks up a Table as it is at the end of the batch; its rows keep their messages, also for errors.
local cdcl = require "cdcl"
cdcl.job { name = "stream_join" }

local orders = cdcl.file { path = "in/o*.jsonl", max_files_per_trigger = 1, schema = "id int, product string, n int" }
local prices = cdcl.file { path = "in/p*.jsonl", max_files_per_trigger = 1, schema = "product string, price decimal(8,2)" }
	:group_by "product":agg "last(price) as price"

orders:join(prices, "product", "left")
	:with("price * n as total", "@offset as at")
	:to(cdcl.changes {})
orders:join(prices, "product"):select("id", "10 / n as share"):to(cdcl.changes {})
orders:join(prices, "product"):group_by "product":agg "sum(n * price) as turnover"
	:to(cdcl.changes { output_mode = "update" })
