-- Canal: several rows a message, every value a string.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_canal" }

cdcl.file { path = "in.jsonl", envelope = "canal", schema = "id int, weight double, made date, sold boolean" }
  :merge { name = "products", key = "id" }
  :to(cdcl.changes { output_mode = "changelog" })
