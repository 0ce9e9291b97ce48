-- mode = "drop" of an envelope: a value that does not fit costs its row, and the record is kept as a dead letter.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_drop", dead_letters = { path = "dead.jsonl" } }

cdcl.file { path = "in.jsonl", format = "records", mode = "drop", schema = "id int, day date", envelope = "debezium" }
	:merge { name = "days", key = "id" }
	:to(cdcl.changes { output_mode = "complete" })
