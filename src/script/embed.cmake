# Writes OUT, a C file that holds each of FILES (';'-separated) as bytes, and the declarations of
# include/cdcl/abi.h without the preprocessor's lines, for ffi.cdef.
set(text "/* Made by src/script/embed.cmake. */\n#include \"script/embedded.h\"\n\n")
set(table "")
set(count 0)

function(add_bytes name hex)
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
	string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
		"\\1\n" bytes "${bytes}")
	string(LENGTH "${hex}" digits)
	math(EXPR len "${digits} / 2")
	set(text "${text}static const unsigned char bytes_${count}[] = {\n${bytes}0};\n\n" PARENT_SCOPE)
	set(table "${table}\t{\"${name}\", (const char *)bytes_${count}, ${len}},\n" PARENT_SCOPE)
	math(EXPR next "${count} + 1")
	set(count ${next} PARENT_SCOPE)
endfunction()

foreach(path ${FILES})
	file(RELATIVE_PATH name ${ROOT}/lib-lua ${path})
	file(READ ${path} hex HEX)
	add_bytes(${name} "${hex}")
endforeach()

# '#' lines go; through a file, so that CMake sees the same bytes that ffi.cdef will.
file(READ ${ROOT}/include/cdcl/abi.h abi)
string(REGEX REPLACE "(^|\n)#[^\n]*" "\\1" abi "${abi}")
file(WRITE ${OUT}.abi "${abi}")
file(READ ${OUT}.abi hex HEX)
add_bytes(abi.h "${hex}")
file(REMOVE ${OUT}.abi)

set(text "${text}const struct embedded_file embedded_files[] = {\n${table}};\n")
set(text "${text}const size_t embedded_file_count = ${count};\n")
file(WRITE ${OUT} "${text}")
