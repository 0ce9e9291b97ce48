-- Ready rules of merges, cdcl.merge: each is written here as a user would write it. A job that
-- names one in `rules` gets the same from C, without a call for each row; tests/model compares the
-- two, and what order_free promises.
--
-- order_free: the rule's column ends the same in whatever order events come, and however often.

local error, format, pairs, setmetatable, tostring, type =
	error, string.format, pairs, setmetatable, tostring, type
local concat, sort = table.concat, table.sort

-- Numbers are exact up to here; a sum beyond it needs an int64 when its column is one.
local exact_max = 2 ^ 53

local function is_exact(n)
	return type(n) == "number" and n % 1 == 0 and n >= -exact_max and n <= exact_max
end

local function add(a, b)
	local sum = a + b
	if type(sum) == "number" then
		if is_exact(a) and is_exact(b) and not is_exact(sum) then
			return a + 0LL + b
		end
		return sum
	end
	if (a > 0) == (b > 0) and (sum > 0) ~= (a > 0) then
		error("the counter leaves its type's range", 0)
	end
	return sum
end

-- NULL is less than anything, NaN greater.
local function is_greater(a, b)
	if a == nil or b == nil then
		return a ~= nil
	end
	if type(a) == "boolean" then
		return a and not b
	end
	return a > b or (a ~= a and b == b)
end

local makers = {}

function makers.last_write()
	return { order_free = false }
end

function makers.first_write()
	return {
		order_free = false,
		on_update = function(old)
			return old
		end,
	}
end

function makers.soft_delete(column)
	local function lives(new)
		new[column] = false
		return new
	end
	return {
		order_free = false,
		on_insert = lives,
		on_update = function(_, new)
			return lives(new)
		end,
		on_delete = function(_, _, new)
			new[column] = true
			return new
		end,
	}
end

-- An event twice is added twice: order_free only where sequence_by tells them apart.
function makers.counter(column)
	return {
		order_free = false,
		on_update = function(old, new, event)
			local before, more = old[column], new[column]
			-- What is absent or NULL adds nothing: new may hold the old value.
			if before ~= nil then
				local says = more ~= nil and event[column] ~= nil
				new[column] = says and add(before, more) or before
			end
			return new
		end,
	}
end

function makers.max(column)
	return {
		order_free = true,
		on_update = function(old, new)
			if is_greater(old[column], new[column]) then
				new[column] = old[column]
			end
			return new
		end,
	}
end

-- Every version of a row, with valid_from, valid_to and is_current: only C can write it, since a
-- function answers one row.
function makers.keep_history()
	return { order_free = false }
end

local takes_column = { soft_delete = true, counter = true, max = true }

return function(core, check)
	local function rule(name, column)
		local fields = makers[name](column)
		fields.name, fields.column = name, column
		return setmetatable({}, {
			__metatable = false,
			__index = fields,
			__newindex = function(_, key)
				core.fail("a rule cannot be written to", tostring(key))
			end,
			__tostring = function()
				return "cdcl.merge." .. name
			end,
		})
	end

	local rules, names = {}, {}
	for name in pairs(makers) do
		names[#names + 1] = name
		if takes_column[name] then
			rules[name] = function(column)
				if type(column) ~= "string" then
					check.wrong_type(
						"cdcl.merge." .. name,
						"the name of a column",
						column,
						name
					)
				end
				return rule(name, column)
			end
		else
			rules[name] = rule(name)
		end
	end
	sort(names)
	return setmetatable({}, {
		__metatable = false,
		__index = function(_, key)
			return rules[key]
				or core.fail(
					format("there is no cdcl.merge.%s", tostring(key)),
					tostring(key),
					check.suggest(tostring(key), names)
						or "there are: " .. concat(names, ", ")
				)
		end,
		__newindex = function(_, key)
			core.fail("cdcl.merge cannot be written to", tostring(key))
		end,
	})
end
