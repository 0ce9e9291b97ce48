# Writes OUT, a C file that holds each of FILES (';'-separated) as text and, with the program BYTECODE, as what
# LuaJIT makes of it, and the declarations of include/cdcl/abi.h without the preprocessor's lines, for ffi.cdef.
set(text "/* Made by src/script/embed.cmake. */\n#include \"script/embedded.h\"\n\n")
set(table "")
set(count 0)

function(as_bytes name hex)
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
	string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
		"\\1\n" bytes "${bytes}")
	string(LENGTH "${hex}" digits)
	math(EXPR len "${digits} / 2")
	set(text "${text}static const unsigned char ${name}[] = {\n${bytes}0};\n\n" PARENT_SCOPE)
	set(bytes_len ${len} PARENT_SCOPE)
endfunction()

# A file as text, and its bytecode, which may be nothing.
macro(add_file name hex code_hex)
	as_bytes(text_${count} "${hex}")
	set(table "${table}\t{\"${name}\", (const char *)text_${count}, ${bytes_len},")
	as_bytes(code_${count} "${code_hex}")
	set(table "${table} (const char *)code_${count}, ${bytes_len}},\n")
	math(EXPR count "${count} + 1")
endmacro()

foreach(path ${FILES})
	file(RELATIVE_PATH name ${ROOT}/lib-lua ${path})
	file(READ ${path} hex HEX)
	set(code "")
	if(BYTECODE)
		execute_process(COMMAND ${BYTECODE} =cdcl/${name} INPUT_FILE ${path} OUTPUT_FILE ${OUT}.bc
			RESULT_VARIABLE result)
		if(result)
			message(FATAL_ERROR "${path} does not compile")
		endif()
		file(READ ${OUT}.bc code HEX)
		file(REMOVE ${OUT}.bc)
	endif()
	add_file(${name} "${hex}" "${code}")
endforeach()

# '#' lines go; through a file, so that CMake sees the same bytes that ffi.cdef will.
file(READ ${ROOT}/include/cdcl/abi.h abi)
string(REGEX REPLACE "(^|\n)#[^\n]*" "\\1" abi "${abi}")
file(WRITE ${OUT}.abi "${abi}")
file(READ ${OUT}.abi hex HEX)
add_file(abi.h "${hex}" "")
file(REMOVE ${OUT}.abi)

set(text "${text}const struct embedded_file embedded_files[] = {\n${table}};\n")
set(text "${text}const size_t embedded_file_count = ${count};\n")
file(WRITE ${OUT} "${text}")
