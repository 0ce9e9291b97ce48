#ifndef CDCL_BOUNDS_H
#define CDCL_BOUNDS_H

/* Every bound of the program, units last. A test reaches each. chunk_rows_max is in cdcl/abi.h. */

enum {
	schema_columns_max = 4096,
	value_columns_max = 2000,               /* inferred from fields, which anybody may write */
	json_depth_max = 1000,                  /* Jackson's, as Spark's */
	json_number_bytes_max = 1000,
	json_name_bytes_max = 50000,
	json_string_bytes_max = 20000000,
	message_bytes_max = 128 * 1024 * 1024,
	decimal_digits_max = 38,
	sql_text_bytes_max = 64 * 1024,
	sql_depth_max = 200,
	sql_arguments_max = 256,
	expr_chunk_bytes_max = 1024 * 1024 * 1024,      /* strings made of one chunk */
	plan_nodes_max = 1024,
	sink_count_max = 64,
	console_box_bytes_max = 256 * 1024 * 1024,      /* what one batch shows */
	retained_batch_bytes_max = 512 * 1024 * 1024,   /* foreach_batch and memory keep rows */
	source_topics_max = 1024,
	offsets_explicit_max = 100000,                  /* partitions named by starting offsets */
	lua_memory_bytes_max = 512 * 1024 * 1024,
	lua_block_bytes_max = 64 * 1024 * 1024,         /* one string or table of a script */
	/* rows that flat_map may emit for one record */
	lua_emit_rows_max = 1000 * 1000,
	script_bytes_max = 4 * 1024 * 1024,
	group_count_max = 100 * 1000 * 1000,
	top_rows_max = 1000 * 1000,                     /* of one group */
	table_rows_max = 1000 * 1000 * 1000,
	table_deleted_max = 10 * 1000 * 1000,   /* deletes that a table remembers */
	collect_elements_max = 10 * 1000 * 1000,
	chunk_bytes_max = 32 * 1024 * 1024, /* of one chunk's messages; one message may be larger */
	batch_rows_max = 64 * 1024 * 1024,
	batch_megabytes_max = 16 * 1024,
	file_line_bytes_max = 64 * 1024 * 1024,
};

#endif
