-- The options of every noun: the one table that validation, the LuaCATS annotations (lib-
-- lua/meta.lua, compared
-- by tests/lua/test_meta.lua) and docs/lua-api.md follow.
--
-- type: "string" | "strings" (a string or a list of them) | "boolean" | "integer" | "number" |
-- "fraction" (0..1)
--       | "bytes" ("64 MB" or a number) | "duration" ("30 seconds") | "function" | "rules"
--       | "settings" (name = value) | "offsets" | {"one", "of", "these"}

local json_options = {
	{
		name = "mode",
		type = { "permissive", "failfast", "drop" },
		default = "permissive",
		doc = "what an unreadable field or message costs: NULL, the job, the row",
	},
	{
		name = "json",
		type = { "spark", "strict" },
		default = "spark",
		doc = '"strict": RFC 8259 only; else JSON is read as Spark\'s from_json reads it',
	},
}

local schema = {
	name = "schema",
	type = "string",
	doc = 'columns as DDL: "id int, name string"; "auto": as the first messages say; '
		.. "without it Spark's own Kafka columns (key, value, topic, ...)",
}

local on_schema_change = {
	name = "on_schema_change",
	type = { "add", "ignore", "fail" },
	default = "add",
	doc = 'under schema = "auto": what a column that came, went or grew in mid-stream does',
}

local envelope_options = {
	{
		name = "envelope",
		type = { "auto", "flat", "debezium", "maxwell", "canal", "ogg" },
		doc = "what stands around a row; auto looks at the first messages (and is what a "
			.. "merge asks for), flat is nothing",
	},
	{
		name = "table",
		type = "string",
		doc = 'rows of one table only, where several come: "orders", "shop.orders"',
	},
}

local output_mode = {
	name = "output_mode",
	type = { "append", "update", "complete", "changelog" },
	doc = "which rows of a batch are written; append is the default",
}

-- Of targets, whose default depends on what they are under.
local target_mode = {
	name = "output_mode",
	type = { "append", "update", "complete", "changelog" },
	doc = "which rows of a batch are written; append under a Stream, under a Table what the "
		.. "target keeps",
}

local path = {
	name = "path",
	type = "string",
	required = true,
	doc = "where it is written; missing folders are made",
}

local every = {
	name = "every",
	type = "duration",
	doc = 'least time between two rewritings (or files added), "30 seconds"; else each batch',
}

local table_name = {
	name = "table",
	type = "string",
	required = true,
	doc = "made when it is not there, else checked: columns, types, a unique index of the key",
}

local on_error = {
	name = "on_error",
	type = { "stop", "retry" },
	default = "stop",
	doc = "when the target fails: stop the job, or try again for five minutes first",
}

local function noun(doc, ...)
	local n = { doc = doc }
	for i = 1, select("#", ...) do
		local part = select(i, ...)
		if part.name then
			n[#n + 1] = part
		else
			for _, option in ipairs(part) do
				n[#n + 1] = option
			end
		end
	end
	return n
end

return {
	job = noun("The job: its name, when batches close, what a bad record costs.", {
		name = "name",
		type = "string",
		doc = "also the consumer group; the script's file name when absent",
	}, {
		name = "trigger",
		type = "string",
		default = "default",
		doc = '"10 seconds", "default" (as fast as possible), "once" or "available_now"',
	}, {
		name = "on_error",
		type = { "continue", "stop" },
		default = "continue",
		doc = '"stop": the first record that fails ends the job, as in Spark',
	}, {
		name = "checkpoint",
		type = "string",
		doc = "a folder where state and positions are kept; a new start goes on from there",
	}, {
		name = "restarts",
		type = "integer",
		default = 5,
		doc = "with a checkpoint: how often in a row the job goes back to it by itself "
			.. "when a target or broker fails",
	}, {
		name = "error_budget",
		type = "integer",
		default = 1000,
		doc = "records that may fail, counted from each start, before the job stops",
	}, {
		name = "error_budget_per_minute",
		type = "integer",
		doc = "and within one minute; else 5 % of its records, once it has read 1,000",
	}, {
		name = "dead_letters",
		type = "dead_letters",
		doc = "where records that could not be used are kept: { path = ... } or { topic = "
			.. "... }",
	}, {
		name = "call_ms_max",
		type = "integer",
		default = 10000,
		doc = "a Lua function that computes longer for one row ends the process, as does "
			.. "one that waits ten times as long",
	}, {
		name = "timezone",
		type = "string",
		default = "UTC",
		doc = 'of timestamps: "Europe/Berlin", "+02:00"',
	}),

	kafka = noun(
		"Messages of Kafka topics.",
		{
			name = "topic",
			type = "strings",
			doc = 'one topic or a list, also "orders, orders_2"',
		},
		{
			name = "topic_pattern",
			type = "string",
			doc = "regular expression instead of topic",
		},
		schema,
		on_schema_change,
		{
			name = "starting_offsets",
			type = "offsets",
			default = "latest",
			doc = '"earliest", "latest", { timestamp = "2024-01-01 00:00:00" } or { '
				.. "topic = { [0] = 5 } }",
		},
		{
			name = "brokers",
			type = "string",
			default = "localhost:9092",
			doc = "host:port, comma-separated; --brokers and CDCL_BROKERS win",
		},
		{
			name = "fetch_memory",
			type = "bytes",
			default = "64 MB",
			doc = "how much may be fetched ahead",
		},
		{
			name = "lane",
			type = { "auto", "direct", "librdkafka" },
			default = "auto",
			doc = "who fetches: cdcl's own requests (direct), or librdkafka, which "
				.. "knows TLS and SASL",
		},
		{
			name = "max_offsets_per_trigger",
			type = "integer",
			doc = "messages of one batch at most",
		},
		{
			name = "on_data_loss",
			type = { "stop", "continue" },
			default = "stop",
			doc = "when offsets to be read are gone",
		},
		envelope_options,
		json_options,
		{
			name = "kafka",
			type = "settings",
			doc = 'settings of librdkafka: { ["security.protocol"] = "ssl" }',
		}
	),

	file = noun(
		"Lines of files, in name order; .gz and .zst too.",
		{
			name = "path",
			type = "string",
			required = true,
			doc = 'a file, a folder or a pattern: "in/*.jsonl"',
		},
		schema,
		on_schema_change,
		{
			name = "format",
			type = { "lines", "records" },
			default = "lines",
			doc = '"records": one JSON object a line with topic, partition, offset, '
				.. "ts, headers, key, value",
		},
		{
			name = "topic",
			type = "strings",
			doc = "records: which topics to read; all when absent",
		},
		{
			name = "max_files_per_trigger",
			type = "integer",
			doc = "files of one batch at most",
		},
		{
			name = "null_value",
			type = "string",
			bytes = true, -- may hold a NUL
			doc = "a line equal to it is a message with a NULL value",
		},
		envelope_options,
		json_options
	),

	stdin = noun(
		"Lines of standard input.",
		schema,
		on_schema_change,
		{
			name = "format",
			type = { "lines", "records" },
			default = "lines",
			doc = "as for cdcl.file",
		},
		{ name = "topic", type = "strings", doc = "as for cdcl.file" },
		{ name = "null_value", type = "string", bytes = true, doc = "as for cdcl.file" },
		envelope_options,
		json_options
	),

	generate = noun(
		"Simulated change events, the same for the same seed.",
		{
			name = "kind",
			type = { "orders", "customers" },
			default = "orders",
			doc = "which table's changes",
		},
		schema,
		{
			name = "rate",
			type = "integer",
			default = 10,
			doc = "messages a second; 0: as fast as they are taken",
		},
		{
			name = "count",
			type = "integer",
			default = 0,
			doc = "messages in all; 0: without an end",
		},
		{
			name = "keys",
			type = "integer",
			default = 100,
			doc = "how many keys live at a time",
		},
		{
			name = "seed",
			type = "integer",
			default = 1,
			doc = "the same seed gives the same bytes",
		},
		{
			name = "skew",
			type = "number",
			default = 0,
			doc = "Zipf exponent of the keys; 0: uniform",
		},
		{
			name = "malformed",
			type = "fraction",
			default = 0,
			doc = "part of the messages that are no JSON",
		},
		{
			name = "duplicates",
			type = "fraction",
			default = 0,
			doc = "part of the messages sent twice",
		},
		{
			name = "late",
			type = "fraction",
			default = 0,
			doc = "part of the messages sent late",
		},
		envelope_options,
		json_options
	),

	console = noun("A box per batch on stdout, as Spark prints it.", output_mode, {
		name = "truncate",
		type = "boolean",
		default = true,
		doc = "cut cells at 20 characters",
	}, {
		name = "num_rows",
		type = "integer",
		default = 20,
		negative = true,
		doc = "rows shown at most",
	}),

	changes = noun("The rows of each batch as JSON lines on stdout.", output_mode),

	memory = noun(
		"Keeps the rows in memory, for tests.",
		output_mode,
		{ name = "name", type = "string", doc = "under which a test finds them" }
	),

	foreach_batch = noun("Calls a Lua function once per batch.", output_mode),

	file_sink = noun("Rows as lines of a file.", path, {
		name = "format",
		type = { "jsonl", "csv" },
		default = "jsonl",
		doc = "one JSON object a line, or CSV with a header",
	}, on_error, target_mode, every),

	parquet_sink = noun("Rows as a folder of Parquet files.", path, {
		name = "buckets",
		type = "integer",
		default = 16,
		doc = "complete: files that the rows are spread over by key; only those with a "
			.. "change are rewritten",
	}, every, {
		name = "keep_snapshots",
		type = "integer",
		default = 2,
		doc = "complete: how many snapshots before the current one stay on disk",
	}, {
		name = "compression",
		type = { "zstd", "snappy", "none" },
		default = "zstd",
		doc = "of the pages",
	}, {
		name = "partition_by",
		type = "string",
		doc = 'append and changelog: "day" (of the batch) or columns, a folder for each '
			.. "value",
	}, on_error, target_mode),

	dead_letters = noun(
		"Where records that could not be used are kept, with the reason.",
		{ name = "path", type = "string", doc = "a file of JSON lines, added to" },
		{ name = "topic", type = "string", doc = "a Kafka topic instead of a file" },
		{
			name = "brokers",
			type = "string",
			doc = "of the topic; else those of the job's first Kafka source",
		}
	),

	kafka_sink = noun("Rows as messages of a Kafka topic.", {
		name = "topic",
		type = "string",
		doc = 'the topic, made when it is not there; "raw": else the column topic',
	}, {
		name = "key",
		type = "string",
		doc = 'columns of the message key, "a, b"; else the Table\'s key',
	}, {
		name = "format",
		type = { "json", "debezium", "raw" },
		doc = "json: a row as an object; debezium: before, after, op; raw: columns key, "
			.. "value, topic, partition, headers, as in Spark",
	}, {
		name = "ignore_null_fields",
		type = "boolean",
		default = false,
		doc = "leave NULLs out of the object, as Spark's to_json does",
	}, {
		name = "delivery",
		type = { "exactly_once", "at_least_once" },
		doc = "exactly_once: each batch is a transaction, for readers with read_committed; "
			.. "the default with a checkpoint",
	}, {
		name = "brokers",
		type = "string",
		default = "localhost:9092",
		doc = "as for cdcl.kafka",
	}, on_error, target_mode, {
		name = "kafka",
		type = "settings",
		doc = "settings of librdkafka",
	}),

	sqlite_sink = noun("Rows in a table of an SQLite file.", {
		name = "path",
		type = "string",
		required = true,
		doc = "the file, made when it is not there",
	}, table_name, on_error, target_mode),

	postgres_sink = noun("Rows in a table of a PostgreSQL database.", {
		name = "connection",
		type = "string",
		required = true,
		doc = 'libpq\'s: "host=db dbname=shop user=cdcl"; it is never printed',
	}, table_name, on_error, target_mode),

	aggregate = noun("An aggregate of one's own, with a typed state.", {
		name = "state",
		type = "string",
		required = true,
		doc = 'columns of the state as DDL: "n bigint, s double"; numbers start at 0',
	}, { name = "add", type = "function", required = true, doc = "function(state, row)" }, {
		name = "retract",
		type = "function",
		doc = "function(state, row): takes back an add",
	}, {
		name = "merge",
		type = "function",
		doc = "function(state, other): joins two states of a group; not called "
			.. "while one process sees all rows of a group",
	}, {
		name = "finish",
		type = "function",
		required = true,
		doc = "function(state): the result",
	}),

	merge = noun(
		"What change events do to a Table, and what of them it keeps.",
		{
			name = "name",
			type = "string",
			doc = "of the table, in logs and reports; the topic when absent",
		},
		{
			name = "key",
			type = "string",
			doc = 'columns that tell rows apart: "region, order_id"',
		},
		{
			name = "op",
			type = "string",
			doc = "column or SQL expression with the operation; a column named op "
				.. "is taken by default",
		},
		{
			name = "op_map",
			type = "settings",
			doc = 'words of your own: { neu = "insert", weg = "delete" }',
		},
		{
			name = "sequence_by",
			type = "string",
			doc = "columns or SQL expressions: the highest wins, equal or lower is "
				.. "stale; the envelope's position or the order of arrival when "
				.. "absent",
		},
		{
			name = "update",
			type = { "replace", "patch" },
			default = "replace",
			doc = '"patch": a column that the event does not have keeps its value',
		},
		{
			name = "null_means",
			type = { "null", "keep" },
			default = "null",
			doc = 'patch: "keep": an explicit NULL keeps the old value too',
		},
		{
			name = "except",
			type = "string",
			doc = "columns that are written once and never changed",
		},
		{
			name = "keep",
			type = "string",
			doc = 'what the Table holds besides the columns: "op, @offset"',
		},
		{
			name = "on_insert_existing",
			type = { "apply", "ignore", "error" },
			default = "apply",
			doc = "an insert of a row that is there",
		},
		{
			name = "on_update_missing",
			type = { "apply", "ignore", "error" },
			default = "apply",
			doc = "an update of a row that is not there",
		},
		{
			name = "on_delete_missing",
			type = { "apply", "ignore", "error" },
			default = "apply",
			doc = "a delete of a row that is not there",
		},
		{
			name = "on_truncate",
			type = { "clear", "ignore", "fail" },
			default = "clear",
			doc = "what a truncate of the source table does to this one",
		},
		{
			name = "ttl",
			type = "duration",
			doc = 'rows that no event touched for so long go: "30 days"',
		},
		{
			name = "ttl_by",
			type = { "event", "processing" },
			default = "event",
			doc = "whose time the ttl counts",
		},
		{
			name = "tombstone_ttl",
			type = "duration",
			default = "24 hours",
			doc = "how long (event time) a deleted key is remembered",
		},
		{
			name = "max_rows",
			type = "integer",
			doc = "more rows stop the job",
		},
		{
			name = "rules",
			type = "rules",
			doc = 'ready rules: { cdcl.merge.counter "quantity" }',
		},
		{
			name = "on_insert",
			type = "function",
			doc = "function(new, event): the row to keep, or nil and a reason",
		},
		{
			name = "on_update",
			type = "function",
			doc = "function(old, new, event): a row, cdcl.delete, or nil and a reason",
		},
		{
			name = "on_delete",
			type = "function",
			doc = "function(old, event, new): as on_update; new is the row to keep",
		},
		{
			name = "order_free",
			type = "boolean",
			default = false,
			doc = "the functions end in the same rows in whatever order events come",
		}
	),
}
