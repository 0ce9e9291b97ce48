-- A user's own aggregate: the geometric mean of quantities, its state typed.
local cdcl = require "cdcl"
cdcl.job { name = "custom_aggregate" }

local geometric_mean = cdcl.aggregate { "geometric_mean double",
	state = "n bigint, logs double",
	add = function(state, row)
		if row.quantity and row.quantity > 0 then
			state.n = (state.n or 0) + 1
			state.logs = (state.logs or 0) + math.log(row.quantity)
		end
	end,
	finish = function(state)
		if (state.n or 0) > 0 then return math.floor(math.exp(state.logs / state.n) * 1000 + 0.5) / 1000 end
	end,
}

cdcl.file { path = "in.jsonl", schema = "order_id int, product string, quantity int, op string" }
	:group_by "product"
	:agg("count(*) as n", geometric_mean)
	:order_by "product"
	:to(cdcl.console { output_mode = "complete" })
