#!/usr/bin/env -S cdcl run
-- Prints every change of a customer as it comes.
local cdcl = require "cdcl"

cdcl.job { name = "customers", trigger = "10 seconds" }

cdcl.kafka {
	topic = "customers_cdc",
	schema = "id int, name string, email string, op string",
}:to(cdcl.console { truncate = false })
