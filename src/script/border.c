/*
 * C functions that drivers call through FFI (compiled into the trace; they never call Lua back),
 * handed over as pointers because the program exports no symbols.
 */

#include "script/leaf.h"

#include "base/check.h"
#include "data/decimal.h"
#include "data/row_codec.h"
#include "decode/json_path.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* ---- memory ---- */

/* Room for a string's bytes in a chunk's memory. */
static char *border_reserve(struct arena *arena, size_t bytes)
{
	return arena_alloc(arena, bytes + 1, 1);
}

/* ---- json ---- */

/* Hands a JSON value to Lua, a string without its quotes; answers its kind. */
static int32_t give_json(struct arena *scratch, struct str value, struct lua_json *out)
{
	enum json_kind kind = json_kind_of(value);
	if (kind == JSON_KIND_STRING)
		value = json_unquote(value, scratch);
	out->data = value.data;
	out->len = value.len;
	return (int32_t)kind;
}

/*
 * The value at a field (index < 0) or element of a JSON value: its kind (enum json_kind), or -1
 * when there is none. A string is unquoted; *out then holds its bytes, else the exact text.
 */
static int32_t border_json_get(struct arena *scratch, const char *data, size_t len,
	const char *field, size_t field_len, int64_t index, struct lua_json *out)
{
	struct json_step step = {.index = index};
	if (index < 0)
		step.field = (struct str){field, field_len};
	struct str value;
	if (!json_path_find((struct str){data, len}, &step, 1, &value))
		return -1;
	return give_json(scratch, value, out);
}

/* The value itself, as border_json_get gives one. */
static int32_t border_json_value(
	struct arena *scratch, const char *data, size_t len, struct lua_json *out)
{
	struct str value = str_trim((struct str){data, len});
	if (value.len == 0)
		return -1;
	return give_json(scratch, value, out);
}

/* Walks an object or array from *at (0 at first); 0 at the end. The name is unquoted; absent in an
 * array. */
static int32_t border_json_next(
	const char *data, size_t len, uint64_t *at, struct lua_json *name, struct lua_json *value)
{
	size_t position = (size_t)*at;
	struct str n = {NULL, 0};
	struct str v = {NULL, 0};
	if (!json_next((struct str){data, len}, &position, &n, &v))
		return 0;
	*at = position;
	name->data = n.data;
	name->len = n.len;
	value->data = v.data;
	value->len = v.len;
	return 1;
}

/* An integer's text in range: true, else false (then it is read as a double). */
static int32_t border_int64(const char *data, size_t len, int64_t *out)
{
	return int64_parse((struct str){data, len}, out);
}

/* ---- decimals ---- */

enum border_operation {
	BORDER_ADD,
	BORDER_SUBTRACT,
	BORDER_MULTIPLY,
	BORDER_DIVIDE,
	BORDER_REMAINDER
};

static int128 unscaled_of(const struct lua_decimal *d)
{
	return (int128)(((uint128)d->high << 64) | d->low);
}

static void set_unscaled(struct lua_decimal *d, int128 unscaled)
{
	d->low = (uint64_t)unscaled;
	d->high = (uint64_t)((uint128)unscaled >> 64);
}

static struct type type_of_decimal(const struct lua_decimal *d)
{
	return type_decimal((unsigned)d->precision, (unsigned)d->scale);
}

/* 0: overflow, or a division by zero. */
static int32_t border_decimal(int32_t operation, const struct lua_decimal *a,
	const struct lua_decimal *b, struct lua_decimal *out)
{
	static const struct {
		struct type (*type)(struct type, struct type);
		bool (*apply)(int128, struct type, int128, struct type, struct type, int128 *);
	} operations[] = {
		[BORDER_ADD] = {decimal_add_type, decimal_add},
		[BORDER_SUBTRACT] = {decimal_add_type, decimal_subtract},
		[BORDER_MULTIPLY] = {decimal_multiply_type, decimal_multiply},
		[BORDER_DIVIDE] = {decimal_divide_type, decimal_divide},
		[BORDER_REMAINDER] = {decimal_remainder_type, decimal_remainder},
	};
	check((size_t)operation < ARRAY_LEN(operations));
	struct type at = type_of_decimal(a);
	struct type bt = type_of_decimal(b);
	struct type result = operations[operation].type(at, bt);
	int128 unscaled = 0;
	if (!operations[operation].apply(unscaled_of(a), at, unscaled_of(b), bt, result, &unscaled))
		return 0;
	set_unscaled(out, unscaled);
	out->precision = result.precision;
	out->scale = result.scale;
	return 1;
}

static int32_t border_decimal_cmp(const struct lua_decimal *a, const struct lua_decimal *b)
{
	return decimal_cmp(unscaled_of(a), (unsigned)a->scale, unscaled_of(b), (unsigned)b->scale);
}

static double border_decimal_double(const struct lua_decimal *d)
{
	return decimal_to_double(unscaled_of(d), (unsigned)d->scale);
}

/* To the precision and scale that *out has; 0: does not fit. */
static int32_t border_decimal_rescale(const struct lua_decimal *d, struct lua_decimal *out)
{
	int128 unscaled = 0;
	if (!decimal_rescale(unscaled_of(d), (unsigned)d->scale, (unsigned)out->scale, &unscaled) ||
		!decimal_fits(unscaled, (unsigned)out->precision))
		return 0;
	set_unscaled(out, unscaled);
	return 1;
}

static int32_t border_decimal_of_double(double number, struct lua_decimal *out)
{
	int128 unscaled = 0;
	if (!isfinite(number) || !decimal_from_double(number, (unsigned)out->precision,
					 (unsigned)out->scale, &unscaled))
		return 0;
	set_unscaled(out, unscaled);
	return 1;
}

static void border_decimal_of_int64(int64_t number, struct lua_decimal *out)
{
	set_unscaled(out, number);
	out->precision = 20;
	out->scale = 0;
}

/* ---- bindings ---- */

/* core.decimal_text(low, high as 8-byte strings, scale) */
static int decimal_string(lua_State *L)
{
	struct lua_decimal d = {.scale = (int32_t)luaL_checkinteger(L, 2)};
	size_t len;
	const char *bytes = luaL_checklstring(L, 1, &len);
	check(len == 16);
	memcpy(&d.low, bytes, 8);
	memcpy(&d.high, bytes + 8, 8);
	struct strbuf text;
	strbuf_init(&text);
	decimal_text(unscaled_of(&d), (unsigned)d.scale, &text);
	lua_pushlstring(L, text.data, text.len);
	strbuf_release(&text);
	return 1;
}

/* core.decimal_parse(text) -> 16 bytes, precision, scale; nothing when it is no decimal */
static int decimal_from_string(lua_State *L)
{
	size_t len;
	const char *data = luaL_checklstring(L, 1, &len);
	const char *point = memchr(data, '.', len);
	size_t fraction = point == NULL ? 0 : len - (size_t)(point - data) - 1;
	if (fraction > 38)
		return 0;
	int128 unscaled = 0;
	if (decimal_parse((struct str){data, len}, 38, (unsigned)fraction, &unscaled) != DECIMAL_OK)
		return 0;
	lua_pushlstring(L, (const char *)&unscaled, sizeof(unscaled));
	lua_pushinteger(L, 38);
	lua_pushinteger(L, (lua_Integer)fraction);
	return 3;
}

static void push_value(lua_State *L, const struct value *v)
{
	if (v->is_null) {
		lua_pushlightuserdata(L, NULL);
		return;
	}
	switch (type_phys(v->type)) {
	case PHYS_BOOL:
		lua_pushboolean(L, v->as.boolean);
		return;
	case PHYS_I32:
		lua_pushinteger(L, v->as.i32);
		return;
	case PHYS_F32:
		lua_pushnumber(L, (lua_Number)v->as.f32);
		return;
	case PHYS_F64:
		lua_pushnumber(L, v->as.f64);
		return;
	case PHYS_I64:
		if (v->as.i64 >= -(INT64_C(1) << 53) && v->as.i64 <= (INT64_C(1) << 53)) {
			lua_pushnumber(L, (lua_Number)v->as.i64);
			return;
		}
		break;
	case PHYS_STR:
		if (v->type.id != TYPE_ARRAY) {
			lua_pushlstring(L, v->as.str.data, v->as.str.len);
			return;
		}
		break;
	default:
		break;
	}
	/* Exact, as text: big integers, decimals, arrays in arrays. */
	struct strbuf text;
	strbuf_init(&text);
	value_text(v, VALUE_CAST, NULL, &text);
	lua_pushlstring(L, text.data, text.len);
	strbuf_release(&text);
}

/* core.array(leaf, column, bytes, "in" | "out") -> a Lua table of the elements */
static int array(lua_State *L)
{
	struct leaf *leaf = lua_touserdata(L, 1);
	uint32_t column = (uint32_t)luaL_checkinteger(L, 2);
	size_t len;
	const char *data = luaL_checklstring(L, 3, &len);
	struct str bytes = {data, len};
	bool is_out = strcmp(luaL_optstring(L, 4, "in"), "out") == 0;
	const struct schema *schema = is_out ? leaf->out : leaf->in;
	check(column < schema->column_count);
	struct type element = *schema->columns[column].type.element;
	uint32_t count = row_codec_array_count(bytes);
	size_t at = sizeof(uint32_t);
	lua_createtable(L, (int)count, 0);
	for (uint32_t i = 0; i < count; i++) {
		struct value v = row_codec_read(bytes, &at, element);
		push_value(L, &v);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

/* core.double_text(number): Java's, as the console prints it; core.json_text(string) with quotes */
static int json_string(lua_State *L)
{
	size_t len;
	const char *data = luaL_checklstring(L, 1, &len);
	struct strbuf text;
	strbuf_init(&text);
	json_text_string((struct str){data, len}, &text);
	lua_pushlstring(L, text.data, text.len);
	strbuf_release(&text);
	return 1;
}

static int number_text(lua_State *L)
{
	char text[32];
	double d = luaL_checknumber(L, 1);
	size_t n = d == floor(d) && fabs(d) < 1e15 ? int64_text((int64_t)d, text)
						   : double_text(d, text);
	lua_pushlstring(L, text, n);
	return 1;
}

/* The beginning of names that no script can guess: what is behind them are pointers. */
static void push_hidden(lua_State *L)
{
	uint64_t random[2];
	check(getentropy(random, sizeof(random)) == 0);
	char text[64];
	snprintf(text, sizeof(text), "cdcl_%016" PRIx64 "%016" PRIx64 "_", random[0], random[1]);
	lua_pushstring(L, text);
}

/*
 * core.border() -> the functions for ffi.cast, the scratch arena, the generation's address, the
 * beginning of hidden names
 */
static int border(lua_State *L)
{
	static const struct {
		const char *name;
		void (*function)(void);
	} functions[] = {
		{"reserve", (void (*)(void))border_reserve},
		{"json_get", (void (*)(void))border_json_get},
		{"json_value", (void (*)(void))border_json_value},
		{"json_next", (void (*)(void))border_json_next},
		{"int64", (void (*)(void))border_int64},
		{"decimal", (void (*)(void))border_decimal},
		{"decimal_cmp", (void (*)(void))border_decimal_cmp},
		{"decimal_double", (void (*)(void))border_decimal_double},
		{"decimal_rescale", (void (*)(void))border_decimal_rescale},
		{"decimal_of_double", (void (*)(void))border_decimal_of_double},
		{"decimal_of_int64", (void (*)(void))border_decimal_of_int64},
		{"emit_next", (void (*)(void))leaf_emit_next},
		{"merge_link", (void (*)(void))leaf_merge_link},
	};
	struct script *s = bind_script(L);
	lua_createtable(L, 0, ARRAY_LEN(functions));
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		void *pointer;
		memcpy(&pointer, &functions[i].function, sizeof(pointer));
		lua_pushlightuserdata(L, pointer);
		lua_setfield(L, -2, functions[i].name);
	}
	lua_pushlightuserdata(L, &s->scratch);
	lua_pushlightuserdata(L, &s->generation);
	push_hidden(L);
	return 4;
}

void bind_border_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"border", border},
		{"array", array},
		{"decimal_text", decimal_string},
		{"decimal_parse", decimal_from_string},
		{"json_text", json_string},
		{"number_text", number_text},
		{NULL, NULL},
	};
	luaL_register(L, NULL, functions);
	lua_pushlightuserdata(L, NULL);
	lua_setfield(L, -2, "null");
}
