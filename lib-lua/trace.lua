-- Which lines of a script LuaJIT does not compile: notes the traces that it gives up while drivers
-- run.

local format, ipairs, pcall, require, sort, type =
	string.format, ipairs, pcall, require, table.sort, type

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

	local function note(f, pc, text)
		local info = jit_util.funcinfo(f, pc)
		if not info.source or info.source:sub(1, 1) ~= "@" then
			return
		end
		local place = format("%s:%d", info.source:sub(2), info.currentline)
		local key = place .. text
		if seen[key] then
			return
		end
		seen[key] = true
		lines[#lines + 1] = {
			place = info.source,
			line = info.currentline,
			text = place .. " " .. text,
		}
	end

	local left_for = {} -- trace -> what it leaves compiled code for

	local function on_trace(what, trace, f, pc, code, extra)
		if what == "abort" then
			local text = reason(code, extra)
			if text then
				note(f, pc, "runs interpreted: " .. text)
			end
		elseif what == "stop" then
			local info = jit_util.traceinfo(trace)
			left_for[trace] = info and info.linktype == "stitch" and name_of(f) or nil
		elseif what == "start" and code and left_for[code] then
			-- The trace after such a call begins on its line.
			local name = left_for[code]
			note(
				f,
				pc,
				format(
					"leaves compiled code for %s, which LuaJIT does not "
						.. "compile",
					name
				)
			)
		end
	end

	jit.attach(on_trace, "trace")
	run()
	jit.attach(on_trace)
	sort(lines, function(a, b)
		return a.line < b.line
	end)
	local texts = {}
	for i, line in ipairs(lines) do
		texts[i] = line.text .. "\n"
	end
	return table.concat(texts)
end
