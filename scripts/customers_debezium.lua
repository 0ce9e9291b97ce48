#!/usr/bin/env -S cdcl run
-- A table of SQLite that holds the rows of a table of PostgreSQL, from Debezium's events: columns
-- and operations come from them.
local cdcl = require "cdcl"

cdcl.job { name = "customers_debezium", trigger = "1 second" }

cdcl.kafka { topic = "shop.public.customers", schema = "auto" }
	:merge { name = "customers", key = "id" }
	:to(cdcl.sqlite_sink { path = "shop.db", table = "customers" })
