-- Checks a user's option table against a noun of options.lua and answers a clean copy for the core.

local type, pairs, ipairs, tostring, tonumber = type, pairs, ipairs, tostring, tonumber
local floor, format, concat, sort = math.floor, string.format, table.concat, table.sort

return function(core, nouns)
	local check = {}

	local function suggest(name, names)
		local near = core.nearest(name, names)
		return near and format('did you mean "%s"?', near) or nil
	end
	check.suggest = suggest

	-- What people who come from Spark write, where no name here is near.
	local spark_options = {
		subscribe = "topic",
		subscribePattern = "topic_pattern",
		bootstrap_servers = "brokers",
		bootstrapServers = "brokers",
		["bootstrap.servers"] = "brokers",
		["kafka.bootstrap.servers"] = "brokers",
		failOnDataLoss = "on_data_loss",
		checkpointLocation = "checkpoint",
		processingTime = "trigger",
		availableNow = "trigger",
		appName = "name",
		queryName = "name",
	}
	local to_console = "write :to(cdcl.console {})"
	local an_aggregate = 'write :agg("count(*) as n", "sum(quantity) as units")'
	local one_row_a_key = 'not there; :merge { key = "..." } keeps one row for each key'
	check.spark_methods = {
		where = 'write :filter "quantity > 0"',
		withColumn = 'write :with "price * quantity as total"',
		withColumns = 'write :with("price * quantity as total", ...)',
		withColumnRenamed = 'write :rename("old", "new")',
		drop = 'write :drop_columns "a, b"',
		sort = 'write :order_by "n desc"',
		alias = 'names stand in expressions: "count(*) as n"',
		count = an_aggregate,
		sum = an_aggregate,
		avg = an_aggregate,
		min = an_aggregate,
		max = an_aggregate,
		show = to_console,
		print = to_console,
		write = to_console,
		writeStream = to_console,
		foreachBatch = "write :to(cdcl.foreach_batch(function(rows, batch_id) ... end))",
		distinct = one_row_a_key,
		dropDuplicates = one_row_a_key,
		withWatermark = "watermarks and event-time windows are not there yet",
	}

	local function wrong_type(what, wanted, value, caret)
		local got = type(value)
		if got == "string" then
			got = format('the string "%s"', value)
		elseif got == "number" or got == "boolean" then
			got = "the " .. got .. " " .. tostring(value)
		elseif got == "nil" then
			got = "nothing"
		else
			got = "a " .. got
		end
		core.fail(format("%s: expected %s, got %s", what, wanted, got), caret)
	end
	check.wrong_type = wrong_type

	local units = {
		[""] = 1,
		b = 1,
		kb = 1e3,
		mb = 1e6,
		gb = 1e9,
		kib = 1024,
		mib = 1048576,
		gib = 1073741824,
	}

	local function list_of_strings(value, what, caret)
		if type(value) == "string" then
			return { value }
		end
		if type(value) ~= "table" then
			wrong_type(what, "a string or a list of strings", value, caret)
		end
		local list = {}
		for i, item in ipairs(value) do
			if type(item) ~= "string" then
				wrong_type(what .. "[" .. i .. "]", "a string", item, caret)
			end
			list[i] = item
		end
		for key in pairs(value) do
			if type(key) ~= "number" then
				wrong_type(what, "a list of strings", value, caret)
			end
		end
		if #list == 0 then
			core.fail(what .. ": the list is empty", caret)
		end
		return list
	end

	local function integer(value, what, caret, negative)
		if
			type(value) ~= "number"
			or value ~= floor(value)
			or value > 2 ^ 53
			or value < -2 ^ 53
		then
			wrong_type(what, "an integer", value, caret)
		end
		if value < 0 and not negative then
			core.fail(format("%s: %d is negative", what, value), caret)
		end
		return value
	end

	-- { timestamp = "..." } and { orders_cdc = { [0] = 5 } } become the text form of
	-- source/offsets_parse.h.
	local function offsets(value, what, caret)
		if type(value) == "string" then
			return value
		end
		if type(value) ~= "table" then
			wrong_type(what, '"earliest", "latest" or a table', value, caret)
		end
		if value.timestamp ~= nil and type(value.timestamp) ~= "table" then
			if type(value.timestamp) ~= "string" then
				wrong_type(
					what .. ".timestamp",
					"a time as a string",
					value.timestamp,
					caret
				)
			end
			return value.timestamp
		end
		local topics = {}
		for topic, partitions in pairs(value) do
			if type(topic) ~= "string" then
				wrong_type(what, "topics as names of the table", topic, caret)
			end
			if type(partitions) ~= "table" then
				wrong_type(
					what .. "." .. topic,
					"{ [partition] = offset }",
					partitions,
					caret
				)
			end
			local parts = {}
			for partition, offset in pairs(partitions) do
				integer(
					tonumber(partition),
					what .. "." .. topic .. " partition",
					caret
				)
				if offset ~= "earliest" and offset ~= "latest" then
					integer(
						offset,
						format(
							"%s.%s[%s]",
							what,
							topic,
							tostring(partition)
						),
						caret,
						true
					)
					offset = format("%d", offset)
				end
				parts[#parts + 1] = format("%d=%s", partition, offset)
			end
			sort(parts)
			topics[#topics + 1] = topic .. ":" .. concat(parts, ",")
		end
		sort(topics)
		return concat(topics, ";")
	end

	local function settings(value, what, caret)
		if type(value) ~= "table" then
			wrong_type(what, "a table of settings", value, caret)
		end
		local list = {}
		for name, setting in pairs(value) do
			if type(name) ~= "string" then
				wrong_type(what, "names of settings", name, caret)
			end
			local kind = type(setting)
			if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
				wrong_type(
					format('%s["%s"]', what, name),
					"a string, number or boolean",
					setting,
					caret
				)
			end
			list[#list + 1] = { name = name, value = tostring(setting) }
		end
		sort(list, function(a, b)
			return a.name < b.name
		end)
		return list
	end

	local function bytes(value, what, caret)
		if type(value) == "number" then
			return integer(value, what, caret)
		end
		if type(value) == "string" then
			local n, unit = value:match("^%s*(%d+)%s*(%a*)%s*$")
			local factor = unit and units[unit:lower()]
			if factor then
				return tonumber(n) * factor
			end
		end
		return wrong_type(what, 'a size as "64 MB" or a number of bytes', value, caret)
	end

	local seconds = {
		ms = 0.001,
		millisecond = 0.001,
		s = 1,
		sec = 1,
		second = 1,
		m = 60,
		min = 60,
		minute = 60,
		h = 3600,
		hour = 3600,
		d = 86400,
		day = 86400,
	}

	-- In microseconds.
	local function duration(value, what, caret)
		if type(value) == "string" then
			local n, unit = value:match("^%s*(%d+)%s*(%a+)%s*$")
			unit = unit and unit:lower()
			local length = unit and (seconds[unit] or seconds[unit:match("^(%a%a+)s$")])
			if length and tonumber(n) * length * 1e6 < 2 ^ 53 then
				return floor(tonumber(n) * length * 1e6)
			end
		end
		return wrong_type(what, 'a time as "30 seconds" or "500 ms"', value, caret)
	end

	-- Ready rules: what cdcl.merge.NAME gives, { name = ..., column = ... }.
	local function rules(value, what, caret)
		if type(value) ~= "table" then
			wrong_type(what, "a list of rules", value, caret)
		end
		local list = {}
		for i, rule in ipairs(value) do
			if type(rule) ~= "table" or type(rule.name) ~= "string" then
				wrong_type(
					format("%s[%d]", what, i),
					"a rule of cdcl.merge",
					rule,
					caret
				)
			end
			list[i] = rule
		end
		return list
	end

	local function one_of(choices, value, what, caret)
		if type(value) ~= "string" then
			wrong_type(what, "a string", value, caret)
		end
		for _, choice in ipairs(choices) do
			if choice == value:lower() then
				return choice
			end
		end
		core.fail(
			format('%s: "%s" is none of "%s"', what, value, concat(choices, '", "')),
			value,
			suggest(value, choices)
		)
	end

	local function value_of(option, value, what)
		local kind, caret = option.type, option.name
		if type(kind) == "table" then
			return one_of(kind, value, what, caret)
		end
		if kind == "strings" then
			return list_of_strings(value, what, caret)
		end
		if kind == "integer" then
			return integer(value, what, caret, option.negative)
		end
		if kind == "bytes" then
			return bytes(value, what, caret)
		end
		if kind == "duration" then
			return duration(value, what, caret)
		end
		if kind == "rules" then
			return rules(value, what, caret)
		end
		if kind == "offsets" then
			return offsets(value, what, caret)
		end
		if kind == "dead_letters" then
			local clean = check.options("dead_letters", value)
			if (clean.path == nil) == (clean.topic == nil) then
				core.fail(what .. ": give path or topic", caret)
			end
			return clean
		end
		if kind == "settings" then
			return settings(value, what, caret)
		end
		if kind == "fraction" or kind == "number" then
			if type(value) ~= "number" then
				wrong_type(what, "a number", value, caret)
			end
			if kind == "fraction" and not (value >= 0 and value <= 1) then
				core.fail(
					format(
						"%s: %s is not between 0 and 1",
						what,
						tostring(value)
					),
					caret
				)
			end
			return value
		end
		if type(value) ~= kind then
			wrong_type(what, "a " .. kind, value, caret)
		end
		if kind == "string" and not option.bytes and value:find("%z") then
			core.fail(what .. ": a NUL cannot be in it", caret)
		end
		return value
	end

	-- Positions of the table that the noun reads itself (cdcl.aggregate's "mean_x double") are
	-- in `positions`.
	function check.options(noun_name, given, positions)
		local noun, name = nouns[noun_name], "cdcl." .. noun_name
		if given == nil then
			given = {}
		end
		if type(given) ~= "table" then
			core.fail(
				format(
					"%s: expected a table of options, as in %s { ... }, "
						.. "got a %s",
					name,
					name,
					type(given)
				),
				noun_name
			)
		end
		local known, names, clean = {}, {}, {}
		for i, option in ipairs(noun) do
			known[option.name], names[i] = option, option.name
		end
		for key, value in pairs(given) do
			if type(key) == "number" and positions and key <= positions then
				clean[key] = value
			elseif type(key) ~= "string" then
				core.fail(
					format("%s: option %s has no name", name, tostring(key)),
					type(value) == "string" and value or noun_name,
					"options: " .. concat(names, ", ")
				)
			elseif not known[key] then
				core.fail(
					format('%s: unknown option "%s"', name, key),
					key,
					suggest(spark_options[key] or key, names)
						or "options: " .. concat(names, ", ")
				)
			else
				clean[key] = value_of(known[key], value, name .. ": " .. key)
			end
		end
		for _, option in ipairs(noun) do
			if option.required and clean[option.name] == nil then
				core.fail(
					format('%s: option "%s" is missing', name, option.name),
					noun_name,
					option.doc
				)
			end
		end
		return clean
	end

	return check
end
