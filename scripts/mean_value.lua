#!/usr/bin/env -S cdcl run
-- An aggregate of one's own: the mean weighted by quantity. Its state is typed.
local cdcl = require "cdcl"

cdcl.job { name = "mean_value", trigger = "10 seconds" }

local weighted_mean = cdcl.aggregate { "mean_price double",
	state = "units bigint, total double",
	add = function(state, row)
		state.units = state.units + row.quantity
		state.total = state.total + row.quantity * row.price
	end,
	finish = function(state)
		if state.units > 0 then return state.total / state.units end
	end,
}

cdcl.kafka { topic = "orders_cdc", schema = "product string, quantity int, price double" }
	:group_by "product"
	:agg("count(*) as orders", weighted_mean)
	:to(cdcl.console { output_mode = "update" })
