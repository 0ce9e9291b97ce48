#include "sink/parquet_column.h"

#include "base/check.h"
#include "sink/parquet_text.h"

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_RLE_DICTIONARY = 8 };
enum { slot_bytes_max = 16 };

void parquet_column_init(struct parquet_column *c, struct type type, struct str name,
	struct parquet_page_limits limits, struct arena *texts)
{
	*c = (struct parquet_column){
		.type = parquet_type_of(type), .name = name, .limits = limits, .texts = texts};
	strbuf_init(&c->values);
	strbuf_init(&c->numbers);
	strbuf_init(&c->levels);
	strbuf_init(&c->pages);
	parquet_dictionary_init(&c->dictionary, c->type.form);
	parquet_statistics_init(&c->statistics);
	parquet_column_clear(c);
}

void parquet_column_release(struct parquet_column *c)
{
	strbuf_release(&c->values);
	strbuf_release(&c->numbers);
	strbuf_release(&c->levels);
	strbuf_release(&c->pages);
	parquet_dictionary_release(&c->dictionary);
	parquet_statistics_release(&c->statistics);
}

static void clear_page(struct parquet_column *c)
{
	strbuf_reset(&c->values);
	strbuf_reset(&c->numbers);
	strbuf_reset(&c->levels);
	c->boolean_bits = 0;
	c->page_rows = 0;
	c->page_values = 0;
}

void parquet_column_clear(struct parquet_column *c)
{
	clear_page(c);
	parquet_dictionary_clear(&c->dictionary);
	parquet_statistics_clear(&c->statistics);
	strbuf_reset(&c->pages);
	c->plain_pages = c->dictionary_pages = 0;
	c->plain_bytes = c->raw_bytes = 0;
	c->rows = c->values_written = 0;
	c->mode = COLUMN_TRIAL;
	if (c->type.form == FORM_BOOL) {
		c->mode = COLUMN_PLAIN;
	} else if (c->trials_left_out > 0) {
		c->trials_left_out--;
		c->mode = COLUMN_PLAIN;
	}
}

size_t parquet_column_bytes(const struct parquet_column *c)
{
	return c->pages.len + c->values.len + c->numbers.len + c->dictionary.values.len;
}

/* ---- values of a slice, in a row ---- */

static bool has_nulls(const struct column *in)
{
	uint64_t any = 0;
	for (uint32_t w = 0; w < chunk_words; w++) {
		any |= in->nulls[w];
	}
	return any != 0;
}

/* Rows of the slice that are not NULL, and a bit for each row of it that is not. */
static uint32_t find_present(const struct column *in, const struct parquet_slice *slice,
	uint16_t *present, uint64_t *bits)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < slice->count; i++) {
		uint32_t row = slice->index == NULL ? slice->first + i : slice->index[i];
		uint32_t there = !bit_get(in->nulls, row);
		present[n] = (uint16_t)row;
		n += there;
		bits[i >> 6] |= (uint64_t)there << (i & 63);
	}
	return n;
}

static void set_bits(uint64_t *bits, uint32_t n)
{
	for (uint32_t w = 0; w < n / 64; w++) {
		bits[w] = UINT64_MAX;
	}
	if (n % 64 > 0) {
		bits[n / 64] = (UINT64_C(1) << (n % 64)) - 1;
	}
}

/* Appends `count` bits (those above it are zero) to the page's. */
static void add_levels(struct parquet_column *c, const uint64_t *bits, uint32_t count)
{
	size_t bytes = ((c->page_rows + (size_t)count) / 64 + 2) * sizeof(uint64_t);
	if (bytes > c->levels.len) {
		strbuf_reserve(&c->levels, bytes - c->levels.len);
		memset(c->levels.data + c->levels.len, 0, bytes - c->levels.len);
		c->levels.len = bytes;
	}
	uint64_t *to = (void *)(c->levels.data + c->page_rows / 64 * sizeof(uint64_t));
	unsigned shift = c->page_rows % 64;
	for (uint32_t w = 0; w < (count + 63) / 64; w++) {
		to[w] |= bits[w] << shift;
		if (shift > 0) {
			to[w + 1] |= bits[w] >> (64 - shift);
		}
	}
}

static void narrow_decimals(
	const struct parquet_column *c, const int128 *in, const struct parquet_slice *s, void *out)
{
	int32_t *i32 = out;
	int64_t *i64 = out;
	for (uint32_t i = 0; i < s->count; i++) {
		int128 v = in[s->index == NULL ? s->first + i : s->index[i]];
		if (c->type.form == FORM_I32) {
			i32[i] = (int32_t)v;
		} else {
			i64[i] = (int64_t)v;
		}
	}
}

static inline __attribute__((always_inline)) void copy_slots(
	const char *in, const struct parquet_slice *s, char *out, size_t width)
{
	for (uint32_t i = 0; i < s->count; i++) {
		memcpy(out + i * width, in + s->index[i] * width, width);
	}
}

/* The slice's values, none of them NULL, as a typed array: in `buffer`, or where they stand. */
static const void *gather(const struct parquet_column *c, const struct column *in,
	const struct parquet_slice *s, char *buffer)
{
	size_t width = parquet_form_bytes(c->type.form);
	if (c->type.type.id == TYPE_DECIMAL && c->type.form != FORM_I128) {
		narrow_decimals(c, in->data, s, buffer);
		return buffer;
	}
	if (s->index == NULL && c->type.form != FORM_BYTES) {
		return (const char *)in->data + s->first * width;
	}
	if (s->index == NULL) {
		memcpy(buffer, (const char *)in->data + s->first * width, s->count * width);
		return buffer;
	}
	switch (width) {
	case 1: copy_slots(in->data, s, buffer, 1); break;
	case 4: copy_slots(in->data, s, buffer, 4); break;
	case 8: copy_slots(in->data, s, buffer, 8); break;
	default: copy_slots(in->data, s, buffer, 16); break;
	}
	return buffer;
}

/* What PLAIN needs for them. */
static size_t plain_size(const struct parquet_column *c, const void *values, uint32_t n)
{
	const struct str *texts = values;
	size_t bytes = (size_t)n * sizeof(uint32_t);
	switch (c->type.form) {
	case FORM_BOOL: return n / 8 + 1;
	case FORM_I128: return (size_t)n * c->type.fixed_bytes;
	case FORM_BYTES:
		for (uint32_t i = 0; i < n; i++) {
			bytes += texts[i].len;
		}
		return bytes;
	default: return (size_t)n * parquet_form_bytes(c->type.form);
	}
}

static void put_texts(struct strbuf *out, const struct str *texts, uint32_t n)
{
	char *to = out->data + out->len;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = (uint32_t)texts[i].len;
		memcpy(to, &len, sizeof len);
		memcpy(to + sizeof len, texts[i].data, len);
		to += sizeof len + len;
	}
	out->len = (size_t)(to - out->data);
}

static void put_fixed(struct strbuf *out, const int128 *values, uint32_t n, unsigned bytes)
{
	for (uint32_t i = 0; i < n; i++) {
		parquet_fixed_bytes(values[i], bytes, out->data + out->len);
		out->len += bytes;
	}
}

static void put_plain(struct parquet_column *c, const void *values, uint32_t n, struct strbuf *out)
{
	size_t bytes = plain_size(c, values, n);
	strbuf_reserve(out, bytes);
	switch (c->type.form) {
	case FORM_BOOL: parquet_pack_booleans(values, n, out, &c->boolean_bits); break;
	case FORM_I128: put_fixed(out, values, n, c->type.fixed_bytes); break;
	case FORM_BYTES: put_texts(out, values, n); break;
	default: strbuf_add(out, (struct str){values, bytes}); break;
	}
}

/* ---- the dictionary ---- */

/* Entries from..from+n-1 of the dictionary, or those that `numbers` names, as a typed array. */
static const void *entries(const struct parquet_column *c, const uint32_t *numbers, uint32_t from,
	uint32_t n, char *buffer)
{
	size_t width = parquet_form_bytes(c->type.form);
	for (uint32_t i = 0; i < n; i++) {
		struct str v = parquet_dictionary_get(
			&c->dictionary, numbers == NULL ? from + i : numbers[i]);
		memcpy(buffer + i * width, c->type.form == FORM_BYTES ? (void *)&v : v.data, width);
	}
	return buffer;
}

static void add_dictionary_statistics(struct parquet_column *c)
{
	_Alignas(16) char buffer[chunk_rows_max * slot_bytes_max];
	for (uint32_t i = 0; i < c->dictionary.count; i += chunk_rows_max) {
		uint32_t left = c->dictionary.count - i;
		uint32_t n = left < chunk_rows_max ? left : chunk_rows_max;
		parquet_statistics_add(
			&c->statistics, c->type.form, entries(c, NULL, i, n, buffer), n);
	}
}

/* A trial that saves nothing: its numbers are values again, the dictionary is forgotten. */
static void end_trial(struct parquet_column *c)
{
	_Alignas(16) char buffer[chunk_rows_max * slot_bytes_max];
	const uint32_t *numbers = (const void *)c->numbers.data;
	uint32_t count = (uint32_t)(c->numbers.len / sizeof *numbers);
	check(c->dictionary_pages == 0 && c->values.len == 0);
	add_dictionary_statistics(c);
	for (uint32_t i = 0; i < count; i += chunk_rows_max) {
		uint32_t n = count - i < chunk_rows_max ? count - i : chunk_rows_max;
		put_plain(c, entries(c, numbers + i, 0, n, buffer), n, &c->values);
	}
	strbuf_reset(&c->numbers);
	parquet_dictionary_clear(&c->dictionary);
	c->mode = COLUMN_PLAIN;
	c->trials_failed += c->trials_failed < 5;
	c->trials_left_out = 1u << c->trials_failed;
	check(c->trials_left_out <= column_trials_left_out_max);
}

static void decide_trial(struct parquet_column *c)
{
	uint64_t numbers = c->numbers.len / sizeof(uint32_t);
	if (numbers == 0) {
		return; /* nothing but NULLs yet */
	}
	unsigned width = parquet_bit_width(c->dictionary.count - 1);
	uint64_t bytes = c->dictionary.values.len + numbers * width / 8;
	if (bytes >= c->plain_bytes) {
		end_trial(c);
	} else {
		c->mode = COLUMN_DICTIONARY;
		c->trials_failed = 0;
	}
}

/* ---- pages ---- */

static size_t add_header(struct strbuf *out, int32_t kind, size_t raw, size_t packed,
	int32_t count, int32_t encoding)
{
	struct thrift t;
	size_t start = out->len;
	thrift_begin(&t, out);
	thrift_i32(&t, 1, kind);
	thrift_i32(&t, 2, (int32_t)raw);
	thrift_i32(&t, 3, (int32_t)packed);
	thrift_struct(&t, kind == PAGE_DATA ? 5 : 7);
	thrift_i32(&t, 1, count);
	thrift_i32(&t, 2, encoding);
	if (kind == PAGE_DATA) {
		thrift_i32(&t, 3, ENCODING_RLE); /* definition levels */
		thrift_i32(&t, 4, ENCODING_RLE); /* repetition levels: none */
	}
	thrift_end(&t);
	thrift_end(&t);
	return out->len - start;
}

static int add_page(struct parquet_column *c, struct parquet_codec *codec, int32_t kind,
	int32_t count, int32_t encoding, struct strbuf *out, struct error *err)
{
	struct str raw = strbuf_str(&codec->page), packed;
	if (raw.len > INT32_MAX) {
		return error_set(err, CDCL_E_DATA, "column " STR_FMT ": a page of %zu bytes",
			STR_ARG(c->name), raw.len);
	}
	int answer = parquet_codec_pack(codec, raw, &packed, err);
	if (answer < 0) {
		return answer;
	}
	c->raw_bytes += raw.len + add_header(out, kind, raw.len, packed.len, count, encoding);
	strbuf_add(out, packed);
	return 0;
}

static void add_page_levels(const struct parquet_column *c, struct strbuf *page)
{
	uint32_t bytes = 0;
	strbuf_add(page, (struct str){(const char *)&bytes, sizeof bytes});
	parquet_hybrid_bits((const void *)c->levels.data, c->page_rows, c->page_values, page);
	bytes = (uint32_t)(page->len - sizeof bytes);
	memcpy(page->data, &bytes, sizeof bytes);
}

static int end_page(struct parquet_column *c, struct parquet_codec *codec, struct error *err)
{
	if (c->page_rows == 0) {
		return 0;
	}
	if (c->mode == COLUMN_TRIAL) {
		decide_trial(c);
	}
	strbuf_reset(&codec->page);
	add_page_levels(c, &codec->page);
	int32_t encoding = ENCODING_PLAIN;
	if (c->numbers.len > 0) {
		unsigned width = parquet_bit_width(c->dictionary.count - 1);
		strbuf_add_byte(&codec->page, (char)width);
		parquet_hybrid_add((const void *)c->numbers.data,
			(uint32_t)(c->numbers.len / sizeof(uint32_t)), width, &codec->page);
		encoding = ENCODING_RLE_DICTIONARY;
		c->dictionary_pages++;
	} else {
		strbuf_add(&codec->page, strbuf_str(&c->values));
		c->plain_pages++;
	}
	int answer = add_page(
		c, codec, PAGE_DATA, (int32_t)c->page_rows, encoding, &c->pages, err);
	c->rows += c->page_rows;
	c->values_written += c->page_values;
	clear_page(c);
	return answer;
}

/* Numbers of the values, behind the page's; false: the dictionary ends here. */
static bool add_numbers(struct parquet_column *c, const void *values, uint32_t n)
{
	if (n == 0)
		return true; /* there may be no room for any yet */
	strbuf_reserve(&c->numbers, n * sizeof(uint32_t));
	uint32_t *to = (void *)(c->numbers.data + c->numbers.len);
	return parquet_dictionary_add(&c->dictionary, values, n, to) == n;
}

static int end_dictionary(
	struct parquet_column *c, struct parquet_codec *codec, struct error *err)
{
	if (c->mode == COLUMN_TRIAL && c->dictionary_pages == 0) {
		end_trial(c);
		return 0;
	}
	int answer = end_page(c, codec, err);
	c->mode = COLUMN_PLAIN;
	return answer;
}

/* Puts n values of `count` rows, whose bits say which are there, into the page. */
static int put(struct parquet_column *c, const void *values, uint32_t n, const uint64_t *bits,
	uint32_t count, struct parquet_codec *codec, struct error *err)
{
	size_t bytes = plain_size(c, values, n);
	int answer = 0;
	if (c->page_rows + count > c->limits.rows ||
		(c->values.len > 0 && c->values.len + bytes > c->limits.bytes)) {
		answer = end_page(c, codec, err);
	}
	if (answer == 0 && c->mode != COLUMN_PLAIN && !add_numbers(c, values, n)) {
		answer = end_dictionary(c, codec, err);
	}
	if (answer < 0) {
		return answer;
	}
	add_levels(c, bits, count);
	c->page_rows += count;
	c->page_values += n;
	if (c->mode == COLUMN_PLAIN) {
		parquet_statistics_add(&c->statistics, c->type.form, values, n);
		put_plain(c, values, n, &c->values);
		return 0;
	}
	c->numbers.len += n * sizeof(uint32_t);
	c->plain_bytes += bytes;
	if (c->mode == COLUMN_TRIAL && c->numbers.len / sizeof(uint32_t) >= column_trial_values) {
		decide_trial(c);
	}
	return 0;
}

int parquet_column_add(struct parquet_column *c, const struct column *in,
	const struct parquet_slice *slice, struct parquet_codec *codec, struct error *err)
{
	_Alignas(16) char buffer[chunk_rows_max * slot_bytes_max];
	uint16_t present[chunk_rows_max + 1];
	uint64_t bits[chunk_words + 1] = {0};
	struct parquet_slice there = *slice;
	if (c->type.type.id == TYPE_NULL) {
		there.count = 0;
	} else if (has_nulls(in)) {
		there.count = find_present(in, slice, present, bits);
		there.index = present;
	} else {
		set_bits(bits, slice->count);
	}
	const void *values = there.count == 0 ? buffer : gather(c, in, &there, buffer);
	if (c->type.form == FORM_BYTES) {
		int answer = parquet_text_prepare(
			c->type.type, c->name, (void *)buffer, there.count, c->texts, err);
		if (answer < 0) {
			return answer;
		}
	}
	return put(c, values, there.count, bits, slice->count, codec, err);
}

/* ---- the end of a row group ---- */

int parquet_column_end(struct parquet_column *c, struct parquet_codec *codec,
	struct strbuf *dictionary_page, struct error *err)
{
	int answer = end_page(c, codec, err);
	strbuf_reset(dictionary_page);
	if (answer < 0 || c->dictionary.count == 0) {
		return answer;
	}
	add_dictionary_statistics(c);
	if (c->dictionary_pages == 0) {
		return 0;
	}
	strbuf_reset(&codec->page);
	if (c->type.form == FORM_I128) {
		put_plain(c, c->dictionary.values.data, c->dictionary.count, &codec->page);
	} else {
		strbuf_add(&codec->page, strbuf_str(&c->dictionary.values));
	}
	return add_page(c, codec, PAGE_DICTIONARY, (int32_t)c->dictionary.count, ENCODING_PLAIN,
		dictionary_page, err);
}

static void write_encodings(const struct parquet_column *c, struct thrift *t)
{
	bool plain = c->plain_pages > 0 || c->dictionary_pages > 0; /* dictionary pages are PLAIN */
	bool dictionary = c->dictionary_pages > 0;
	thrift_list(t, 2, THRIFT_I32, 1u + plain + dictionary);
	thrift_element_i32(t, ENCODING_RLE);
	if (plain) {
		thrift_element_i32(t, ENCODING_PLAIN);
	}
	if (dictionary) {
		thrift_element_i32(t, ENCODING_RLE_DICTIONARY);
	}
}

static void write_page_count(struct thrift *t, int32_t kind, int32_t encoding, uint32_t count)
{
	thrift_element(t);
	thrift_i32(t, 1, kind);
	thrift_i32(t, 2, encoding);
	thrift_i32(t, 3, (int32_t)count);
	thrift_end(t);
}

static void write_page_counts(const struct parquet_column *c, struct thrift *t)
{
	bool dictionary = c->dictionary_pages > 0, plain = c->plain_pages > 0;
	thrift_list(t, 13, THRIFT_STRUCT, (dictionary ? 2u : 0u) + plain);
	if (dictionary) {
		write_page_count(t, PAGE_DICTIONARY, ENCODING_PLAIN, 1);
		write_page_count(t, PAGE_DATA, ENCODING_RLE_DICTIONARY, c->dictionary_pages);
	}
	if (plain) {
		write_page_count(t, PAGE_DATA, ENCODING_PLAIN, c->plain_pages);
	}
}

void parquet_column_write(const struct parquet_column *c, const struct parquet_codec *codec,
	int64_t offset, size_t dictionary_page_bytes, struct thrift *t)
{
	int64_t bytes = (int64_t)(dictionary_page_bytes + c->pages.len);
	thrift_element(t);
	thrift_i64(t, 2, 0); /* file_offset: deprecated, 0 */
	thrift_struct(t, 3);
	thrift_i32(t, 1, (int32_t)c->type.physical);
	write_encodings(c, t);
	thrift_list(t, 3, THRIFT_BINARY, 1);
	thrift_element_binary(t, c->name);
	thrift_i32(t, 4, parquet_compression_id(codec->compression));
	thrift_i64(t, 5, c->rows);
	thrift_i64(t, 6, (int64_t)c->raw_bytes);
	thrift_i64(t, 7, bytes);
	thrift_i64(t, 9, offset + (int64_t)dictionary_page_bytes);
	if (dictionary_page_bytes > 0) {
		thrift_i64(t, 11, offset);
	}
	parquet_statistics_write(&c->statistics, &c->type, c->rows - c->values_written, t, 12);
	write_page_counts(c, t);
	thrift_end(t);
	thrift_end(t);
}
