local cdcl = require "cdcl"
cdcl.generate { count = 1 }
	:to(cdcl.file_sink { path = "out/orders.jsonl", every = "1 minute" })
