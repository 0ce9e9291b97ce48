-- Row functions: drivers made for a chunk's schema.

return function(core)
	local rows = { public = {} }
	rows.null = core.null
	local function later(node)
		core.fail("Lua functions over rows are not built into this binary")
	end
	rows.filter, rows.with, rows.map, rows.flat_map, rows.aggregate, rows.foreach_batch =
		later, later, later, later, later, later
	function rows.walk()
		return nil
	end
	return rows
end
