local cdcl = require "cdcl"
cdcl.job { name = "check_schema_auto" }

local orders = cdcl.kafka { topic = "orders", schema = "auto" }
orders:filter "qty > 1":to(cdcl.changes {})
