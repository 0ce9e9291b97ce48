---@meta cdcl
-- The language for editors: what lib-lua offers, as LuaCATS annotations. `cdcl init` writes this
-- file beside a new job; tests/lua compares it with options.lua and with what the program has.

---@class cdcl
---@field null userdata stands for NULL where Lua cannot hold nil: in tables, and for JSON null
---@field var cdcl.Var
---@field merge cdcl.MergeRules ready rules for `stream:merge { rules = { ... } }`
---@field delete cdcl.Delete a merge rule's answer: the row goes
local cdcl = {}

---Values from `--set NAME=VALUE`. `cdcl.var { limit = 10 }` declares defaults; a value takes
---its default's type. Without a declaration a value is a string, or nil when it was not set.
---@class cdcl.Var
---@operator call(table<string, string|number|boolean>): nil
---@field [string] string|number|boolean|nil

---A row as a Lua function sees it: columns by name, NULL is nil. Also `row["@topic"]`,
---`["@partition"]`, `["@offset"]`, `["@timestamp"]` (microseconds), `["@key"]`, `["@value"]`,
---`["@headers"]`, `["@kind"]`.
---@class cdcl.Row
---@field [string] any

---An exact decimal: + - * / % and comparisons with decimals and integers are exact.
---@class cdcl.Decimal
---@field to_number fun(self: cdcl.Decimal): number

---@class cdcl.Sink

---@class cdcl.Aggregate

---@class cdcl.Rows
---@field [integer] cdcl.Row
---@field count fun(self: cdcl.Rows): integer
---@field each fun(self: cdcl.Rows): fun(): cdcl.Row?

---@alias cdcl.OutputMode "append"|"update"|"complete"|"changelog"
---@alias cdcl.Mode "permissive"|"failfast"|"drop"
---@alias cdcl.Json "spark"|"strict"

---@class cdcl.JobOptions
---@field name? string
---@field trigger? string
---@field on_error? "continue"|"stop"
---@field checkpoint? string
---@field restarts? integer
---@field error_budget? integer
---@field error_budget_per_minute? integer
---@field dead_letters? cdcl.DeadLettersOptions
---@field timezone? string
---@field call_ms_max? integer

---@class cdcl.KafkaOptions
---@field topic? string|string[]
---@field topic_pattern? string
---@field schema? string
---@field on_schema_change? "add"|"ignore"|"fail"
---@field starting_offsets? string|table
---@field brokers? string
---@field fetch_memory? string|integer
---@field lane? "auto"|"direct"|"librdkafka"
---@field max_offsets_per_trigger? integer
---@field on_data_loss? "stop"|"continue"
---@field envelope? "auto"|"flat"|"debezium"|"maxwell"|"canal"|"ogg"
---@field table? string
---@field mode? cdcl.Mode
---@field json? cdcl.Json
---@field kafka? table<string, string|number|boolean>

---@class cdcl.FileOptions
---@field path string
---@field schema? string
---@field on_schema_change? "add"|"ignore"|"fail"
---@field format? "lines"|"records"
---@field topic? string|string[]
---@field max_files_per_trigger? integer
---@field null_value? string
---@field envelope? "auto"|"flat"|"debezium"|"maxwell"|"canal"|"ogg"
---@field table? string
---@field mode? cdcl.Mode
---@field json? cdcl.Json

---@class cdcl.StdinOptions
---@field schema? string
---@field on_schema_change? "add"|"ignore"|"fail"
---@field format? "lines"|"records"
---@field topic? string|string[]
---@field null_value? string
---@field envelope? "auto"|"flat"|"debezium"|"maxwell"|"canal"|"ogg"
---@field table? string
---@field mode? cdcl.Mode
---@field json? cdcl.Json

---@class cdcl.GenerateOptions
---@field [1]? "orders"|"customers"
---@field kind? "orders"|"customers"
---@field schema? string
---@field rate? integer
---@field count? integer
---@field keys? integer
---@field seed? integer
---@field skew? number
---@field malformed? number
---@field duplicates? number
---@field late? number
---@field envelope? "auto"|"flat"|"debezium"|"maxwell"|"canal"|"ogg"
---@field table? string
---@field mode? cdcl.Mode
---@field json? cdcl.Json

---@class cdcl.ConsoleOptions
---@field output_mode? cdcl.OutputMode
---@field truncate? boolean
---@field num_rows? integer

---@class cdcl.ChangesOptions
---@field output_mode? cdcl.OutputMode

---@class cdcl.MemoryOptions
---@field output_mode? cdcl.OutputMode
---@field name? string

---@class cdcl.ForeachBatchOptions
---@field output_mode? cdcl.OutputMode

---@class cdcl.FileSinkOptions
---@field path string
---@field format? "jsonl"|"csv"
---@field on_error? cdcl.OnError
---@field output_mode? cdcl.OutputMode
---@field every? string

---@class cdcl.ParquetSinkOptions
---@field path string
---@field buckets? integer
---@field every? string
---@field keep_snapshots? integer
---@field compression? "zstd"|"snappy"|"none"
---@field partition_by? string
---@field on_error? cdcl.OnError
---@field output_mode? cdcl.OutputMode

---@alias cdcl.OnError "stop"|"retry"

---@class cdcl.DeadLettersOptions
---@field path? string
---@field topic? string
---@field brokers? string

---@class cdcl.KafkaSinkOptions
---@field topic? string
---@field key? string
---@field format? "json"|"debezium"|"raw"
---@field ignore_null_fields? boolean
---@field delivery? "exactly_once"|"at_least_once"
---@field brokers? string
---@field on_error? cdcl.OnError
---@field output_mode? cdcl.OutputMode
---@field kafka? table<string, string|number|boolean>

---@class cdcl.SqliteSinkOptions
---@field path string
---@field table string
---@field on_error? cdcl.OnError
---@field output_mode? cdcl.OutputMode

---@class cdcl.PostgresSinkOptions
---@field connection string
---@field table string
---@field on_error? cdcl.OnError
---@field output_mode? cdcl.OutputMode

---@class cdcl.AggregateOptions
---@field [1] string the result: "mean_x double"
---@field state string
---@field add fun(state: table, row: cdcl.Row)
---@field retract? fun(state: table, row: cdcl.Row)
---@field merge? fun(state: table, other: table) joins two states; not called in one process
---@field finish fun(state: table): any

---@alias cdcl.Policy "apply"|"ignore"|"error"

---@class cdcl.Delete

---What will be the row: its columns may be read and written, but those of the key.
---@class cdcl.NewRow
---@field [string] any

---A change event: its columns, as a row's; also `["@op"]` and `op`, the operation
---("insert", "update", "delete", "read", "upsert", "tombstone").
---@class cdcl.Event
---@field op string
---@field [string] any

---Merge rules answer a row (`new`, or `old`: the event is ignored), `cdcl.delete`, or nil and the
---reason (the event becomes a dead letter, the row stays).
---@alias cdcl.OnInsert fun(new: cdcl.NewRow, event: cdcl.Event): any, string?
---@alias cdcl.OnUpdate fun(old: cdcl.Row, new: cdcl.NewRow, event: cdcl.Event): any, string?
---@alias cdcl.OnDelete fun(old: cdcl.Row, event: cdcl.Event, new: cdcl.NewRow): any, string?

---@class cdcl.MergeRule
---@field name string
---@field column string?
---@field order_free boolean its column ends the same in whatever order events come
---@field on_insert cdcl.OnInsert?
---@field on_update cdcl.OnUpdate?
---@field on_delete cdcl.OnDelete?

---@class cdcl.MergeRules
---@field last_write cdcl.MergeRule the event's columns are the row, as without a rule
---@field first_write cdcl.MergeRule updates of a row that is there are ignored
---@field soft_delete fun(column: string): cdcl.MergeRule a delete sets it true, the row stays
---@field keep_history cdcl.MergeRule every version is kept: valid_from, valid_to, is_current
---@field counter fun(column: string): cdcl.MergeRule the column adds up
---@field max fun(column: string): cdcl.MergeRule the column keeps its greatest value

---@class cdcl.MergeOptions
---@field name? string
---@field key? string
---@field op? string
---@field op_map? table<string, string|number|boolean>
---@field sequence_by? string
---@field update? "replace"|"patch"
---@field null_means? "null"|"keep"
---@field except? string
---@field keep? string
---@field on_insert_existing? cdcl.Policy
---@field on_update_missing? cdcl.Policy
---@field on_delete_missing? cdcl.Policy
---@field on_truncate? "clear"|"ignore"|"fail"
---@field ttl? string
---@field ttl_by? "event"|"processing"
---@field tombstone_ttl? string
---@field max_rows? integer
---@field rules? cdcl.MergeRule[]
---@field on_insert? cdcl.OnInsert
---@field on_update? cdcl.OnUpdate
---@field on_delete? cdcl.OnDelete
---@field order_free? boolean

---Rows that count one by one (a Stream) or keyed rows that change (a Table, what `agg` gives).
---Every method answers a new value; a string is SQL, a function is Lua.
---@class cdcl.Stream
local stream = {}

---@param condition string|fun(row: cdcl.Row): boolean
---@return cdcl.Stream
function stream:filter(condition) end

---@param ... string SQL expressions: "price * quantity as total"
---@return cdcl.Stream
function stream:select(...) end

---Adds columns, or puts them in place of those of the same name.
---@overload fun(self: cdcl.Stream, ...: string): cdcl.Stream
---@param ddl string "total double"
---@param f fun(row: cdcl.Row): ...
---@return cdcl.Stream
function stream:with(ddl, f) end

---@param ddl string the new columns; f answers one value for each
---@param f fun(row: cdcl.Row): ...
---@return cdcl.Stream
function stream:map(ddl, f) end

---@param ddl string
---@param f fun(row: cdcl.Row, emit: fun(...))
---@return cdcl.Stream
function stream:flat_map(ddl, f) end

---@param ... cdcl.Stream
---@return cdcl.Stream
function stream:union(...) end

---@param ... string
---@return cdcl.Stream
function stream:drop_columns(...) end

---@param old string
---@param new string
---@return cdcl.Stream
function stream:rename(old, new) end

---@param n integer
---@return cdcl.Stream
function stream:limit(n) end

---@param ... string "units desc", "name asc nulls last"
---@return cdcl.Stream
function stream:order_by(...) end

---The current rows of what change events tell, by key.
---@param options cdcl.MergeOptions
---@return cdcl.Stream
function stream:merge(options) end

---@param ... string SQL expressions
---@return cdcl.Grouped
function stream:group_by(...) end

---@param ... string|cdcl.Aggregate "count(*) as n"
---@return cdcl.Stream
function stream:agg(...) end

---Of a Table the first n rows; they follow its changes.
---@param n integer
---@param by string "units desc, product"
---@return cdcl.Stream
function stream:top(n, by) end

---Table with Table, or Stream with Table as it is at the end of the batch.
---@param other cdcl.Stream a Table
---@param on string "customer_id", "region, id" or "customer_id = id and region = area"
---@param kind? "inner"|"left"
---@return cdcl.Stream
function stream:join(other, on, kind) end

---@param ... cdcl.Sink
---@return cdcl.Stream
function stream:to(...) end

---@class cdcl.Grouped
local grouped = {}

---@param ... string|cdcl.Aggregate "count(*) as n"
---@return cdcl.Stream
function grouped:agg(...) end

---Of a Table the first n rows of each group.
---@param n integer
---@param by string "units desc, product"
---@return cdcl.Stream
function grouped:top(n, by) end

---@param options cdcl.JobOptions
function cdcl.job(options) end

---@param options cdcl.KafkaOptions
---@return cdcl.Stream
function cdcl.kafka(options) end

---@param options cdcl.FileOptions
---@return cdcl.Stream
function cdcl.file(options) end

---@param options? cdcl.StdinOptions
---@return cdcl.Stream
function cdcl.stdin(options) end

---@param options? cdcl.GenerateOptions
---@return cdcl.Stream
function cdcl.generate(options) end

---@param ... cdcl.Stream
---@return cdcl.Stream
function cdcl.union(...) end

---@param options? cdcl.ConsoleOptions
---@return cdcl.Sink
function cdcl.console(options) end

---@param options? cdcl.ChangesOptions
---@return cdcl.Sink
function cdcl.changes(options) end

---@param options? cdcl.MemoryOptions
---@return cdcl.Sink
function cdcl.memory(options) end

---@param options cdcl.FileSinkOptions
---@return cdcl.Sink
function cdcl.file_sink(options) end

---@param options cdcl.ParquetSinkOptions
---@return cdcl.Sink
function cdcl.parquet_sink(options) end

---@param options cdcl.KafkaSinkOptions
---@return cdcl.Sink
function cdcl.kafka_sink(options) end

---@param options cdcl.SqliteSinkOptions
---@return cdcl.Sink
function cdcl.sqlite_sink(options) end

---@param options cdcl.PostgresSinkOptions
---@return cdcl.Sink
function cdcl.postgres_sink(options) end

---@alias cdcl.BatchFunction fun(rows: cdcl.Rows, batch_id: integer)

---@overload fun(options: cdcl.ForeachBatchOptions, f: cdcl.BatchFunction): cdcl.Sink
---@param f cdcl.BatchFunction
---@return cdcl.Sink
function cdcl.foreach_batch(f) end

---@param options cdcl.AggregateOptions
---@return cdcl.Aggregate
function cdcl.aggregate(options) end

---@param name string
---@param default? string
---@return string
function cdcl.env(name, default) end

---@param path string
---@return string
function cdcl.secret_file(path) end

---@param text string|integer
---@return cdcl.Decimal
function cdcl.decimal(text) end

---@param row cdcl.Row
---@return table<string, any>
function cdcl.to_table(row) end

return cdcl
