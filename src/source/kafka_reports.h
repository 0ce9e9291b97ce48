#ifndef CDCL_KAFKA_REPORTS_H
#define CDCL_KAFKA_REPORTS_H

/*
 * What a producer's client says besides the answers of calls: which messages were not delivered
 * (counted; the first one kept with its topic and key), and why no broker answers. Served by the
 * thread that polls or flushes; counted atomically all the same.
 */

#include "source/kafka_client.h"

#include <stdatomic.h>

enum { kafka_key_text_max = 80 };

struct kafka_reports {
	atomic_llong failed;
	_Atomic(rd_kafka_resp_err_t) first;
	char topic[256];                        /* of the first; written before `failed` */
	char key[kafka_key_text_max + 8];
	size_t bytes;
	char trouble[512];                      /* why brokers do not answer; empty: they do */
};

/* Before the client is made: reports become its opaque. */
void kafka_reports_attach(struct kafka_reports *r, rd_kafka_conf_t *conf);
void kafka_reports_clear(struct kafka_reports *r);

/* 0, or what the first message that was not taken was, and why. */
int kafka_reports_error(const struct kafka_reports *r, struct error *err);

/* About one message that the broker, or librdkafka itself, refuses. */
int kafka_message_error(rd_kafka_resp_err_t why, const char *topic, struct str key, size_t bytes,
	struct error *err);

/* Refused for good: the same again would be refused again. */
bool kafka_error_is_refusal(rd_kafka_resp_err_t why);
/* What to do about a refusal, if it is known. */
void kafka_error_advise(rd_kafka_resp_err_t why, struct error *err);

#endif
