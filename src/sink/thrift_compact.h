#ifndef CDCL_THRIFT_COMPACT_H
#define CDCL_THRIFT_COMPACT_H

/*
 * Writes Thrift's compact protocol, which is what Parquet's headers and footer are in. A struct is
 * its fields in the order of their ids, each a byte (id's distance from the one before, type) and a
 * value, then a zero byte. Integers are zigzag varints, text is a varint length and its bytes.
 *
 *	thrift_begin(&t, &out);                 outermost struct
 *	thrift_i32(&t, 1, PAGE_DATA);
 *	thrift_struct(&t, 5); ... thrift_end(&t);
 *	thrift_list(&t, 6, THRIFT_STRUCT, 2);   then thrift_element(&t) ... thrift_end(&t), twice
 *	thrift_end(&t);
 *
 * Field ids must rise within a struct: a check.
 */

#include "base/str.h"

enum thrift_type {
	THRIFT_TRUE = 1,
	THRIFT_FALSE = 2,
	THRIFT_BYTE = 3,
	THRIFT_I16 = 4,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_STRUCT = 12,
};

enum { thrift_depth_max = 8 };

struct thrift {
	struct strbuf *out;
	int last[thrift_depth_max];     /* id of the field written last, per open struct */
	unsigned depth;
};

void thrift_begin(struct thrift *t, struct strbuf *out);
void thrift_end(struct thrift *t);

void thrift_bool(struct thrift *t, int id, bool value);
void thrift_byte(struct thrift *t, int id, int8_t value);
void thrift_i16(struct thrift *t, int id, int16_t value);
void thrift_i32(struct thrift *t, int id, int32_t value);
void thrift_i64(struct thrift *t, int id, int64_t value);
void thrift_binary(struct thrift *t, int id, struct str value);
void thrift_struct(struct thrift *t, int id);   /* thrift_end closes it */
void thrift_list(struct thrift *t, int id, enum thrift_type element, uint32_t count);

/* Elements of the list just begun. */
void thrift_element(struct thrift *t);          /* a struct; thrift_end closes it */
void thrift_element_i32(struct thrift *t, int32_t value);
void thrift_element_binary(struct thrift *t, struct str value);

void thrift_varint(struct strbuf *out, uint64_t value);

#endif
