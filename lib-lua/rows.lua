-- Row functions. For each Lua function of the plan a driver is written for the schema and loaded
-- once: a loop over the rows of a chunk that calls the user's function with a view of the row. The
-- view reads a column only when the function asks for it; loop, view and function compile to one
-- trace.
--
-- Nothing here is called per row from C, and no closure or table is made in a loop.

local ffi = require "ffi"
local bit = require "bit"
local error, format, ipairs, pairs, rawequal, select, setmetatable, tonumber, tostring, type =
	error,
	string.format,
	ipairs,
	pairs,
	rawequal,
	select,
	setmetatable,
	tonumber,
	tostring,
	type
local cast, concat, floor, new = ffi.cast, table.concat, math.floor, ffi.new

-- A job may have many functions, and a function many columns: more than LuaJIT expects of a script.
require("jit.opt").start(
	"maxtrace=4000",
	"maxmcode=16384",
	"maxrecord=20000",
	"maxsnap=10000",
	"maxirconst=10000"
)

local integers = {
	tinyint = { -128, 127 },
	smallint = { -32768, 32767 },
	int = { -2147483648, 2147483647 },
	date = { -2147483648, 2147483647 },
	bigint = { -9007199254740992, 9007199254740992 },
	timestamp = { -9007199254740992, 9007199254740992 },
}

local pointers = {
	bool = "u8p",
	i32 = "i32p",
	i64 = "i64p",
	f32 = "f32p",
	f64 = "f64p",
	i128 = "u64p",
	str = "strp",
}

-- Reads slot `i` of the column's data `d`.
local readers = {
	bool = "return cast(u8p, d)[i] ~= 0",
	i32 = "return cast(i32p, d)[i]",
	i64 = "local v = cast(i64p, d)[i]\n"
		.. "if v >= -9007199254740992LL and v <= 9007199254740992LL then return "
		.. "tonumber(v) end\n"
		.. "return v",
	f32 = "return cast(f32p, d)[i]",
	f64 = "return cast(f64p, d)[i]",
	str = "local s = cast(strp, d)[i]\nreturn (ffi_string(s.data, s.len))",
}

local function read_code(column, index)
	if column.type == "json" then
		return "local s = cast(strp, d)[i]\nreturn (json(s.data, s.len))"
	elseif column.type:match "^array" then
		return format(
			"local s = cast(strp, d)[i]\nreturn (array(%d, ffi_string(s.data, s.len)))",
			index
		)
	elseif column.phys == "i128" then
		return format(
			"local p = cast(u64p, d) + 2 * i\nreturn (new(decimal_t, p[0], p[1], "
				.. "%d, %d))",
			column.precision,
			column.scale
		)
	end
	return readers[column.phys]
end

-- Code that puts value `v` into slot `i` of column `c` of `columns`; `w` and `b` are the row's
-- word and bit.
local function store_code(column, c)
	local pointer = pointers[column.phys]
	local slot = format("cast(%s, oc[%d].data)[i]", pointer, c)
	local range = integers[column.type]
	if range then
		return format(
			"if type(v) == 'number' and v >= %.0f and v <= %.0f and v == floor(v) "
				.. "then %s = v\n"
				.. "else %s = to_integer(%d, v) end",
			range[1],
			range[2],
			slot,
			slot,
			c
		)
	elseif column.phys == "bool" then
		return format(
			"if v == true then %s = 1 elseif v == false then %s = 0 else bad(%d, "
				.. "v) end",
			slot,
			slot,
			c
		)
	elseif column.phys == "f64" or column.phys == "f32" then
		return format(
			"if type(v) == 'number' then %s = v else %s = to_double(%d, v) end",
			slot,
			slot,
			c
		)
	elseif column.phys == "i128" then
		return format(
			"local d = to_decimal(%d, v)\nlocal p = cast(u64p, oc[%d].data) + 2 * "
				.. "i\np[0], p[1] = d.__cdcl_low, d.__cdcl_high",
			c,
			c
		)
	end
	return format(
		"if type(v) ~= 'string' then v = to_text(%d, v) end\n"
			.. "local n = #v\nlocal p = reserve(arena, n)\ncopy(p, v, n)\n"
			.. "local s = cast(strp, oc[%d].data)[i]\ns.data, s.len = p, n",
		c,
		c
	)
end

-- `clears`: the slot may hold an old NULL bit.
local function write_code(column, c, value, clears)
	return format(
		"do local v = %s\nlocal nulls = oc[%d].nulls\n"
			.. "if v == nil or v == null then nulls[w] = bor(nulls[w], b)\n"
			.. "else\n%s%s\nend end\n",
		value,
		c,
		clears and "nulls[w] = band(nulls[w], bnot(b))\n" or "",
		store_code(column, c)
	)
end

local prelude = [[
local env = ...
local band, bor, bnot, lshift, rshift = env.band, env.bor, env.bnot, env.lshift, env.rshift
local cast, copy, ffi_string, floor, new, tonumber, type =
	env.cast, env.copy, env.ffi_string, env.floor, env.new, env.tonumber, env.type
local u8p, i32p, i64p, u64p, f32p, f64p, strp, bitsp, chunkp =
	env.u8p, env.i32p, env.i64p, env.u64p, env.f32p, env.f64p, env.strp, env.bitsp, env.chunkp
local u32p, voidpp, u8pp = env.u32p, env.voidpp, env.u8pp
local decimal_t, json, array, reserve = env.decimal_t, env.json, env.array, env.reserve
local bad, wrong_count, to_integer, to_double, to_decimal, to_text =
	env.bad, env.wrong_count, env.to_integer, env.to_double, env.to_decimal, env.to_text
local null, select = env.null, env.select
local cursor, row, emit_at, emit_next, state, state_view, alive, gone, not_boolean =
	env.cursor, env.row, env.emit_at, env.emit_next, env.state, env.state_view, env.alive,
	env.gone, env.not_boolean
local f, retract, finish = env.f, env.retract, env.finish
]]

local loop_head = [[
	for i = start, stop do
		local w, b = rshift(i, 5), lshift(1, band(i, 31))
		if band(live[w], b) ~= 0 then
			cursor.row = i
			cursor.null_column = -1
]]

-- Locals of one Lua function are limited to 200.
local map_columns_max = 150

-- What one trace can hold of values that are stored: LuaJIT has 255 places for what is in no
-- register, and a loop's trace keeps each column's pointers there.
local stored_together_max = 12

return function(core, check)
	local values = core.library "values"(core)
	local reserve = values.c_function("reserve", "char *(*)(struct arena *, size_t)")
	local emit_next = values.c_function("emit_next", "int32_t (*)(struct emit_cursor *)")
	-- Fields of what a script holds (row, state, decimal) are written as __cdcl_name here; the
	-- prefix then becomes one that no script can know: they are pointers.
	local function hide(code)
		return (code:gsub("__cdcl_", values.hidden))
	end
	local rows = { null = core.null, walk = values.walk, public = {} }
	local row_columns = setmetatable({}, { __mode = "k" }) -- of a row's ctype, for to_table

	local common = {
		band = bit.band,
		bor = bit.bor,
		bnot = bit.bnot,
		lshift = bit.lshift,
		rshift = bit.rshift,
		cast = cast,
		copy = ffi.copy,
		ffi_string = ffi.string,
		floor = floor,
		new = new,
		tonumber = tonumber,
		type = type,
		select = select,
		null = core.null,
		u8p = ffi.typeof "uint8_t *",
		i32p = ffi.typeof "int32_t *",
		i64p = ffi.typeof "int64_t *",
		u32p = ffi.typeof "uint32_t *",
		u64p = ffi.typeof "uint64_t *",
		f32p = ffi.typeof "float *",
		f64p = ffi.typeof "double *",
		strp = ffi.typeof "struct str *",
		bitsp = ffi.typeof "struct cdcl_bits *",
		chunkp = ffi.typeof "struct chunk *",
		voidpp = ffi.typeof "void **",
		u8pp = ffi.typeof "uint8_t **",
		decimal_t = values.decimal_t,
		json = values.json,
		reserve = reserve,
		emit_next = emit_next,
		alive = values.alive,
		gone = function()
			error("a row was used after its chunk", 4)
		end,
		not_boolean = function(v)
			error(
				format(
					"filter must return true or false, not %s",
					v == nil and "nil" or "a " .. type(v)
				),
				0
			)
		end,
	}

	local function environment(extra)
		return setmetatable(extra, { __index = common })
	end

	local function load_code(parts, name, env)
		local chunk, problem = loadstring(hide(concat(parts, "\n")), "=cdcl/" .. name)
		if not chunk then
			error(problem, 0)
		end
		return chunk(env)
	end

	local function show(v)
		if type(v) == "string" then
			return format('the string "%s"', v:sub(1, 40))
		end
		if type(v) == "number" then
			return core.number_text(v)
		end
		if type(v) == "cdata" then
			return tostring(v):gsub("U?LL$", "") .. ""
		end
		if type(v) == "boolean" then
			return tostring(v)
		end
		return "a " .. type(v)
	end

	-- What the generated code calls when a value is not what its column takes at once.
	local function converters(columns, base)
		local function column_at(c)
			return columns[c - base + 1]
		end
		local function bad(c, v)
			local column = column_at(c)
			local why = integers[column.type]
					and type(v) == "number"
					and "is no integer of its range"
				or "does not fit"
			error(
				format(
					"column %s (%s): %s %s",
					column.name,
					column.type,
					show(v),
					why
				),
				0
			)
		end
		local limits = {}
		for i, column in ipairs(columns) do
			local range = integers[column.type]
			if range and column.phys == "i32" then
				limits[i] = {
					ffi.new("int64_t", range[1]),
					ffi.new("int64_t", range[2]),
				}
			elseif range then
				limits[i] = { -0x7fffffffffffffffLL - 1, 0x7fffffffffffffffLL }
			end
		end
		return {
			bad = bad,
			wrong_count = function(count)
				error(
					format(
						"%s values than the %d that were declared%s",
						count > #columns and "more" or "fewer",
						#columns,
						count < #columns and ": write nil for NULL" or ""
					),
					0
				)
			end,
			to_integer = function(c, v)
				local limit = limits[c - base + 1]
				local n = values.to_integer(v, limit[1], limit[2])
				if n == nil then
					bad(c, v)
				end
				return n
			end,
			to_double = function(c, v)
				if type(v) ~= "cdata" then
					bad(c, v)
				end
				if values.is_decimal(v) then
					return v:to_number()
				end
				return tonumber(v) or bad(c, v)
			end,
			to_decimal = function(c, v)
				local column = column_at(c)
				local d = values.to_decimal(v, column.precision, column.scale)
				if d == nil then
					bad(c, v)
				end
				return d
			end,
			to_text = function(c, v)
				if values.is_json(v) then
					return values.json_text(v)
				end
				if column_at(c).type == "json" then
					if type(v) == "number" then
						return core.number_text(v)
					end
					if type(v) == "boolean" then
						return tostring(v)
					end
				end
				return bad(c, v)
			end,
		}
	end

	-- ---- the view of a row ----

	local metadata = {
		["@topic"] = "local t = m.topic[k]\nreturn ffi_string(t.data, t.len)",
		["@partition"] = "return m.partition[k]",
		["@offset"] = "return tonumber(m.offset[k])",
		["@timestamp"] = "local t = m.timestamp_us[k]\nif t < 0 then return nil "
			.. "end\nreturn tonumber(t)",
		["@key"] = "local s = m.key[k]\nif s.data == nil then return nil end\nreturn "
			.. "ffi_string(s.data, s.len)",
		["@value"] = "local s = m.value[k]\nif s.data == nil then return nil "
			.. "end\nreturn ffi_string(s.data, s.len)",
		["@headers"] = "local t = {}\nfor h = 0, m.header_count[k] - 1 do\nlocal x = "
			.. "m.headers[k][h]\n"
			.. "t[ffi_string(x.name.data, x.name.len)] = x.value.data ~= nil and "
			.. "ffi_string(x.value.data, x.value.len) or nil\nend\nreturn t",
	}

	-- What an envelope says of a row, in the order of enum change_op.
	local op_names = {
		[0] = "unknown",
		"insert",
		"update",
		"delete",
		"read",
		"upsert",
		"truncate",
		"tombstone",
	}
	local envelope = {
		["@op"] = "return env.op_names[x.op[k]]",
		["@event_time"] = "local t = x.event_time_us[k]\nif t == -1 then return nil end\n"
			.. "return tonumber(t)",
		["@before"] = "local s = x.before[k]\nif s.data == nil then return nil end\n"
			.. "return json(s.data, s.len)",
		["@source"] = "local s = x.source[k]\nif s.data == nil then return nil end\n"
			.. "return json(s.data, s.len)",
	}

	-- A function per column, each reading its own column: LuaJIT then sees constants. What is
	-- called for each column of a row takes "...": such a function never begins a trace of its
	-- own, at which the loop's would end, however often it is called before the loop is hot.
	-- And it returns by "return (f(x))": LuaJIT allows a trace 15 tail calls.
	-- `of_table`: rows of a Table come from no message. `kinds`: a row says of what kind it is;
	-- a step of a Table must answer by the row alone, or what it gave could not be taken back.
	local function getter_code(columns, guard, of_table, kinds)
		local parts = { prelude, "local get = {}" }
		for index, column in ipairs(columns) do
			parts[#parts + 1] = format(
				"get[%q] = function(r, ...)\n%slocal i = r.__cdcl_row\nlocal x = "
					.. "r.__cdcl_columns[%d]\n"
					.. "if band(x.nulls[rshift(i, 5)], lshift(1, band(i, "
					.. "31))) ~= 0 then\n"
					.. "r.__cdcl_null = %d\nreturn nil\nend\nlocal d = "
					.. "x.data\n%s\nend",
				column.name,
				guard,
				index - 1,
				index - 1,
				read_code(column, index - 1)
			)
		end
		for name, code in pairs(of_table and {} or metadata) do
			parts[#parts + 1] = format(
				"get[%q] = function(r, ...)\n%slocal c = r.__cdcl_chunk\nlocal m = "
					.. "c.messages\n"
					.. "if m == nil then return nil end\nlocal k = "
					.. "r.__cdcl_row\n"
					.. "if c.origin ~= nil then k = c.origin[k] end\n%s\nend",
				name,
				guard,
				code
			)
		end
		for name, code in pairs(of_table and {} or envelope) do
			parts[#parts + 1] = format(
				"get[%q] = function(r, ...)\n%slocal x = r.__cdcl_chunk.changes\n"
					.. "if x == nil then return nil end\nlocal k = "
					.. "r.__cdcl_row\n%s\nend",
				name,
				guard,
				code
			)
		end
		if kinds then
			parts[#parts + 1] = format(
				"get['@kind'] = function(r)\n%slocal k = r.__cdcl_chunk.kinds\n"
					.. "if k == nil then return '+I' end\nreturn "
					.. "env.kinds[k[r.__cdcl_row]]\nend",
				guard
			)
		end
		parts[#parts + 1] = "return get"
		return parts
	end

	local function column_names(columns)
		local names = {}
		for i, column in ipairs(columns) do
			names[i] = column.name
		end
		return names
	end

	local function unknown_column(columns, key, of_table)
		if of_table and type(key) == "string" and key:sub(1, 1) == "@" then
			core.fail(
				format(
					'a row of a Table has no "%s": it belongs to no message',
					key
				),
				key,
				"merge keeps it in a column: keep = {...}; "
					.. "kinds of changes are seen by sinks, "
					.. 'output_mode = "changelog"'
			)
		end
		local names = column_names(columns)
		local near = check.suggest(tostring(key), names)
		core.fail(
			format('the row has no column "%s"', tostring(key)),
			tostring(key),
			near or "columns: " .. concat(names, ", "):sub(1, 400)
		)
	end

	local function row_text(columns, get, r)
		local parts = {}
		for i, column in ipairs(columns) do
			local v = get[column.name](r)
			local text
			if v == nil then
				text = "null"
			elseif type(v) == "string" then
				text = core.json_text(v)
			elseif type(v) == "number" then
				text = core.number_text(v)
			elseif type(v) == "table" then
				text = "[...]"
			else
				text = tostring(v):gsub("U?LL$", "")
			end
			parts[i] = core.json_text(column.name) .. ":" .. text
		end
		return "{" .. concat(parts, ",") .. "}"
	end

	local function read_only(_, key)
		core.fail(
			"a row cannot be written to",
			tostring(key),
			"return the new values instead"
		)
	end

	-- The type of `row`. `guard` is code that refuses a view whose chunk is gone. `more`: what
	-- some rows have besides: of_table, kinds, schema ("in"), get (getters of its own), write.
	local function row_type(leaf, columns, guard, more)
		more = more or {}
		local schema = more.schema or "in"
		local get = load_code(
			getter_code(columns, guard, more.of_table, more.kinds or not more.of_table),
			"row",
			environment {
				array = function(index, bytes)
					return core.array(leaf, index, bytes, schema)
				end,
				kinds = { [0] = "+I", "-U", "+U", "-D" },
				op_names = op_names,
			}
		)
		for name, read in pairs(more.get or {}) do
			get[name] = read
		end
		local ctype = ffi.typeof(hide [[struct {
			struct cdcl_bits * const __cdcl_columns;
			const struct chunk * const __cdcl_chunk;
			const int32_t __cdcl_row;
			int32_t __cdcl_null;
			const uint64_t __cdcl_generation;
		}]])
		ffi.metatype(ctype, {
			__index = function(r, key, ...)
				local read = get[key]
				if read then
					return (read(r))
				end
				return unknown_column(columns, key, more.of_table)
			end,
			__newindex = more.write or read_only,
			__tostring = function(r)
				return row_text(columns, get, r)
			end,
		})
		row_columns[#row_columns + 1] = { ctype = ctype, columns = columns, get = get }
		return ctype
	end

	local cursor_guard = "if r.__cdcl_columns == nil then gone() end\n"
	local batch_guard = "if r.__cdcl_generation ~= alive[0] then gone() end\n"

	-- Functions that put the values of some columns each into a table: a loop over the columns
	-- would call another getter in each round, of which LuaJIT makes a trace for each.
	local function filling(kind)
		local parts = { "local get, null = ...", "local fills = {}" }
		for from = 1, math.max(#kind.columns, 1), stored_together_max do
			local getters, code = {}, {}
			local last = math.min(from + stored_together_max - 1, #kind.columns)
			for i = from, last do
				local name = kind.columns[i].name
				getters[#getters + 1] = format("local g%d = get[%q]", i, name)
				code[#code + 1] = format(
					"local v = g%d(r)\nif v == nil then v = null end\n"
						.. "t[%q] = v",
					i,
					name
				)
			end
			parts[#parts + 1] = format(
				"do\n%s\nfills[#fills + 1] = function(r, t)\n%s\nend\nend",
				concat(getters, "\n"),
				concat(code, "\n")
			)
		end
		parts[#parts + 1] = "return fills"
		local chunk = assert(loadstring(concat(parts, "\n"), "=cdcl/to_table"))
		kind.fills = chunk(kind.get, core.null)
		return kind.fills
	end

	-- cdcl.to_table(row): a plain table; a NULL becomes cdcl.null.
	function rows.public.to_table(r)
		for i = 1, #row_columns do
			local kind = row_columns[i]
			if ffi.istype(kind.ctype, r) then
				local fills = kind.fills or filling(kind)
				local t = {}
				fills[1](r, t)
				for k = 2, #fills do
					fills[k](r, t)
				end
				return t
			end
		end
		return error("cdcl.to_table: expected a row, got a " .. type(r), 2)
	end

	rows.public.decimal = values.decimal

	-- ---- drivers ----

	local function leaf_environment(leaf, of_table, f, out, base)
		local columns = core.schema(leaf, "in")
		local row_cursor, emit_cursor, state_cursor = core.cursors(leaf)
		local ctype = row_type(leaf, columns, cursor_guard, { of_table = of_table })
		local extra = converters(out or {}, base or 0)
		extra.f = f
		extra.cursor = cast("struct row_cursor *", row_cursor)
		-- A reference, not a pointer: row[1] must be a wrong name and not memory beyond.
		extra.row = cast(ffi.typeof("$ *", ctype), row_cursor)[0]
		extra.emit_at = cast("struct emit_cursor *", emit_cursor)
		extra.state = cast("struct state_cursor *", state_cursor)
		return environment(extra)
	end

	function rows.filter(node, f)
		local leaf, of_table = core.leaf("filter", node, f)
		local made, is_table = core.add_leaf(leaf, node)
		core.set_driver(
			leaf,
			load_code({
				prelude,
				"return function(chunk, _, start, stop)",
				"local live = cast(i32p, cast(chunkp, chunk).live)",
				loop_head,
				"local keep = f(row)",
				"if keep == false then live[w] = band(live[w], bnot(b))",
				"elseif keep ~= true then not_boolean(keep) end",
				"end end end",
			}, "filter", leaf_environment(leaf, of_table, f))
		)
		return made, is_table
	end

	-- "v1, v2, ..." for the values of a function
	local function value_names(count)
		local names = {}
		for i = 1, count do
			names[i] = "v" .. i
		end
		return concat(names, ", ")
	end

	local function slice(columns, from)
		local part = {}
		for i = from + 1, #columns do
			part[#part + 1] = columns[i]
		end
		if #part > map_columns_max then
			core.fail(
				format(
					"a Lua function gives at most %d columns, these are %d",
					map_columns_max,
					#part
				)
			)
		end
		for _, column in ipairs(part) do
			if column.type:match "^array" then
				core.fail(
					format(
						"column %s: a Lua function cannot give an array",
						column.name
					),
					column.name
				)
			end
		end
		return part
	end

	-- A function of exactly `count` values: one that is missing is no NULL.
	local function count_code(count, name)
		return format(
			"local function %s(...)\nlocal n = select('#', ...)\n"
				.. "if n ~= %d then wrong_count(n) end",
			name,
			count
		)
	end

	-- Stores v1, v2, ... of a row: in the loop itself, or, where they would be too many for its
	-- trace, by functions that are compiled each for itself, as the user's is then.
	local function store_values(out, base)
		local function code(from, last)
			local parts = {}
			for i = from, last do
				local value = "v" .. i
				parts[#parts + 1] = write_code(out[i], base + i - 1, value, false)
			end
			return concat(parts)
		end
		if #out <= stored_together_max then
			return "", code(1, #out)
		end
		local functions, calls = {}, {}
		for from = 1, #out, stored_together_max do
			local last = math.min(from + stored_together_max - 1, #out)
			local names = { "i, w, b, oc, arena" }
			for i = from, last do
				names[#names + 1] = "v" .. i
			end
			local call = format("store%d(%s)\n", from, concat(names, ", "))
			functions[#functions + 1] = format(
				"local function %s%send",
				call,
				code(from, last)
			)
			calls[#calls + 1] = call
		end
		return concat(functions, "\n"), concat(calls)
	end

	local function mapping(what, node, ddl, f)
		local leaf, of_table = core.leaf(what, node, f)
		local made, is_table, keeps = core.add_leaf(leaf, node, ddl)
		local out = slice(core.schema(leaf, "out"), keeps)
		local stores, calls = store_values(out, keeps)
		local parts = {
			prelude,
			count_code(#out, "counted"),
			"return ...",
			"end",
			stores,
			"return function(chunk, out, start, stop)",
			"local live = cast(i32p, cast(chunkp, chunk).live)",
			"local oc = cast(bitsp, cast(chunkp, out).columns)",
			"local arena = cast(chunkp, out).arena",
			loop_head,
			format("local %s = counted(f(row))", value_names(#out)),
			calls,
			"end end end",
		}
		core.set_driver(
			leaf,
			load_code(parts, what, leaf_environment(leaf, of_table, f, out, keeps))
		)
		return made, is_table
	end

	function rows.with(node, ddl, f)
		return mapping("with", node, ddl, f)
	end
	function rows.map(node, ddl, f)
		return mapping("map", node, ddl, f)
	end

	function rows.flat_map(node, ddl, f)
		local leaf, of_table = core.leaf("flat_map", node, f)
		local made, is_table = core.add_leaf(leaf, node, ddl)
		local out = slice(core.schema(leaf, "out"), 0)
		local parts = {
			prelude,
			count_code(#out, "emit"),
			format("local %s = ...", value_names(#out)),
			"if emit_at.columns == nil or cursor.columns == nil then gone() end",
			"local i = emit_at.row",
			"if i >= 1024 then",
			"if emit_next(emit_at) == 0 then env.emitted_too_much() end",
			"i = 0 end",
			"local w, b = rshift(i, 5), lshift(1, band(i, 31))",
			"local oc, arena = cast(bitsp, emit_at.columns), emit_at.arena",
		}
		for i, column in ipairs(out) do
			parts[#parts + 1] = write_code(column, i - 1, "v" .. i, true)
		end
		for _, line in ipairs {
			"emit_at.origin[i] = cursor.row",
			"emit_at.row = i + 1",
			"end",
			"return function(chunk, start, stop)",
			"local live = cast(i32p, cast(chunkp, chunk).live)",
			loop_head,
			"emit_at.mark_row, emit_at.mark_chunk = emit_at.row, emit_at.chunk",
			"f(row, emit)",
			"if emit_at.chunk > 0 or emit_at.row >= 1024 then return i + 1 end",
			"end end",
			"return stop + 1",
			"end",
		} do
			parts[#parts + 1] = line
		end
		local env = leaf_environment(leaf, of_table, f, out, 0)
		env.emitted_too_much = function()
			error("emitted more rows than a record may", 0)
		end
		core.set_driver(leaf, load_code(parts, "flat_map", env))
		return made, is_table
	end

	-- ---- an aggregate of the user's own ----

	local function state_type(columns)
		local parts = { prelude, "local get, set = {}, {}" }
		for index, column in ipairs(columns) do
			local c = index - 1
			parts[#parts + 1] = format(
				"get[%q] = function(s, ...)\nif s.__cdcl_columns == nil then "
					.. "gone() end\nlocal i = s.__cdcl_group\n"
					.. "if s.__cdcl_nulls[%d][i] ~= 0 then return nil "
					.. "end\nlocal d = s.__cdcl_columns[%d]\n%s\nend",
				column.name,
				c,
				c,
				read_code(column, c)
			)
			local store = store_code(column, c):gsub(
				"oc%[%d+%]%.data",
				format("s.__cdcl_columns[%d]", c)
			)
			parts[#parts + 1] = format(
				"set[%q] = function(s, v, ...)\nif s.__cdcl_columns == nil then "
					.. "gone() end\nlocal i = s.__cdcl_group\n"
					.. "if v == nil or v == null then "
					.. "s.__cdcl_nulls[%d][i] = 1 return "
					.. "end\n%s\ns.__cdcl_nulls[%d][i] = 0\nend",
				column.name,
				c,
				store,
				c
			)
		end
		parts[#parts + 1] = "return { get = get, set = set }"
		local access = load_code(parts, "state", environment(converters(columns, 0)))
		local get, set = access.get, access.set
		local ctype = ffi.typeof(hide [[struct {
			void ** const __cdcl_columns;
			uint8_t ** const __cdcl_nulls;
			void * const __cdcl_undo;
			uint8_t * const __cdcl_undo_nulls;
			const int32_t __cdcl_group;
		}]])
		local function unknown(key)
			local names = column_names(columns)
			core.fail(
				format('the state has no column "%s"', tostring(key)),
				tostring(key),
				check.suggest(tostring(key), names)
					or "columns: " .. concat(names, ", ")
			)
		end
		ffi.metatype(ctype, {
			__index = function(s, key, ...)
				local read = get[key]
				if read then
					return (read(s))
				end
				return unknown(key)
			end,
			__newindex = function(s, key, v, ...)
				local write = set[key]
				if write then
					write(s, v)
				else
					unknown(key)
				end
			end,
		})
		return ctype
	end

	-- Copies of the group's state, for a record that fails half-way.
	local function undo_code(columns)
		local parts = {}
		for index, column in ipairs(columns) do
			local c = index - 1
			local pointer, size =
				pointers[column.phys],
				({ bool = 16, i32 = 4, f32 = 4, i64 = 2, f64 = 2 })[column.phys]
			if column.phys == "i128" then
				parts[#parts + 1] = format(
					"do local to, from = cast(u64p, undo), cast(u64p, "
						.. "columns[%d])\n"
						.. "to[%d], to[%d] = from[2 * g], from[2 * g "
						.. "+ 1] end",
					c,
					2 * c,
					2 * c + 1
				)
			else
				parts[#parts + 1] = format(
					"cast(%s, undo)[%d] = cast(%s, columns[%d])[g]",
					pointer,
					size * c,
					pointer,
					c
				)
			end
			parts[#parts + 1] = format("undo_nulls[%d] = nulls[%d][g]", c, c)
		end
		return concat(parts, "\n")
	end

	function rows.aggregate(node, options)
		local leaf, of_table = core.leaf("aggregate", node, options.add)
		local custom =
			core.aggregate(leaf, options[1], options.state, options.retract ~= nil)
		local state_columns, out =
			core.schema(leaf, "state"), slice(core.schema(leaf, "out"), 0)
		local env = leaf_environment(leaf, of_table, options.add, out, 0)
		env.retract, env.finish = options.retract or false, options.finish
		env.state_view = cast(ffi.typeof("$ *", state_type(state_columns)), env.state)[0]
		local add = load_code({
			prelude,
			"return function(chunk, groups, start, stop)",
			"chunk, groups = cast(chunkp, chunk), cast(u32p, groups)",
			"local live, kinds = cast(i32p, chunk.live), chunk.kinds",
			"local columns, nulls = cast(voidpp, state.columns), cast(u8pp, "
				.. "state.nulls)",
			"local undo, undo_nulls = state.undo, state.undo_nulls",
			loop_head,
			"local g = groups[i]",
			undo_code(state_columns),
			"state.group = g",
			"if kinds ~= nil and (kinds[i] == 1 or kinds[i] == 3) then",
			"retract(state_view, row)",
			"else",
			"f(state_view, row)",
			"end end end end",
		}, "aggregate", env)
		local finish = load_code({
			prelude,
			"return function(groups, count, out, arena)",
			"groups, arena = cast(u32p, groups), cast('struct arena *', arena)",
			"local oc = cast(bitsp, out)",
			"for i = 0, count - 1 do",
			"local w, b = rshift(i, 5), lshift(1, band(i, 31))",
			"state.group = groups[i]",
			write_code(out[1], 0, "finish(state_view)", true),
			"end end",
		}, "aggregate", env)
		core.set_driver(leaf, add, finish)
		return custom
	end

	-- ---- foreach_batch ----

	local batch_methods = {
		count = function(self)
			return #self
		end,
		each = function(self)
			local i = 0
			return function()
				i = i + 1
				return self[i]
			end
		end,
	}

	function rows.foreach_batch(node, f)
		local leaf, of_table = core.leaf("foreach_batch", node, f)
		local ctype = row_type(
			leaf,
			core.schema(leaf, "in"),
			batch_guard,
			{ of_table = of_table, kinds = true }
		)
		local meta = { __index = batch_methods, __metatable = false }
		local chunks_p = ffi.typeof "struct chunk **"
		local bits_p, i32_p = common.bitsp, common.i32p
		core.set_driver(leaf, function(chunks, count, batch_id)
			chunks = cast(chunks_p, chunks)
			local list, n = setmetatable({}, meta), 0
			for c = 0, count - 1 do
				local chunk = chunks[c]
				local live, columns =
					cast(i32_p, chunk.live), cast(bits_p, chunk.columns)
				for i = 0, chunk.row_count - 1 do
					if
						bit.band(
							live[bit.rshift(i, 5)],
							bit.lshift(1, bit.band(i, 31))
						) ~= 0
					then
						n = n + 1
						list[n] = new(
							ctype,
							columns,
							chunk,
							i,
							-1,
							values.alive[0]
						)
					end
				end
			end
			f(list, batch_id)
		end)
		return core.batch(leaf)
	end

	core.library "merge_rules"(core, rows, {
		prelude = prelude,
		cursor_guard = cursor_guard,
		converters = converters,
		environment = environment,
		load_code = load_code,
		row_type = row_type,
		unknown_column = unknown_column,
		values = values,
		write_code = write_code,
	})
	return rows
end
