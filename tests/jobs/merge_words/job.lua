-- Operations: an expression, words of one's own, none at all.
local cdcl = require "cdcl"
cdcl.job { name = "merge_words" }
local source = cdcl.file { path = "in/*.jsonl", format = "records", envelope = "flat", max_files_per_trigger = 1,
	schema = "id int, q int, op string" }
source:merge { name = "mapped", key = "id", op = "op", op_map = { neu = "insert", weg = "delete" } }
	:to(cdcl.changes { output_mode = "changelog" })
source:merge { name = "expressed", key = "id", op = "case when op = 'weg' or q < 0 then 'd' else 'upsert' end" }
	:to(cdcl.changes { output_mode = "changelog" })
source:drop_columns("op"):merge { name = "upserts", key = "id" }
	:to(cdcl.changes { output_mode = "changelog" })
