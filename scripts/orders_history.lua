#!/usr/bin/env -S cdcl run
-- Every version of every order, with the time from which and until which it was so (a slowly
-- changing dimension of type 2), as plain Parquet.
local cdcl = require "cdcl"

cdcl.job { name = "orders_history", trigger = "10 seconds" }

local versions = cdcl.kafka {
	topic = "orders_cdc",
	schema = "order_id int, product string, quantity int, op string, changed_at timestamp",
}:merge {
	name = "versions",
	key = "order_id",
	sequence_by = "coalesce(changed_at, @timestamp)", -- the event's time, else its message's
	rules = { cdcl.merge.keep_history }, -- adds valid_from, valid_to, is_current
}:drop_columns "changed_at"

versions:to(cdcl.parquet_sink { path = "out/orders_history" })
versions:filter "order_id = 1001":to(cdcl.console { output_mode = "complete", truncate = false })
