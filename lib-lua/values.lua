-- Values that Lua has no type of its own for: exact decimals and lazy views of JSON.

local ffi = require "ffi"
local error, format, getmetatable, tonumber, tostring, type =
	error, string.format, getmetatable, tonumber, tostring, type
local cast, copy, ffi_string, istype, new, sizeof =
	ffi.cast, ffi.copy, ffi.string, ffi.istype, ffi.new, ffi.sizeof
local floor = math.floor

return function(core)
	ffi.cdef(core.abi())
	ffi.cdef [[
		struct cdcl_bits { void *data; int32_t nulls[32]; };
		struct cdcl_pair { struct lua_json name, value; uint64_t at; };
	]]
	local values = {}
	local pointers, scratch_pointer, generation_pointer, hidden = core.border()
	values.hidden = hidden
	local scratch = cast("struct arena *", scratch_pointer)
	local alive = cast("const uint64_t *", generation_pointer)
	values.alive = alive

	local function c_function(name, signature)
		return cast(signature, pointers[name])
	end
	values.c_function = c_function

	-- ---- decimals ----

	-- A script can name any field of a struct that it holds, so these have names it cannot
	-- know; a JSON value's own "data" or "len" is never hidden by one. Laid out as struct
	-- lua_decimal.
	local k_precision, k_scale = hidden .. "precision", hidden .. "scale"
	local decimal_t = ffi.typeof(
		"struct { uint64_t $, $; int32_t $, $; }",
		hidden .. "low",
		hidden .. "high",
		k_precision,
		k_scale
	)
	values.decimal_t = decimal_t
	local decimal_op = c_function(
		"decimal",
		"int32_t (*)(int32_t, const void *, const void *, void *)"
	)
	local decimal_cmp = c_function("decimal_cmp", "int32_t (*)(const void *, const void *)")
	local decimal_double = c_function("decimal_double", "double (*)(const void *)")
	local decimal_rescale =
		c_function("decimal_rescale", "int32_t (*)(const void *, void *)")
	local decimal_of_double = c_function("decimal_of_double", "int32_t (*)(double, void *)")
	local decimal_of_int64 = c_function("decimal_of_int64", "void (*)(int64_t, void *)")
	local int64_t, uint64_t = ffi.typeof "int64_t", ffi.typeof "uint64_t"
	local add, subtract, multiply, divide, remainder = 0, 1, 2, 3, 4

	-- An integer as a decimal; nil for what is none (then the other side becomes a double).
	local function exact(v)
		if istype(decimal_t, v) then
			return v
		end
		local whole = type(v) == "number"
			and v == floor(v)
			and v >= -2 ^ 53
			and v <= 2 ^ 53
		if whole or istype(int64_t, v) then
			local d = new(decimal_t)
			decimal_of_int64(v, d)
			return d
		end
		return nil
	end

	local function as_double(v)
		if istype(decimal_t, v) then
			return decimal_double(v)
		end
		if type(v) == "number" then
			return v
		end
		return error("attempt to perform arithmetic on a decimal and a " .. type(v), 3)
	end

	local function operation(code, of_doubles)
		return function(a, b)
			if a == nil or b == nil then
				error("attempt to perform arithmetic on a nil value", 2)
			end
			local x, y = exact(a), exact(b)
			if x == nil or y == nil then
				return of_doubles(as_double(a), as_double(b))
			end
			local out = new(decimal_t)
			if decimal_op(code, x, y, out) == 0 then
				error("decimal overflow or division by zero", 2)
			end
			return out
		end
	end

	local function compare(a, b)
		local x, y = exact(a), exact(b)
		if x ~= nil and y ~= nil then
			return decimal_cmp(x, y)
		end
		local p, q = as_double(a), as_double(b)
		return p < q and -1 or p > q and 1 or p == q and 0 or 2
	end

	local function decimal_text(d)
		return core.decimal_text(ffi_string(d, 16), d[k_scale])
	end

	ffi.metatype(decimal_t, {
		__add = operation(add, function(a, b)
			return a + b
		end),
		__sub = operation(subtract, function(a, b)
			return a - b
		end),
		__mul = operation(multiply, function(a, b)
			return a * b
		end),
		__div = operation(divide, function(a, b)
			return a / b
		end),
		__mod = operation(remainder, function(a, b)
			return a % b
		end),
		__unm = function(a)
			return 0 - a
		end,
		__lt = function(a, b)
			return compare(a, b) == -1
		end,
		__le = function(a, b)
			local c = compare(a, b)
			return c == -1 or c == 0
		end,
		__eq = function(a, b)
			if
				type(a) == "number"
				or type(b) == "number"
				or istype(int64_t, a)
				or istype(int64_t, b)
			then
				return compare(a, b) == 0
			end
			return istype(decimal_t, a)
				and istype(decimal_t, b)
				and decimal_cmp(a, b) == 0
		end,
		__tostring = decimal_text,
		__concat = function(a, b)
			return tostring(a) .. tostring(b)
		end,
		__newindex = function()
			error("a decimal cannot be written to", 2)
		end,
		__index = {
			to_number = function(d)
				return decimal_double(d)
			end,
		},
	})

	-- cdcl.decimal("12.50"): exact, from its text.
	function values.decimal(text)
		if type(text) ~= "string" then
			local d = exact(text)
			if d ~= nil then
				return d
			end
			error(
				"cdcl.decimal: expected a text or an integer, got a "
					.. type(text),
				2
			)
		end
		local bytes, precision, scale = core.decimal_parse(text)
		if not bytes then
			error(format('cdcl.decimal: "%s" is no decimal', text), 2)
		end
		local d = new(decimal_t)
		copy(d, bytes, 16)
		d[k_precision], d[k_scale] = precision, scale
		return d
	end

	-- For a column decimal(precision, scale): the value, or nil when it does not fit.
	function values.to_decimal(v, precision, scale)
		local out = new(decimal_t)
		out[k_precision], out[k_scale] = precision, scale
		local d = exact(v)
		if d ~= nil then
			return decimal_rescale(d, out) ~= 0 and out or nil
		end
		if type(v) ~= "number" or decimal_of_double(v, out) == 0 then
			return nil
		end
		return out
	end

	function values.is_decimal(v)
		return istype(decimal_t, v)
	end

	-- An int64 in a column of integers between two limits (cdata both), or nil.
	function values.to_integer(v, least, most)
		if istype(uint64_t, v) then
			if v > 0x7fffffffffffffffULL then
				return nil
			end
			v = int64_t(v)
		end
		if not istype(int64_t, v) or v < least or v > most then
			return nil
		end
		return v
	end

	-- ---- JSON ----

	local k_data, k_len, k_generation =
		hidden .. "data", hidden .. "len", hidden .. "generation"
	local json_t = ffi.typeof(
		"struct { const char *$; size_t $; uint64_t $; }",
		k_data,
		k_len,
		k_generation
	)
	local k_position, k_index = hidden .. "position", hidden .. "index"
	local walk_t = ffi.typeof(
		"struct { const char *$; size_t $; uint64_t $; uint64_t $; double $; }",
		k_data,
		k_len,
		k_generation,
		k_position,
		k_index
	)
	local found_t = ffi.typeof "struct lua_json"
	local pair_t = ffi.typeof "struct cdcl_pair"
	local json_get = c_function(
		"json_get",
		"int32_t (*)(struct arena *, const char *, size_t, const char *, size_t, "
			.. "int64_t, struct lua_json *)"
	)
	local json_value = c_function(
		"json_value",
		"int32_t (*)(struct arena *, const char *, size_t, struct lua_json *)"
	)
	local json_next = c_function(
		"json_next",
		"int32_t (*)(const char *, size_t, uint64_t *, struct lua_json *, struct "
			.. "lua_json *)"
	)
	local parse_int64 = c_function("int64", "int32_t (*)(const char *, size_t, int64_t *)")
	local found, pair = new(found_t), new(pair_t)
	local whole = new("int64_t[1]")
	local at = new("uint64_t[1]")
	local kind_boolean, kind_number, kind_string, kind_array = 1, 2, 3, 4
	local kind_object = 5

	local function number_of(data, len)
		if parse_int64(data, len, whole) ~= 0 then
			local v = whole[0]
			if v >= -9007199254740992LL and v <= 9007199254740992LL then
				return tonumber(v)
			end
			return v
		end
		return tonumber(ffi_string(data, len))
	end

	-- What Lua sees of the value that json_get or json_value put into `found`.
	local function lua_value(kind)
		if kind == kind_string then
			return ffi_string(found.data, found.len)
		end
		if kind == kind_number then
			return number_of(found.data, found.len)
		end
		if kind == kind_object or kind == kind_array then
			return new(json_t, found.data, found.len, alive[0])
		end
		if kind == kind_boolean then
			return found.data[0] == 116
		end -- "t"
		return nil
	end

	function values.json(data, len)
		return lua_value(json_value(scratch, data, len, found))
	end

	local function check_alive(view)
		if view[k_generation] ~= alive[0] then
			error("a JSON value was used after its chunk", 3)
		end
	end

	local function json_index(view, key)
		check_alive(view)
		if type(key) == "number" then
			if key < 1 or key ~= floor(key) then
				return nil
			end
			return lua_value(
				json_get(scratch, view[k_data], view[k_len], nil, 0, key - 1, found)
			)
		end
		if type(key) ~= "string" then
			return nil
		end
		return lua_value(json_get(scratch, view[k_data], view[k_len], key, #key, -1, found))
	end

	-- No closure: LuaJIT does not compile making one.
	local function json_step(walk)
		if not istype(walk_t, walk) then
			error("that walks over JSON values only", 2)
		end
		check_alive(walk)
		at[0] = walk[k_position]
		if json_next(walk[k_data], walk[k_len], at, pair.name, pair.value) == 0 then
			return nil
		end
		walk[k_position] = at[0]
		walk[k_index] = walk[k_index] + 1
		local name = pair.name.data ~= nil and ffi_string(pair.name.data, pair.name.len)
			or walk[k_index]
		local v = values.json(pair.value.data, pair.value.len)
		if v == nil then
			v = core.null
		end
		return name, v
	end

	local function json_walk(view)
		return json_step,
			new(walk_t, view[k_data], view[k_len], view[k_generation], 0, 0)
	end

	ffi.metatype(json_t, {
		__index = json_index,
		__newindex = function()
			error("a JSON value cannot be written to", 2)
		end,
		__len = function(view)
			local n = 0
			for _ in json_walk(view) do
				n = n + 1
			end
			return n
		end,
		__tostring = function(view)
			check_alive(view)
			return ffi_string(view[k_data], view[k_len])
		end,
	})

	function values.is_json(v)
		return istype(json_t, v)
	end

	function values.json_text(view)
		check_alive(view)
		return ffi_string(view[k_data], view[k_len])
	end

	-- What pairs gives for a JSON value; nil for anything else. JSON null comes as cdcl.null.
	function values.walk(v)
		if istype(json_t, v) then
			return json_walk(v)
		end
		return nil
	end

	return values
end
