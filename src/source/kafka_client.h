#ifndef CDCL_KAFKA_CLIENT_H
#define CDCL_KAFKA_CLIENT_H

/*
 * How every Kafka client of cdcl is configured: our pinned settings first, then the user's (`kafka
 * = {...}` in a script, -X on the command line) over them. Every librdkafka setting passes
 * through; what cdcl itself depends on (commits, offset reset) is refused with the reason and what
 * to use instead; a name that librdkafka does not know gets its place, the nearest name and the
 * version that has it.
 */

#include "cdcl/error.h"
#include "source/source_config.h"

#include <librdkafka/rdkafka.h>

enum kafka_role { KAFKA_READER, KAFKA_WRITER };

/* librdkafka's bookkeeping per queued message: an op and what hangs on it. */
enum { kafka_message_overhead_bytes = 400 };

/*
 * The bounds on what a reader has queued, made from fetch_memory_bytes (0: the default of 64 MB).
 */
struct kafka_bounds {
	int64_t messages; /* per queue */
	int64_t bytes; /* payload, per queue */
	int64_t fetch_bytes; /* one fetch answer */
	int64_t partition_bytes; /* one partition's part of it */
};
struct kafka_bounds kafka_bounds_of(int64_t fetch_memory_bytes, bool queue_per_partition);

/* NULL with the error filled. The caller hands it to rd_kafka_new or destroys it. */
rd_kafka_conf_t *kafka_client_conf(enum kafka_role role, struct str brokers,
	const struct setting *settings, uint32_t count, struct error *err);
rd_kafka_conf_t *kafka_reader_conf(const struct kafka_config *config, struct error *err);

/* Sets one of our own settings; a failure is a bug of ours. */
void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);
void kafka_conf_set_int(rd_kafka_conf_t *conf, const char *name, int64_t value);
int64_t kafka_conf_int(rd_kafka_conf_t *conf, const char *name, int64_t otherwise);
/* How often the cluster is looked at without a reason. */
enum { kafka_refresh_us_default = 10 * 1000 * 1000 };
int64_t kafka_refresh_us(rd_kafka_conf_t *conf);

/* Takes conf. NULL with the error filled. */
rd_kafka_t *kafka_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct error *err);

/* True for errors that say: nobody answers there (and not: the answer was no). */
bool kafka_error_is_reach(rd_kafka_resp_err_t code);

/* What librdkafka calls one of Kafka's codes or its own. */
const char *kafka_error_text(int code);

#endif
