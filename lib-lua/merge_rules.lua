-- The rules of a merge. One driver for on_insert, on_update and on_delete loops over the events
-- of a chunk in turn: it points three views (old, new, event) at the row, calls the rule that the
-- event is for and notes what it answered; the answers are applied in C afterwards. An event
-- whose key came before in the chunk has what that one became as its old row.
--
-- `kit` is what rows.lua shares: views, code that reads and writes columns, the environment of
-- generated code.

local ffi = require "ffi"
local error, format, ipairs, rawequal, setmetatable, tostring, type =
	error, string.format, ipairs, rawequal, setmetatable, tostring, type
local cast = ffi.cast

-- Answers, as the driver writes them: enum merge_outcome of expr/merge_function.h.
local judge = [[
	if rawequal(answer, new) then outcome[i] = 0
	elseif rawequal(answer, delete) then outcome[i] = 1
	elseif rawequal(answer, old) then outcome[i] = 2
	elseif type(answer) == 'nil' and type(reason) == 'string' then return reason
	else wrong_answer(at.rule, answer, reason) end
]]

local function call_code(rule, arguments)
	return format(
		"at.rule = %d\nlocal answer, reason = f%d(%s)\n%s",
		rule,
		rule,
		arguments,
		judge
	)
end

return function(core, rows, kit)
	local op_names = core.change_ops()
	local link = kit.values.c_function("merge_link", "void (*)(struct merge_cursor *, int32_t)")

	-- Stands for "the row goes", as a rule's answer.
	local delete = setmetatable({}, {
		__metatable = false,
		__index = function(_, key)
			core.fail("cdcl.delete has no fields", tostring(key))
		end,
		__newindex = function(_, key)
			core.fail("cdcl.delete cannot be written to", tostring(key))
		end,
		__tostring = function()
			return "cdcl.delete"
		end,
	})
	rows.public.delete = delete

	local function read_only(name, help)
		return function(_, key)
			core.fail(name .. " cannot be written to", tostring(key), help)
		end
	end

	-- A function per column that writes `new`.
	local function setters(columns, at)
		local parts = { kit.prelude, "local at, set = env.at, {}" }
		for c, column in ipairs(columns) do
			parts[#parts + 1] = format(
				"set[%q] = function(r, v, ...)\n%slocal i = r.__cdcl_row\n"
					.. "local w, b = rshift(i, 5), lshift(1, band(i, 31))\n"
					.. "local oc, arena = r.__cdcl_columns, at.arena\n%send",
				column.name,
				kit.cursor_guard,
				kit.write_code(column, c - 1, "v", true)
			)
		end
		parts[#parts + 1] = "return set"
		local extra = kit.converters(columns, 0)
		extra.at = at
		return kit.load_code(parts, "new", kit.environment(extra))
	end

	local function writer(columns, keys, at)
		local set = setters(columns, at)
		for _, key in ipairs(keys) do
			set[key] = function()
				core.fail(
					key .. " is the table's key: a rule cannot change it",
					key
				)
			end
		end
		for _, column in ipairs(columns) do
			if column.type:match "^array" then
				set[column.name] = function()
					core.fail(
						format(
							"column %s: a Lua function cannot give an "
								.. "array",
							column.name
						),
						column.name
					)
				end
			end
		end
		return function(r, key, v, ...)
			local write = set[key]
			if write then
				write(r, v)
			else
				kit.unknown_column(columns, key)
			end
		end
	end

	-- What an event has besides its columns: its operation, also where no column says it.
	local function event_fields(columns, at)
		local op = kit.load_code({
			kit.prelude,
			"local at, names = env.at, env.names",
			"return function(r)",
			kit.cursor_guard,
			"return names[at.op[at.old.row]]",
			"end",
		}, "event", kit.environment { at = at, names = op_names })
		local fields = { ["@op"] = op, op = op }
		for _, column in ipairs(columns) do
			if column.name == "op" then
				fields.op = nil
			end
		end
		return fields
	end

	local function wrong_answer(views)
		return function(rule, answer, reason)
			local got
			if type(answer) == "nil" and reason == nil then
				got = "nothing"
			elseif type(answer) == "nil" then
				got = "nil and a reason that is a " .. type(reason)
			elseif rawequal(answer, views.event) then
				got = "the event"
			else
				got = "a " .. type(answer)
			end
			error(
				format(
					"answered %s: answer %s, cdcl.delete, or nil and the "
						.. "reason why not",
					got,
					({ "new", "new, old", "old, new" })[rule]
				),
				0
			)
		end
	end

	local function views_of(leaf, keys, at, event_cursor)
		local columns = core.schema(leaf, "out")
		local events = core.schema(leaf, "in")
		local function view(cursor, ...)
			local ctype = kit.row_type(leaf, ...)
			return cast(ffi.typeof("$ *", ctype), cursor)[0]
		end
		return {
			old = view(at.old, columns, kit.cursor_guard, {
				of_table = true,
				schema = "out",
				write = read_only("old", "write to new, and return it"),
			}),
			new = view(at.next, columns, kit.cursor_guard, {
				of_table = true,
				schema = "out",
				write = writer(columns, keys, at),
			}),
			event = view(event_cursor, events, kit.cursor_guard, {
				get = event_fields(events, at),
				write = read_only("an event", "write to new, and return it"),
			}),
		}
	end

	-- on_insert, on_update, on_delete of `rules` (each may be nil) become those of `node`.
	function rows.merge(node, rules)
		local f1, f2, f3 = rules.on_insert, rules.on_update, rules.on_delete
		local leaf, keys = core.merge_leaf(node, f1, f2, f3)
		local row_cursor, _, _, merge_cursor = core.cursors(leaf)
		local at = cast("struct merge_cursor *", merge_cursor)
		local views = views_of(leaf, keys, at, row_cursor)
		local env = {
			at = at,
			cursor = cast("struct row_cursor *", row_cursor),
			delete = delete,
			f1 = f1,
			f2 = f2,
			f3 = f3,
			link = link,
			rawequal = rawequal,
			views = views,
			wrong_answer = wrong_answer(views),
		}
		core.set_driver(
			leaf,
			kit.load_code({
				kit.prelude,
				"local at, delete, link, rawequal = env.at, env.delete, env.link, "
					.. "env.rawequal",
				"local old, new, event = env.views.old, env.views.new, "
					.. "env.views.event",
				"local wrong_answer = env.wrong_answer",
				"local f1, f2, f3 = env.f1, env.f2, env.f3",
				"return function(start, stop)",
				"local links, rows, action, has_old, outcome = at.link, at.rows, "
					.. "at.action, at.has_old, at.outcome",
				"local old_at, new_at = at.old, at.next",
				"for i = start, stop do",
				"if links[i] >= 0 then link(at, i) end",
				"cursor.row, old_at.row, new_at.row = rows[i], i, i",
				"cursor.null_column = -1",
				"old_at.null_column, new_at.null_column = -1, -1",
				"if action[i] == 1 then",
				f3 and "if has_old[i] ~= 0 then" or "",
				f3 and call_code(3, "old, event, new") .. "end" or "",
				"elseif has_old[i] ~= 0 then",
				f2 and call_code(2, "old, new, event") or "",
				"else",
				f1 and call_code(1, "new, event") or "",
				"end end end",
			}, "merge", kit.environment(env))
		)
	end
end
