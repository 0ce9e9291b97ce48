local cdcl = require "cdcl"
cdcl.job { name = "check_schema_auto_input" }

local orders = cdcl.kafka { topic = "orders", schema = "auto" }
orders:filter "quantity > 1":to(cdcl.changes {})
