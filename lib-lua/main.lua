-- Where C enters: builds the language and the sandbox, then runs the user's script in it.

return function(core)
	local nouns = core.library "options"
	local check = core.library "check"(core, nouns)
	local rows = core.library "rows"(core, check)
	local cdcl, unused_variables = core.library "cdcl"(core, check, nouns, rows)
	local environment = core.library "sandbox"(core, check, rows, { cdcl = cdcl })
	local main = core.main()
	setfenv(main, environment)
	main()
	unused_variables()
end
