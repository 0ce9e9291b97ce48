#include "parquet_reader.h"

#include "base/json_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of the enums of parquet.thrift. */
enum { type_int32 = 1, type_int64 = 2, type_byte_array = 6 };
enum { encoding_plain = 0, encoding_plain_dictionary = 2, encoding_rle_dictionary = 8 };
enum { page_data = 0, page_dictionary = 2, codec_none = 0 };
enum { columns_max = 16, rows_max = 1500, tail_bytes = 8 };

/* ---- Thrift's compact protocol ---- */

enum { thrift_true = 1, thrift_byte = 3, thrift_double = 7, thrift_binary = 8, thrift_list = 9,
	thrift_struct = 12 };

struct cursor {
	struct str left;
	bool bad;
};

static uint8_t next_byte(struct cursor *c)
{
	if (c->left.len == 0) {
		c->bad = true;
		return 0;
	}
	uint8_t byte = (uint8_t)c->left.data[0];
	c->left = str_sub(c->left, 1, c->left.len);
	return byte;
}

static uint64_t varint(struct cursor *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = next_byte(c);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	c->bad = true;
	return 0;
}

static int64_t zigzag(struct cursor *c)
{
	uint64_t value = varint(c);
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static struct str bytes(struct cursor *c, uint64_t len)
{
	c->bad |= len > c->left.len;
	struct str s = str_sub(c->left, 0, c->bad ? 0 : (size_t)len);
	c->left = str_sub(c->left, s.len, c->left.len);
	return s;
}

static uint32_t list_begin(struct cursor *c, int *element)
{
	uint8_t head = next_byte(c);
	*element = head & 15;
	uint64_t count = head >> 4 == 15 ? varint(c) : head >> 4;
	c->bad |= count > c->left.len;
	return c->bad ? 0 : (uint32_t)count;
}

static void skip(struct cursor *c, int type);

/* The next field of a struct; 0: its end. */
static int next_field(struct cursor *c, int *id)
{
	uint8_t head = next_byte(c);
	if (c->bad || head == 0)
		return 0;
	*id = head >> 4 == 0 ? (int)zigzag(c) : *id + (head >> 4);
	return head & 15;
}

static void skip_list(struct cursor *c)
{
	int element;
	uint32_t count = list_begin(c, &element);
	for (uint32_t i = 0; i < count && !c->bad; i++)
		skip(c, element == thrift_true ? thrift_byte : element);
}

static void skip(struct cursor *c, int type)
{
	int id = 0;
	if (type == thrift_byte)
		next_byte(c);
	else if (type > thrift_byte && type < thrift_double)
		varint(c);
	else if (type == thrift_double)
		bytes(c, sizeof(double));
	else if (type == thrift_binary)
		bytes(c, varint(c));
	else if (type == thrift_list)
		skip_list(c);
	else if (type == thrift_struct)
		for (int field; (field = next_field(c, &id)) != 0 && !c->bad;)
			skip(c, field);
}

/* A field of the struct that begins at `c`, which does not move; left.data NULL: it has none. */
static struct cursor field_of(struct cursor c, int wanted)
{
	int id = 0;
	for (int type; !c.bad && (type = next_field(&c, &id)) != 0; skip(&c, type))
		if (id == wanted)
			return c;
	return (struct cursor){{NULL, 0}, c.bad};
}

static int64_t number_of(struct cursor c, int wanted, int64_t otherwise)
{
	struct cursor f = field_of(c, wanted);
	return f.left.data == NULL ? otherwise : zigzag(&f);
}

/* ---- pages ---- */

struct cell {
	bool is_null;
	int64_t number;
	struct str text;
};

struct parquet_cells {
	struct str name;
	int64_t type;
	struct cell *cells;     /* rows_max */
	uint32_t count;
	struct cell *dictionary;
	uint32_t dictionary_count;
};

/* Little endian, sign kept. */
static int64_t fixed(struct cursor *c, size_t width)
{
	struct str s = bytes(c, width);
	int64_t value = 0;
	int32_t half = 0;
	if (s.len != width)
		return 0;
	memcpy(width == sizeof(half) ? (void *)&half : (void *)&value, s.data, width);
	return width == sizeof(half) ? half : value;
}

static struct cell plain(struct cursor *c, int64_t type)
{
	struct cell cell = {.is_null = false};
	if (type == type_byte_array)
		cell.text = bytes(c, (uint64_t)fixed(c, 4));
	else
		cell.number = fixed(c, type == type_int32 ? 4 : 8);
	return cell;
}

/* The hybrid of runs and packed groups: `count` numbers of `width` bits. */
static bool hybrid(struct cursor *c, unsigned width, uint32_t count, uint32_t *out)
{
	uint32_t done = 0;
	while (done < count && !c->bad) {
		uint64_t head = varint(c), times = head >> 1;
		uint32_t value = 0;
		if ((head & 1) == 0) {
			for (unsigned i = 0; i < (width + 7) / 8; i++)
				value |= (uint32_t)next_byte(c) << (8 * i);
			for (; times > 0 && done < count; times--)
				out[done++] = value;
			continue;
		}
		struct str packed = bytes(c, times * width);
		for (uint64_t i = 0; i < times * 8 && done < count && !c->bad; i++) {
			value = 0;
			for (unsigned b = 0; b < width; b++) {
				uint64_t bit = i * width + b;
				value |= (uint32_t)((uint8_t)packed.data[bit / 8] >> bit % 8 & 1)
					<< b;
			}
			out[done++] = value;
		}
	}
	return !c->bad;
}

static bool read_dictionary(struct parquet_cells *to, struct cursor header, struct cursor page)
{
	int64_t count = number_of(field_of(header, 7), 1, -1);
	if (count < 0 || count > rows_max)
		return false;
	free(to->dictionary);
	to->dictionary = calloc((size_t)count + 1, sizeof(*to->dictionary));
	to->dictionary_count = (uint32_t)count;
	for (uint32_t i = 0; i < to->dictionary_count; i++)
		to->dictionary[i] = plain(&page, to->type);
	return !page.bad;
}

static bool add_cells(struct parquet_cells *to, const uint32_t *defined, uint32_t count,
	uint32_t present, struct cursor *page, int64_t encoding)
{
	static uint32_t indices[rows_max];
	bool by_index = encoding == encoding_rle_dictionary ||
		encoding == encoding_plain_dictionary;
	if (!by_index && encoding != encoding_plain)
		return false;
	if (by_index && present > 0 && !hybrid(page, next_byte(page), present, indices))
		return false;
	uint32_t at = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct cell cell = {.is_null = defined[i] == 0};
		if (!cell.is_null && by_index) {
			if (indices[at] >= to->dictionary_count)
				return false;
			cell = to->dictionary[indices[at++]];
		} else if (!cell.is_null) {
			cell = plain(page, to->type);
		}
		to->cells[to->count++] = cell;
	}
	return !page->bad;
}

static bool read_data(struct parquet_cells *to, struct cursor header, struct cursor page)
{
	static uint32_t defined[rows_max];
	struct cursor data = field_of(header, 5);
	int64_t count = number_of(data, 1, -1);
	uint32_t present = 0;
	if (count < 0 || count > rows_max - (int64_t)to->count)
		return false;
	struct cursor levels = {bytes(&page, (uint64_t)fixed(&page, 4)), false};
	if (page.bad || !hybrid(&levels, 1, (uint32_t)count, defined))
		return false;
	for (uint32_t i = 0; i < (uint32_t)count; i++)
		present += defined[i];
	return add_cells(to, defined, (uint32_t)count, present, &page, number_of(data, 2, -1));
}

/* A column of a row group: pages until all its values are there. */
static bool read_chunk(struct parquet_cells *to, struct str file, struct cursor meta)
{
	int64_t wanted = number_of(meta, 5, -1) + to->count;
	int64_t at = number_of(meta, 11, number_of(meta, 9, -1));
	if (at < 4 || at > (int64_t)file.len || number_of(meta, 4, -1) != codec_none)
		return false;
	struct cursor c = {str_sub(file, (size_t)at, file.len), false};
	while (to->count < wanted) {
		struct cursor header = c;
		skip(&c, thrift_struct);
		int64_t type = number_of(header, 1, -1), len = number_of(header, 3, -1);
		struct cursor page = {bytes(&c, (uint64_t)len), false};
		bool good = !c.bad && len >= 0;
		if (good && type == page_dictionary)
			good = read_dictionary(to, header, page);
		else
			good = good && type == page_data && read_data(to, header, page);
		if (!good)
			return false;
	}
	return to->count == wanted;
}

/* ---- the footer ---- */

static bool footer_of(struct str file, struct cursor *footer)
{
	uint32_t len = 0;
	if (file.len < 4 + tail_bytes || memcmp(file.data, "PAR1", 4) != 0 ||
		memcmp(file.data + file.len - 4, "PAR1", 4) != 0)
		return false;
	memcpy(&len, file.data + file.len - tail_bytes, sizeof(len));
	if (len > file.len - 4 - tail_bytes)
		return false;
	*footer = (struct cursor){str_sub(file, file.len - tail_bytes - len, len), false};
	return true;
}

/* The schema's first element is the whole. */
static uint32_t read_schema(struct cursor footer, struct parquet_cells *columns)
{
	int element;
	struct cursor list = field_of(footer, 2);
	uint32_t count = list.left.data == NULL ? 0 : list_begin(&list, &element);
	if (count < 2 || count > columns_max + 1)
		return 0;
	skip(&list, thrift_struct);
	for (uint32_t i = 0; i + 1 < count; i++) {
		struct cursor name = field_of(list, 4);
		columns[i].name = bytes(&name, varint(&name));
		columns[i].type = number_of(list, 1, -1);
		columns[i].cells = calloc(rows_max, sizeof(struct cell));
		skip(&list, thrift_struct);
	}
	return list.bad ? 0 : count - 1;
}

static bool read_groups(
	struct str file, struct cursor footer, struct parquet_cells *columns, uint32_t count)
{
	int element;
	struct cursor groups = field_of(footer, 4);
	uint32_t group_count = groups.left.data == NULL ? 0 : list_begin(&groups, &element);
	for (uint32_t g = 0; g < group_count; g++) {
		struct cursor chunks = field_of(groups, 1);
		if (chunks.left.data == NULL || list_begin(&chunks, &element) != count)
			return false;
		for (uint32_t i = 0; i < count; i++) {
			if (!read_chunk(&columns[i], file, field_of(chunks, 3)))
				return false;
			skip(&chunks, thrift_struct);
		}
		skip(&groups, thrift_struct);
	}
	return !groups.bad;
}

static void add_row(const struct parquet_cells *columns, uint32_t count, uint32_t row,
	const char *first, struct strbuf *out)
{
	strbuf_addf(out, "{%s", first);
	for (uint32_t i = 0; i < count; i++) {
		const struct cell *cell = &columns[i].cells[row];
		strbuf_add_c(out, i > 0 ? "," : "");
		json_text_string(columns[i].name, out);
		strbuf_add_byte(out, ':');
		if (cell->is_null)
			strbuf_add_c(out, "null");
		else if (columns[i].type == type_byte_array)
			json_text_string(cell->text, out);
		else
			strbuf_addf(out, "%lld", (long long)cell->number);
	}
	strbuf_add_c(out, "}\n");
}

bool parquet_reader_rows(struct str file, const char *first, struct strbuf *out)
{
	struct parquet_cells columns[columns_max] = {0};
	struct cursor footer;
	if (!footer_of(file, &footer))
		return false;
	uint32_t count = read_schema(footer, columns);
	bool good = count > 0 && read_groups(file, footer, columns, count);
	int64_t rows = number_of(footer, 3, -1);
	for (uint32_t i = 0; i < count; i++)
		good = good && columns[i].count == rows;
	for (uint32_t row = 0; good && row < rows; row++)
		add_row(columns, count, row, first, out);
	for (uint32_t i = 0; i < columns_max; i++) {
		free(columns[i].cells);
		free(columns[i].dictionary);
	}
	return good;
}
