-- Job 2 or a merge (--set work=merge), and beside it every probe as it goes through.
local cdcl = require "cdcl"
local topic = require "topic"

cdcl.job { name = "bench_latency", trigger = "default" }

local events = topic {
	schema = "order_id int, product string, quantity int, op string, at bigint, probe int",
}

if cdcl.var.work == "merge" then
	events:select("order_id", "product", "quantity", "op")
		:merge { name = "orders", key = "order_id" }
		:agg("count(*) as rows", "sum(quantity) as units")
		:to(cdcl.memory { name = "orders", output_mode = "update" })
else
	events:group_by "op"
		:agg("count(*) as event_count", "sum(quantity) as total_quantity")
		:to(cdcl.memory { name = "operations", output_mode = "update" })
end
events:filter "probe = 1":select "at":to(cdcl.changes())
