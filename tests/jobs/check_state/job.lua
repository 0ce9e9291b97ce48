-- What functions keep in variables of the script is named, line by line.
local cdcl = require "cdcl"
cdcl.job { name = "check_state" }

local seen, count, last = {}, 0, { id = 0 }
local limits = { [1] = 5 }

local function number()
	count = count + 1
	return count
end

local function add(list, f)
	for i = 1, #list do
		f(list[i])
	end
end

local letters = { 1, 2 }

cdcl.file { path = "orders.jsonl", schema = "id int, name string" }
	:filter(function(row)
		if seen[row.id] then
			return false
		end
		seen[row.id] = true
		return true
	end)
	:with("n int", function()
		return number()
	end)
	:with("before int", function(row)
		local before = last.id
		last.id = row.id
		return before
	end)
	:with("sum int", function(row)
		-- of one row
		local sum, parts = row.id, { 0 }
		add(letters, function(letter)
			sum = sum + letter
		end)
		parts[1] = limits[1]
		return sum
	end)
	:to(cdcl.changes {})
