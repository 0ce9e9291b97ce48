-- The language: what `require "cdcl"` gives. Every method checks its arguments and adds a step to
-- the plan;
-- types and names are checked by the core at the call, so that a mistake points at its own line.

local error, getmetatable, ipairs, rawget, select, setmetatable, tonumber, tostring, type =
	error, getmetatable, ipairs, rawget, select, setmetatable, tonumber, tostring, type
local format, concat = string.format, table.concat

return function(core, check, nouns, rows)
	local cdcl = {}
	local nodes = setmetatable({}, { __mode = "k" }) -- a Stream's or Table's node of the plan
	local sinks = setmetatable({}, { __mode = "k" }) -- a sink's kind and options
	local groups = setmetatable({}, { __mode = "k" }) -- group_by's node and keys
	local aggregates = setmetatable({}, { __mode = "k" })
	local job_given, source_given = false, false

	-- A value whose fields are its methods; a wrong name is an error with the nearest.
	local function class(name, methods)
		local names = {}
		for method in pairs(methods) do
			names[#names + 1] = method
		end
		table.sort(names)
		return {
			__metatable = false,
			__index = function(_, key)
				local method = methods[key]
				if method then
					return method
				end
				core.fail(
					format('a %s has no method "%s"', name, tostring(key)),
					tostring(key),
					check.spark_methods[key]
						or check.suggest(tostring(key), names)
						or "methods: " .. concat(names, ", ")
				)
			end,
			__newindex = function(_, key)
				core.fail(
					format("a %s cannot be written to", name),
					tostring(key)
				)
			end,
			__tostring = function()
				return name
			end,
		}
	end

	local methods = {}
	local Stream, Table, Group

	local function wrap(node, is_table)
		local value = setmetatable({}, is_table and Table or Stream)
		nodes[value] = node
		return value
	end

	local function node_of(value, method)
		local node = nodes[value]
		if not node then
			core.fail(
				format("%s: called on a %s", method, type(value)),
				method,
				format("write stream:%s(...), with a colon", method)
			)
		end
		return node
	end

	local function texts_of(method, what, least, ...)
		local list, n = {}, select("#", ...)
		for i = 1, n do
			local text = select(i, ...)
			if type(text) ~= "string" then
				check.wrong_type(method, what, text, method)
			end
			list[i] = text
		end
		if n < least then
			core.fail(format("%s: expected %s", method, what), method)
		end
		return list
	end

	local function function_at(method, f)
		if type(f) ~= "function" then
			check.wrong_type(method, "a function", f, method)
		end
		return f
	end

	-- One argument too many is a mistake, often a bracket in the wrong place.
	local function nothing_more(method, ...)
		if select("#", ...) > 0 then
			core.fail(format("%s: one argument too many", method), method)
		end
	end

	function methods:filter(condition, ...)
		local node = node_of(self, "filter")
		nothing_more("filter", ...)
		if type(condition) == "function" then
			return wrap(rows.filter(node, condition))
		end
		if type(condition) ~= "string" then
			check.wrong_type(
				"filter",
				"an SQL condition or a function",
				condition,
				"filter"
			)
		end
		return wrap(core.filter(node, condition))
	end

	function methods:select(...)
		return wrap(
			core.select(
				node_of(self, "select"),
				texts_of("select", "SQL expressions", 1, ...)
			)
		)
	end

	function methods:with(first, second, ...)
		local node = node_of(self, "with")
		if type(second) == "function" then
			nothing_more("with", ...)
			local ddl = texts_of("with", 'columns as "name type"', 1, first)[1]
			return wrap(rows.with(node, ddl, second))
		end
		if second == nil then
			return wrap(
				core.with(
					node,
					texts_of("with", "SQL expressions with names", 1, first)
				)
			)
		end
		return wrap(
			core.with(
				node,
				texts_of(
					"with",
					"SQL expressions with names",
					1,
					first,
					second,
					...
				)
			)
		)
	end

	function methods:map(ddl, f, ...)
		local node = node_of(self, "map")
		nothing_more("map", ...)
		return wrap(
			rows.map(
				node,
				texts_of("map", 'columns as "name type, ..."', 1, ddl)[1],
				function_at("map", f)
			)
		)
	end

	function methods:flat_map(ddl, f, ...)
		local node = node_of(self, "flat_map")
		nothing_more("flat_map", ...)
		local columns = texts_of("flat_map", 'columns as "name type, ..."', 1, ddl)[1]
		return wrap(rows.flat_map(node, columns, function_at("flat_map", f)))
	end

	function methods:union(...)
		local list = { node_of(self, "union") }
		for i = 1, select("#", ...) do
			list[i + 1] = node_of((select(i, ...)), "union")
		end
		return wrap(core.union(list))
	end

	function methods:drop_columns(...)
		local names = texts_of("drop_columns", "names of columns", 1, ...)
		return wrap(core.drop_columns(node_of(self, "drop_columns"), concat(names, ", ")))
	end

	function methods:rename(old, new, ...)
		nothing_more("rename", ...)
		local names = texts_of("rename", "the old and the new name", 2, old, new)
		return wrap(core.rename(node_of(self, "rename"), names[1], names[2]))
	end

	function methods:limit(n, ...)
		local node = node_of(self, "limit")
		nothing_more("limit", ...)
		if type(n) ~= "number" or n ~= math.floor(n) then
			check.wrong_type("limit", "a number of rows", n, "limit")
		end
		return wrap(core.limit(node, n))
	end

	function methods:order_by(...)
		local texts =
			texts_of("order_by", "SQL expressions, each with asc or desc", 1, ...)
		return wrap(core.order_by(node_of(self, "order_by"), texts))
	end

	function methods:merge(options, ...)
		local node = node_of(self, "merge")
		nothing_more("merge", ...)
		local clean = check.options("merge", options)
		for _, name in ipairs { "max_rows", "ttl" } do
			if clean[name] == 0 then
				core.fail(format("merge: %s must be above 0", name), name)
			end
		end
		local calls = clean.on_insert or clean.on_update or clean.on_delete
		if calls and clean.rules then
			core.fail(
				"merge: ready rules and functions do not go together",
				"rules",
				"a ready rule has functions too: on_update = "
					.. "cdcl.merge.counter(\"n\").on_update"
			)
		end
		local merged, is_table = core.merge(node, clean)
		if calls then
			rows.merge(merged, clean)
		end
		return wrap(merged, is_table)
	end

	function methods:group_by(...)
		local group = setmetatable({}, Group)
		groups[group] = {
			node = node_of(self, "group_by"),
			keys = texts_of("group_by", "SQL expressions", 1, ...),
		}
		return group
	end

	local function aggregate(node, keys, ...)
		local list = {}
		for i = 1, select("#", ...) do
			local part = select(i, ...)
			if type(part) ~= "string" and not aggregates[part] then
				check.wrong_type(
					"agg",
					"an SQL aggregate or cdcl.aggregate { ... }",
					part,
					"agg"
				)
			end
			list[i] = aggregates[part] and rows.aggregate(node, aggregates[part])
				or part
		end
		if #list == 0 then
			core.fail(
				'agg: expected SQL aggregates, as in agg("count(*) as n")',
				"agg"
			)
		end
		return wrap(core.group(node, keys, list))
	end

	function methods:agg(...)
		return aggregate(node_of(self, "agg"), {}, ...)
	end

	local function top(node, keys, n, by, ...)
		nothing_more("top", ...)
		if type(n) ~= "number" or n ~= math.floor(n) then
			check.wrong_type("top", "a number of rows", n, "top")
		end
		if type(by) ~= "string" then
			check.wrong_type("top", 'an order, as in top(3, "units desc")', by, "top")
		end
		return wrap(core.top(node, keys, n, by))
	end

	function methods:top(n, by, ...)
		return top(node_of(self, "top"), {}, n, by, ...)
	end

	local join_kinds = { "inner", "left" }

	function methods:join(other, on, kind, ...)
		local node = node_of(self, "join")
		nothing_more("join", ...)
		if not nodes[other] then
			check.wrong_type("join", "a Table", other, "join")
		end
		if type(on) ~= "string" then
			check.wrong_type("join", 'columns, as in join(t, "id")', on, "join")
		end
		kind = kind == nil and "inner" or kind
		if kind ~= "inner" and kind ~= "left" then
			core.fail(
				format('join: there is no kind "%s"', tostring(kind)),
				tostring(kind),
				check.suggest(tostring(kind), join_kinds)
					or 'a join is "inner" or "left"'
			)
		end
		return wrap(core.join(node, nodes[other], on, kind))
	end

	function methods:to(...)
		local node = node_of(self, "to")
		if select("#", ...) == 0 then
			core.fail("to: expected a sink, as in to(cdcl.console {})", "to")
		end
		for i = 1, select("#", ...) do
			local part = select(i, ...)
			local sink = sinks[part]
			if not sink then
				check.wrong_type(
					"to",
					"a sink, as in to(cdcl.console {})",
					part,
					"to"
				)
			end
			core.sink(
				node,
				sink.kind,
				sink.options,
				sink.call and rows.foreach_batch(node, sink.call) or nil
			)
		end
		return self
	end

	Stream = class("Stream", methods)
	Table = class("Table", methods)
	Group = class("grouped Stream", {
		agg = function(self, ...)
			local group = groups[self]
			if not group then
				core.fail(
					"agg: write group_by(...):agg(...), with a colon",
					"agg"
				)
			end
			return aggregate(group.node, group.keys, ...)
		end,
		top = function(self, ...)
			local group = groups[self]
			if not group then
				core.fail(
					"top: write group_by(...):top(...), with a colon",
					"top"
				)
			end
			return top(group.node, group.keys, ...)
		end,
	})

	function cdcl.job(options)
		local clean = check.options("job", options)
		if job_given then
			core.fail("cdcl.job: a script has one job", "job")
		end
		if source_given then
			core.fail("cdcl.job: must come before the first source", "job")
		end
		if clean.name and not clean.name:match("%S") then
			core.fail("cdcl.job: name is empty", "name")
		end
		job_given = true
		core.job(clean)
	end

	local function source(kind, options)
		local clean = check.options(kind, options)
		source_given = true
		return wrap(core.source(kind, clean))
	end

	-- "orders, orders_2": Kafka knows no topic with a comma, so it would be waited for in vain.
	local topic_wrong = 'cdcl.kafka: topic "%s" is no name'
	local topic_help = "a topic's name has letters, digits, dots, _ and -, at most 249"
	local function topic_names(given)
		local names = {}
		for _, text in ipairs(type(given) == "string" and { given } or given) do
			for name in (text .. ","):gmatch "%s*(.-)%s*," do
				if not name:match "^[%w._-]+$" or #name > 249 then
					core.fail(topic_wrong:format(name), "topic", topic_help)
				end
				names[#names + 1] = name
			end
		end
		return names
	end

	function cdcl.kafka(options)
		if type(options) == "table" then
			local topic, pattern =
				rawget(options, "topic"), rawget(options, "topic_pattern")
			if topic ~= nil and pattern ~= nil then
				core.fail(
					"cdcl.kafka: give topic or topic_pattern, not both",
					"topic_pattern"
				)
			end
			local clean = check.options("kafka", options)
			if topic == nil and pattern == nil then
				core.fail(
					'cdcl.kafka: option "topic" is missing',
					"kafka",
					"one topic or a list, or topic_pattern"
				)
			end
			if clean.topic ~= nil then
				clean.topic = topic_names(clean.topic)
			end
			source_given = true
			return wrap(core.source("kafka", clean))
		end
		return source("kafka", options)
	end

	function cdcl.file(options)
		return source("file", options)
	end
	function cdcl.stdin(options)
		return source("stdin", options)
	end

	local generated = {
		orders = "order_id int, product string, quantity int, op string",
		customers = "id int, name string, email string, op string",
	}

	-- cdcl.generate { "customers", rate = 5 }
	local function kind_first(options)
		local kind = rawget(options, 1)
		if type(kind) ~= "string" or rawget(options, "kind") ~= nil then
			return options
		end
		local copy = { kind = kind }
		for key, value in pairs(options) do
			if key ~= 1 then
				copy[key] = value
			end
		end
		return copy
	end

	function cdcl.generate(options)
		options = type(options) == "table" and kind_first(options) or options
		if type(options) == "table" and rawget(options, "schema") == nil then
			local copy = {}
			for key, value in pairs(options) do
				copy[key] = value
			end
			copy.schema = generated[rawget(options, "kind") or "orders"]
			options = copy
		end
		return source("generate", options or { schema = generated.orders })
	end

	function cdcl.union(first, ...)
		if not nodes[first] then
			check.wrong_type("cdcl.union", "streams", first, "union")
		end
		return methods.union(first, ...)
	end

	local function sink(kind, options, call)
		local value = setmetatable({}, class("sink", {}))
		sinks[value] = { kind = kind, options = options, call = call }
		return value
	end

	function cdcl.console(options)
		return sink("console", check.options("console", options))
	end
	function cdcl.changes(options)
		return sink("changes", check.options("changes", options))
	end
	function cdcl.memory(options)
		return sink("memory", check.options("memory", options))
	end

	function cdcl.file_sink(options)
		return sink("file_sink", check.options("file_sink", options))
	end
	function cdcl.parquet_sink(options)
		return sink("parquet_sink", check.options("parquet_sink", options))
	end

	function cdcl.kafka_sink(options)
		return sink("kafka_sink", check.options("kafka_sink", options))
	end
	function cdcl.sqlite_sink(options)
		return sink("sqlite_sink", check.options("sqlite_sink", options))
	end
	function cdcl.postgres_sink(options)
		return sink("postgres_sink", check.options("postgres_sink", options))
	end

	function cdcl.foreach_batch(first, second)
		local options, f = {}, first
		if type(first) == "table" then
			options, f = first, second
		end
		return sink(
			"foreach_batch",
			check.options("foreach_batch", options),
			function_at("foreach_batch", f)
		)
	end

	function cdcl.aggregate(options)
		local clean = check.options("aggregate", options, 1)
		if type(clean[1]) ~= "string" then
			core.fail(
				"cdcl.aggregate: begin with the result as DDL: "
					.. '{ "mean_x double", ... }',
				"aggregate"
			)
		end
		local value = setmetatable({}, class("cdcl.aggregate", {}))
		aggregates[value] = clean
		return value
	end

	function cdcl.env(name, default)
		if type(name) ~= "string" then
			check.wrong_type("cdcl.env", "a name", name, "env")
		end
		local value = core.env(name)
		if value == nil and default == nil then
			core.fail(
				format("the environment has no %s", name),
				name,
				'give a default: cdcl.env("' .. name .. '", "...")'
			)
		end
		return value or default
	end

	function cdcl.secret_file(path)
		if type(path) ~= "string" then
			check.wrong_type("cdcl.secret_file", "a path", path, "secret_file")
		end
		return core.secret_file(path)
	end

	cdcl.merge = core.library "merge"(core, check)
	cdcl.null = rows.null
	for name, f in pairs(rows.public) do
		cdcl[name] = f
	end

	-- cdcl.var { limit = 10 } declares variables with defaults; cdcl.var.limit is the value,
	-- from --set or the default.
	local set, used, values, names = {}, {}, {}, {}
	for _, variable in ipairs(core.variables()) do
		set[variable.name] = variable.value
	end

	local function convert(name, text, default)
		local kind = type(default)
		if kind == "number" then
			local n = tonumber(text)
			if n == nil then
				core.fail(
					format("--set %s=%s: expected a number", name, text),
					name
				)
			end
			return n
		elseif kind == "boolean" then
			if text ~= "true" and text ~= "false" then
				core.fail(
					format("--set %s=%s: expected true or false", name, text),
					name
				)
			end
			return text == "true"
		end
		return text
	end

	local function declare(_, defaults)
		if type(defaults) ~= "table" then
			check.wrong_type("cdcl.var", "a table of defaults", defaults, "var")
		end
		for name, default in pairs(defaults) do
			local kind = type(default)
			if
				type(name) ~= "string"
				or (kind ~= "string" and kind ~= "number" and kind ~= "boolean")
			then
				check.wrong_type(
					"cdcl.var: " .. tostring(name),
					"a string, number or boolean as default",
					default,
					tostring(name)
				)
			end
			used[name] = true
			names[#names + 1] = name
			if set[name] ~= nil then
				values[name] = convert(name, set[name], default)
			else
				values[name] = default
			end
		end
	end

	cdcl.var = setmetatable({}, {
		__metatable = false,
		__call = declare,
		__newindex = function(_, name)
			core.fail(
				"cdcl.var is set by --set NAME=VALUE and by cdcl.var { name = "
					.. "default }",
				tostring(name)
			)
		end,
		__index = function(_, name)
			if values[name] ~= nil then
				return values[name]
			end
			if set[name] ~= nil then
				used[name] = true
				return set[name]
			end
			-- A script that declares its variables has none but those.
			if #names == 0 then
				return nil
			end
			core.fail(
				format('variable "%s" is not declared', tostring(name)),
				tostring(name),
				check.suggest(tostring(name), names)
					or "declared: " .. concat(names, ", ")
			)
		end,
	})

	local function unused_variables()
		for name in pairs(set) do
			if not used[name] then
				core.fail(
					format(
						"--set %s: the script has no variable of this name",
						name
					),
					nil,
					check.suggest(name, names)
				)
			end
		end
	end

	local members = {}
	for name in pairs(cdcl) do
		members[#members + 1] = name
	end
	table.sort(members)
	setmetatable(cdcl, {
		__metatable = false,
		__index = function(_, name)
			core.fail(
				format("there is no cdcl.%s", tostring(name)),
				tostring(name),
				check.suggest(tostring(name), members)
					or "there are: " .. concat(members, ", ")
			)
		end,
		__newindex = function(_, name)
			core.fail("cdcl cannot be written to", tostring(name))
		end,
	})
	return cdcl, unused_variables, methods
end
