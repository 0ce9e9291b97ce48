-- The topic that the runner filled (--set topic=NAME), read by the lane that it asks for (--set
-- lane=NAME).
local cdcl = require "cdcl"

return function(options)
	options.topic = cdcl.var.topic
	options.lane = cdcl.var.lane
	return cdcl.kafka(options)
end
