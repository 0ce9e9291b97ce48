-- What a rule sees of an event besides its columns.
local cdcl = require "cdcl"

local function note(new, event)
	new.email = event["@op"] .. " " .. event.op .. " at " .. tostring(event["@source"].lsn)
	return new
end

cdcl.file { path = "in/customers.jsonl", schema = "auto" }:merge {
	name = "customers",
	key = "id",
	on_insert = note,
	on_update = function(old, new, event)
		new.name = old.name .. "+"
		return note(new, event)
	end,
	on_delete = function(old, event, new)
		if old.id == 4 then return cdcl.delete end
		return note(new, event)
	end,
}:to(cdcl.console { output_mode = "complete", truncate = false })
