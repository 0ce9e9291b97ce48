-- Debezium's placeholder of an unchanged TOAST value has a form for each type; columns that have it keep what they were.
local cdcl = require "cdcl"
cdcl.job { name = "envelope_placeholders" }

cdcl.file { path = "in.jsonl", schema = [[id int, note string, bytes binary, h json, hs string, u array<string>, b array<binary>,
             f array<double>, n array<decimal(10,2)>, v array<decimal(10,2)>, i array<int>, g json, flags array<boolean>]] }
  :merge { name = "t", key = "id" }
  :to(cdcl.changes { output_mode = "complete" })
