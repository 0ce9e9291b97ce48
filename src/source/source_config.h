#ifndef CDCL_SOURCE_CONFIG_H
#define CDCL_SOURCE_CONFIG_H

/* What a script (and the command line over it) says about a source: plain data of the plan. */

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum source_kind { SOURCE_KAFKA, SOURCE_FILE, SOURCE_STDIN, SOURCE_GENERATE };

enum offsets_kind { OFFSETS_LATEST, OFFSETS_EARLIEST, OFFSETS_TIMESTAMP, OFFSETS_EXPLICIT };

enum { offset_latest = -1, offset_earliest = -2 };

struct partition_offset {
	struct str topic;
	int32_t partition;
	int64_t offset;                         /* or offset_latest, offset_earliest */
};

struct starting_offsets {
	enum offsets_kind kind;
	int64_t timestamp_us;
	struct partition_offset *explicit_offsets;
	uint32_t explicit_count;
	bool resumed;                           /* in place: partitions not named are new */
	bool given;                             /* by the script or --from; else a default */
};

/*
 * The last message that was read of a partition (source/topic_witness.h); of a file that was read
 * to its end the bytes that it had.
 */
struct topic_witness {
	int64_t until;                          /* its offset + 1, of a file 1; 0: none */
	uint64_t hash;
};

/*
 * Where a checkpoint says to go on. Files: the partition is 0, or 1 for a file that was read to its
 * end; offsets count lines.
 */
struct source_resume {
	const struct partition_offset *from;    /* what is not named begins at its start */
	uint32_t from_count;
	const struct topic_witness *witnesses;  /* by `from`; NULL: none */
	bool replays;                           /* the first batch goes just to `until` */
	const struct partition_offset *until;   /* in order; what is not named gives nothing */
	uint32_t until_count;
};

struct setting {
	struct str name;
	struct str value;
	struct str place;                       /* "orders.lua:7" or "-X", for messages */
};

/* Who fetches: whichever can, our own requests, librdkafka. */
enum kafka_lane { KAFKA_LANE_AUTO, KAFKA_LANE_DIRECT, KAFKA_LANE_LIBRDKAFKA };

struct kafka_config {
	enum kafka_lane lane;
	struct str brokers;
	struct str *topics;
	uint32_t topic_count;
	struct str topic_pattern;               /* data NULL: the list */
	struct starting_offsets starting;
	bool continue_on_data_loss;
	int64_t fetch_memory_bytes;
	int64_t max_offsets_per_trigger;        /* 0: no limit */
	struct setting *settings;               /* librdkafka's, in order; later ones win */
	uint32_t setting_count;
	struct str group;                       /* offsets are committed to it, never read back */
	int64_t broker_timeout_ms;              /* 0: wait for ever */
	bool headers;                           /* somebody reads them: they cost much */
	const struct source_resume *resume;     /* NULL: a new start */
};

enum file_format { FILE_LINES, FILE_RECORDS };

struct file_config {
	struct str path;                        /* a file, a folder, a pattern; "-" is stdin */
	enum file_format format;
	int64_t max_files_per_trigger;          /* 0: no limit */
	struct str null_value;                  /* data NULL: none */
	struct str *topics;                     /* records: which topics to keep; none: all */
	uint32_t topic_count;
	const struct source_resume *resume;     /* NULL: a new start */
};

enum generate_kind { GENERATE_ORDERS, GENERATE_CUSTOMERS };

struct generate_config {
	enum generate_kind kind;
	/* messages a second; 0: as fast as they are taken */
	int64_t rate;
	int64_t count;                          /* 0: for ever */
	int64_t keys;
	uint64_t seed;
	double skew;                            /* Zipf exponent; 0: uniform */
	double malformed;                       /* fractions of the messages, 0..1 */
	double duplicates;
	double late;
};

struct source_config {
	enum source_kind kind;
	/* tells it from others of the job; with a checkpoint it stays when others come and go */
	uint32_t number;
	struct kafka_config kafka;
	struct file_config file;                /* SOURCE_FILE, SOURCE_STDIN */
	struct generate_config generate;
};

#endif
