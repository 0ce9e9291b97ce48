#ifndef CDCL_KAFKA_VERSION_H
#define CDCL_KAFKA_VERSION_H

/* librdkafka's version as it is linked, for `cdcl version`. */
const char *kafka_version(void);

#endif
