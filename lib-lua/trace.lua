-- Which lines of a script LuaJIT does not compile: notes the traces that it gives up while drivers
-- run.

local error, format, ipairs, pcall, require, sort, type =
	error, string.format, ipairs, pcall, require, table.sort, type

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

	jit.attach(on_trace, "trace")
	jit.attach(on_record, "record")
	run()
	jit.attach(on_trace)
	jit.attach(on_record)
	sort(lines, function(a, b)
		return a.line < b.line
	end)
	local texts = {}
	for i, line in ipairs(lines) do
		texts[i] = line.text .. "\n"
	end
	return table.concat(texts)
end
