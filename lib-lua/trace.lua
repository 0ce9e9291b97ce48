-- Which lines of a script LuaJIT does not compile: notes the traces that it gives up while drivers
-- run. And which functions keep something from row to row in variables: no checkpoint has those,
-- and each worker has its own.

local band, rshift = bit.band, bit.rshift
local error, format, ipairs, pairs, pcall, require, sort, type =
	error, string.format, ipairs, pairs, pcall, require, table.sort, type

-- Tried again in another way: nothing a user could do about.
local passing = {
	["error thrown or hook called during recording"] = true,
	["retry recording"] = true,
	["leaving loop in root trace"] = true,
	["inner loop in root trace"] = true,
	["loop unroll limit reached"] = true,
	["call unroll limit reached"] = true,
	["down-recursion, restarting"] = true,
	["hit mcode limit (retrying)"] = true,
	["trace too short"] = true,
	["blacklisted"] = true,
	-- These rows raise an error, and the user's may not.
	["missing metamethod"] = true,
	["bad argument type"] = true,
	["NYI: return to lower frame"] = true,
}

local keeps_state =
	"keeps state in '%s': no checkpoint has it, and with --workers each has its own"
local left_compiled = "leaves compiled code for %s, which LuaJIT does not compile"

return function(run)
	local jit_util = require "jit.util"
	local has_names, names = pcall(require, "jit.vmdef")
	local lines, seen = {}, {}

	local function name_of(f)
		local info = jit_util.funcinfo(f)
		if info.ffid and has_names then
			return (names.ffnames[info.ffid]:gsub("^ffi%.meta%.__", ""))
		end
		return info.loc or "a C function"
	end

	local function reason(code, extra)
		local text = has_names and names.traceerr[code] or format("trace error %s", code)
		if passing[text] then
			return nil
		end
		if type(extra) == "function" then
			return (text:gsub("%%s", name_of(extra)))
		end
		if text:find("bytecode", 1, true) and has_names then
			local at = extra * 6
			return "NYI: bytecode "
				.. names.bcnames:sub(at + 1, at + 6):gsub("%s+$", "")
		end
		return (text:gsub("%%[sd]", tostring(extra)))
	end

	local look_at

	-- The user's line that is being recorded, and how deep in calls it stands: what is
	-- recorded deeper was called from there, as was what takes its place (a tail call).
	local user, user_depth

	local function place_of(f, pc)
		local info = jit_util.funcinfo(f, pc)
		if info.source and info.source:sub(1, 1) == "@" then
			return { source = info.source, line = info.currentline }
		end
	end

	local function on_record(_, f, pc, depth)
		local place = place_of(f, pc)
		if place then
			look_at(f)
			user, user_depth = place, depth
		elseif user and depth < user_depth then
			user = nil
		end
	end

	local function note(place, text)
		local shown = format("%s:%d", place.source:sub(2), place.line)
		local key = shown .. text
		if not seen[key] then
			seen[key] = true
			lines[#lines + 1] = { line = place.line, text = shown .. " " .. text }
		end
	end

	local function on_trace(what, trace, f, pc, code, extra)
		if what == "start" then
			user = nil
		elseif what == "abort" then
			local text = reason(code, extra)
			local place = place_of(f, pc) or user
			if text and place then
				note(place, "runs interpreted: " .. text)
			end
		elseif what == "stop" and user then
			local link = (jit_util.traceinfo(trace) or {}).linktype
			-- "return": from a C function that was called last.
			local left = link == "stitch"
				or link == "return" and not jit_util.funcinfo(f).source
			if left and f ~= error then
				note(user, format(left_compiled, name_of(f)))
			end
		end
	end

	local looked, kept = {}, {} -- by function; by where it is defined: what it keeps
	local inner = {} -- functions made within functions: their variables may be of one row

	local function definition(info, source)
		return format("%s:%d:%d", source, info.linedefined, info.lastlinedefined)
	end

	-- Assigned to, or written into: a variable from outside of the function. Registers that
	-- hold such a variable are followed from instruction to instruction, not over jumps.
	local function find_kept(f, info, found)
		local holds = {}
		local function add(name, pc)
			local line = jit_util.funcinfo(f, pc).currentline
			found[#found + 1] = { source = info.source, line = line, name = name }
		end
		for pc = 1, info.bytecodes - 1 do
			local ins, mode = jit_util.funcbc(f, pc)
			local at = band(ins, 0xff) * 6
			local name = names.bcnames:sub(at + 1, at + 4)
			local a, b = band(rshift(ins, 8), 0xff), rshift(ins, 24)
			if name == "USET" then
				add(jit_util.funcuvname(f, a), pc)
			elseif name == "TSET" and holds[b] then
				add(holds[b], pc)
			elseif name == "UGET" then
				holds[a] = jit_util.funcuvname(f, rshift(ins, 16))
			elseif band(mode, 7) == 1 then -- its first operand is written
				holds[a] = nil
			elseif name == "CALL" then
				for register in pairs(holds) do
					holds[register] = register < a and holds[register] or nil
				end
			end
		end
	end

	function look_at(f)
		if looked[f] or not has_names then
			return
		end
		looked[f] = true
		local info = jit_util.funcinfo(f)
		local key = definition(info, info.source)
		if kept[key] then
			return
		end
		kept[key] = {}
		find_kept(f, info, kept[key])
		for k = 1, info.gcconsts do
			local child = jit_util.funck(f, -k)
			if type(child) == "proto" then
				inner[definition(jit_util.funcinfo(child), info.source)] = true
			end
		end
	end

	local function note_kept()
		for key, found in pairs(kept) do
			for _, of in ipairs(inner[key] and {} or found) do
				note(of, format(keeps_state, of.name))
			end
		end
	end

	jit.attach(on_trace, "trace")
	jit.attach(on_record, "record")
	run()
	jit.attach(on_trace)
	jit.attach(on_record)
	note_kept()
	sort(lines, function(a, b)
		return a.line < b.line or a.line == b.line and a.text < b.text
	end)
	local texts = {}
	for i, line in ipairs(lines) do
		texts[i] = line.text .. "\n"
	end
	return table.concat(texts)
end
