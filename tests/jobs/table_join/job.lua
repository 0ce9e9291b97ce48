-- Table with Table: by foreign key, by key, many to many; left and inner; both sides change, in one batch too.
local cdcl = require "cdcl"
cdcl.job { name = "table_join" }

local orders = cdcl.file { path = "in/o*.jsonl", max_files_per_trigger = 1,
	schema = "id int, customer int, units int, op string" }
	:group_by "id":agg("last(customer) as customer", "last(units) as units", "last(op) as op")
	:filter "op <> 'delete'":drop_columns "op"
local customers = cdcl.file { path = "in/c*.jsonl", max_files_per_trigger = 1,
	schema = "cid bigint, name string, op string" }
	:group_by "cid":agg("last(name) as name", "last(op) as op")
	:filter "op <> 'delete'":drop_columns "op"

orders:join(customers, "customer = cid", "left"):select("id", "units", "name")
	:to(cdcl.changes { output_mode = "changelog" }, cdcl.console { output_mode = "complete" })
orders:join(customers:rename("cid", "customer"), "customer"):group_by "name"
	:agg("sum(units) as units", "count(*) as n"):to(cdcl.changes { output_mode = "changelog" })
-- many to many: which orders share a customer
local others = orders:rename("id", "other"):drop_columns "units"
orders:join(others, "customer"):filter "id < other":select("id", "other")
	:to(cdcl.changes { output_mode = "changelog" }, cdcl.changes { output_mode = "update" })
