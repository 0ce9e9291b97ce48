-- Two Tables in one table would take out each other's rows.
local cdcl = require "cdcl"
cdcl.job { name = "sqlite_sink_twice" }

local orders = cdcl.file { path = "in/*.jsonl", schema = "id int, qty int" }:merge { name = "orders", key = "id" }
orders:to(cdcl.sqlite_sink { path = "out/orders.db", table = "orders" })
orders:filter "qty > 1":to(cdcl.sqlite_sink { path = "out/./orders.db", table = "Orders" })
