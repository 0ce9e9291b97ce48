-- The globals of a script: the language without what reaches outside, and none that was not
-- declared.

local error, getmetatable, ipairs, pairs, pcall, setmetatable, tostring, type =
	error, getmetatable, ipairs, pairs, pcall, setmetatable, tostring, type
local select, concat, format = select, table.concat, string.format
local getinfo = debug.getinfo

local plain = {
	"assert",
	"error",
	"ipairs",
	"next",
	"pcall",
	"rawequal",
	"rawget",
	"rawset",
	"select",
	"setmetatable",
	"tonumber",
	"tostring",
	"type",
	"unpack",
	"xpcall",
	"getmetatable",
	"pairs",
}

-- Where a name that was taken away has gone to.
local elsewhere = {
	io = "files are out of reach: run with --allow io, or use a sink",
	ffi = "scripts cannot call C",
	debug = "scripts cannot inspect the program",
	dofile = "use require: it finds modules in the script's folder",
	loadfile = "use require: it finds modules in the script's folder",
	load = "scripts cannot load code from strings",
	loadstring = "scripts cannot load code from strings",
	collectgarbage = "memory is managed for you",
	setfenv = "environments are fixed",
	getfenv = "environments are fixed",
	jit = "use --no-jit on the command line",
	package = "use require: it finds modules in the script's folder",
}

local function copy(from)
	local to = {}
	for key, value in pairs(from) do
		to[key] = value
	end
	return to
end

local function print_to(core)
	return function(...)
		local words = {}
		for i = 1, select("#", ...) do
			words[i] = tostring((select(i, ...)))
		end
		core.print(concat(words, "\t"))
	end
end

-- Is the function being called? A module that failed under pcall is not, though it never ended.
local function is_running(f)
	local level = 2
	while true do
		local frame = getinfo(level, "f")
		if not frame then
			return false
		end
		if frame.func == f then
			return true
		end
		level = level + 1
	end
end

-- cjson without what lifts its limits: its own recursion and memory are C's, not the script's.
local function bounded_cjson(from)
	local to = copy(from)
	for _, name in ipairs {
		"new",
		"encode_max_depth",
		"decode_max_depth",
		"encode_sparse_array",
		"encode_keep_buffer",
	} do
		to[name] = nil
	end
	return to
end

local function make_require(core, check, builtin, environment)
	local loaded = copy(builtin)
	local loading = {} -- name -> its chunk
	return function(name)
		if type(name) ~= "string" then
			check.wrong_type("require", "a module's name", name, "require")
		end
		if loaded[name] ~= nil then
			return loaded[name]
		end
		if name == "cjson" then
			loaded.cjson = bounded_cjson(require "cjson")
			return loaded.cjson
		end
		if not name:match("^[%w_][%w_.-]*$") or name:find("..", 1, true) then
			core.fail(
				format('require: "%s" is no module name', name),
				name,
				'write "rules" or "shared.rules" for a file in the script\'s folder'
			)
		end
		if loading[name] and is_running(loading[name]) then
			core.fail(
				format(
					'require: module "%s" needs itself to be loaded first',
					name
				),
				name
			)
		end
		local chunk, path = core.module(name)
		if not chunk then
			core.fail(
				format(
					'require: there is no module "%s" (looked for %s)',
					name,
					path
				),
				name,
				check.suggest(name, { "cdcl", "cjson" })
			)
		end
		loading[name] = chunk
		setfenv(chunk, environment)
		local result = chunk(name)
		loading[name] = nil
		if result == nil then
			result = true
		end
		loaded[name] = result
		return result
	end
end

-- LuaJIT bounds the depth of Lua calls, not of C functions that call Lua: a gsub in a gsub, and a
-- coroutine in a coroutine, each take some of the C stack, and without a bound the process ends.
local nested_max, nested = 150, 0

local function enter()
	if nested >= nested_max then
		error("stack overflow: a gsub or coroutine inside of too many others", 3)
	end
	nested = nested + 1
end

local function leave(...)
	nested = nested - 1
	return ...
end

local function passed_on(ok, ...)
	if not ok then
		error((...), 0)
	end
	return ...
end

local function bounded_gsub(gsub)
	return function(s, pattern, repl, n)
		if type(repl) ~= "function" and not getmetatable(repl) then
			return gsub(s, pattern, repl, n)
		end
		enter()
		return passed_on(leave(pcall(gsub, s, pattern, repl, n)))
	end
end

local function bounded_coroutines(from)
	local create, resume = from.create, from.resume
	local to = copy(from)
	to.resume = function(co, ...)
		enter()
		return leave(resume(co, ...))
	end
	to.wrap = function(f)
		local co = create(f)
		return function(...)
			enter()
			return passed_on(leave(resume(co, ...)))
		end
	end
	return to
end

-- pairs over a JSON value walks its fields; over a table it is Lua's own.
local function make_pairs(rows)
	local next, lua_pairs = next, pairs
	return function(t)
		if type(t) == "table" then
			return next, t, nil
		end
		local step, walk = rows.walk(t)
		if step then
			return step, walk
		end
		return lua_pairs(t)
	end
end

-- What --allow gives; a rehearsal (src/script/rehearse.h) gets something that only fails.
local function allowed(core, name, library)
	local answer = core.allowed(name)
	if answer == "rehearsal" then
		return setmetatable({}, {
			__index = function()
				error(name .. " is not there while functions are tried")
			end,
		})
	end
	return answer and copy(library) or nil
end

return function(core, check, rows, builtin)
	local globals = {}
	for _, name in ipairs(plain) do
		globals[name] = _G[name]
	end
	globals.pairs = make_pairs(rows)
	globals.print = print_to(core)
	globals._VERSION = _VERSION

	-- Own copies, so that a script that changes them changes nobody else's.
	string.dump = nil
	string.gsub = bounded_gsub(string.gsub)
	for _, name in ipairs { "string", "table", "math", "bit" } do
		globals[name] = copy(_G[name])
	end
	globals.coroutine = bounded_coroutines(coroutine)
	getmetatable("").__metatable = false
	globals.os = allowed(core, "os", os)
		or { time = os.time, date = os.date, clock = os.clock, difftime = os.difftime }
	globals.io = allowed(core, "io", io)

	local environment = globals
	globals.require = make_require(core, check, builtin, environment)
	globals._G = environment
	local names = {}
	for name in pairs(globals) do
		names[#names + 1] = name
	end
	names[#names + 1] = "cdcl"

	setmetatable(environment, {
		__metatable = false,
		__index = function(_, name)
			local help = name == "cdcl"
					and 'begin the script with: local cdcl = require "cdcl"'
				or elsewhere[name]
				or check.suggest(tostring(name), names)
			core.fail(
				format('undeclared variable "%s"', tostring(name)),
				tostring(name),
				help
			)
		end,
		__newindex = function(_, name)
			core.fail(
				format(
					'assignment to the undeclared variable "%s"',
					tostring(name)
				),
				tostring(name),
				format(
					"write: local %s = ... (or local function %s)",
					tostring(name),
					tostring(name)
				)
			)
		end,
	})
	return environment
end
