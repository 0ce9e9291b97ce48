/*
 * What the tests on a real broker need and kcat cannot do.
 *
 *	kafka_tool B create TOPIC PARTITIONS [NAME=VALUE ...]   waits until its leaders are there;
 *	                                                        the first may be replicas=N
 *	kafka_tool B delete TOPIC
 *	kafka_tool B partitions TOPIC TOTAL
 *	kafka_tool B delete-records TOPIC PARTITION BEFORE
 *	kafka_tool B committed GROUP TOPIC PARTITIONS           prints "partition offset"
 *	kafka_tool B ends TOPIC PARTITIONS                      prints "partition low high"
 *	kafka_tool B txn TOPIC commit|abort VALUE ...           one transaction on partition 0
 *	kafka_tool B produce TOPIC                              from lines, see below
 *	kafka_tool B produce-escaped TOPIC                      \n, \t, \0 and \\ in keys and values
 *	kafka_tool B produce-transactions TOPIC                 the same, in transactions
 *	kafka_tool B acl TOPIC|%GROUP [OPERATION ...]           only these: Read, Write, Describe
 *	kafka_tool B fill TOPIC PARTITIONS COUNT BYTES          {"n":...,"pad":"..."} of about BYTES
 *
 * A line: partition TAB timestamp_ms TAB key TAB value [TAB header=value ...]; @NULL@ is absent,
 * timestamp 0 is now. A line @flush waits until all before it has arrived, so that a new batch
 * begins; @commit and @abort end a transaction. CODEC compresses; IDEMPOTENT=1 sends each once also
 * while brokers come and go.
 */
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { wait_ms = 20000 };

static const char *brokers;

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "kafka_tool: %s: %s\n", what, why);
	exit(1);
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *const *settings)
{
	char text[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
	for (; settings != NULL && settings[0] != NULL; settings += 2)
		if (rd_kafka_conf_set(conf, settings[0], settings[1], text, sizeof(text)) !=
			RD_KAFKA_CONF_OK)
			die(settings[0], text);
	rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));
	if (rk == NULL)
		die("client", text);
	return rk;
}

static void topic_results(const rd_kafka_topic_result_t **results, size_t count, const char *what)
{
	for (size_t i = 0; i < count; i++)
		if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
			die(what, rd_kafka_topic_result_error_string(results[i]));
}

static rd_kafka_event_t *result(rd_kafka_queue_t *q, const char *what)
{
	rd_kafka_event_t *e = rd_kafka_queue_poll(q, wait_ms);
	if (e == NULL)
		die(what, "no answer");
	if (rd_kafka_event_error(e) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die(what, rd_kafka_event_error_string(e));
	return e;
}

static bool has_leaders(rd_kafka_t *rk, const char *topic, int partitions)
{
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
	const rd_kafka_metadata_t *m = NULL;
	bool good = rd_kafka_metadata(rk, 0, rkt, &m, 2000) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		m->topic_cnt == 1 && m->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR &&
		m->topics[0].partition_cnt >= partitions;
	for (int i = 0; good && i < m->topics[0].partition_cnt; i++)
		good = m->topics[0].partitions[i].leader >= 0;
	if (m != NULL)
		rd_kafka_metadata_destroy(m);
	rd_kafka_topic_destroy(rkt);
	return good;
}

static void wait_leaders(rd_kafka_t *rk, const char *topic, int partitions)
{
	for (int i = 0; i < 400; i++) {
		if (has_leaders(rk, topic, partitions))
			return;
		rd_kafka_poll(rk, 25);
	}
	die(topic, "has no leaders");
}

static void create(const char *topic, int partitions, char **settings, int count)
{
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL);
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	char text[512];
	int replicas = 1;
	if (count > 0 && strncmp(settings[0], "replicas=", 9) == 0) {
		replicas = atoi(settings[0] + 9);
		settings++;
		count--;
	}
	rd_kafka_NewTopic_t *t =
		rd_kafka_NewTopic_new(topic, partitions, replicas, text, sizeof(text));
	if (t == NULL)
		die(topic, text);
	for (int i = 0; i < count; i++) {
		char *equals = strchr(settings[i], '=');
		*equals = 0;
		rd_kafka_NewTopic_set_config(t, settings[i], equals + 1);
	}
	rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
	rd_kafka_event_t *e = result(q, "create");
	size_t n;
	const rd_kafka_topic_result_t **results =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(e), &n);
	topic_results(results, n, "create");
	rd_kafka_event_destroy(e);
	rd_kafka_NewTopic_destroy(t);
	wait_leaders(rk, topic, partitions);
	rd_kafka_queue_destroy(q);
	rd_kafka_destroy(rk);
}

static void delete_topic(char *topic)
{
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL);
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(topic);
	rd_kafka_DeleteTopics(rk, &t, 1, NULL, q);
	rd_kafka_event_t *e = result(q, "delete");
	size_t n;
	const rd_kafka_topic_result_t **results =
		rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(e), &n);
	topic_results(results, n, "delete");
	rd_kafka_event_destroy(e);
	rd_kafka_DeleteTopic_destroy(t);
	rd_kafka_queue_destroy(q);
	rd_kafka_destroy(rk);
}

static void add_partitions(const char *topic, int total)
{
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL);
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	char text[512];
	rd_kafka_NewPartitions_t *p =
		rd_kafka_NewPartitions_new(topic, (size_t)total, text, sizeof(text));
	if (p == NULL)
		die(topic, text);
	rd_kafka_CreatePartitions(rk, &p, 1, NULL, q);
	rd_kafka_event_t *e = result(q, "partitions");
	size_t n;
	const rd_kafka_topic_result_t **results = rd_kafka_CreatePartitions_result_topics(
		rd_kafka_event_CreatePartitions_result(e), &n);
	topic_results(results, n, "partitions");
	rd_kafka_event_destroy(e);
	rd_kafka_NewPartitions_destroy(p);
	wait_leaders(rk, topic, total);
	rd_kafka_queue_destroy(q);
	rd_kafka_destroy(rk);
}

static void delete_records(const char *topic, int partition, int64_t before)
{
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL);
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = before;
	rd_kafka_DeleteRecords_t *d = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(rk, &d, 1, NULL, q);
	rd_kafka_event_t *e = result(q, "delete-records");
	const rd_kafka_topic_partition_list_t *done =
		rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(e));
	if (done->cnt != 1 || done->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("delete-records", rd_kafka_err2str(done->elems[0].err));
	rd_kafka_event_destroy(e);
	rd_kafka_DeleteRecords_destroy(d);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_queue_destroy(q);
	rd_kafka_destroy(rk);
}

static void committed(const char *group, const char *topic, int partitions)
{
	const char *settings[] = {"group.id", group, "enable.auto.commit", "false", NULL};
	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, settings);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
	for (int i = 0; i < partitions; i++)
		rd_kafka_topic_partition_list_add(list, topic, i);
	rd_kafka_resp_err_t why = rd_kafka_committed(rk, list, wait_ms);
	if (why != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("committed", rd_kafka_err2str(why));
	for (int i = 0; i < list->cnt; i++)
		printf("%d %lld\n", (int)list->elems[i].partition,
			(long long)list->elems[i].offset);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
}

static void ends(const char *topic, int partitions)
{
	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, NULL);
	for (int i = 0; i < partitions; i++) {
		int64_t low, high;
		rd_kafka_resp_err_t why =
			rd_kafka_query_watermark_offsets(rk, topic, i, &low, &high, wait_ms);
		if (why != RD_KAFKA_RESP_ERR_NO_ERROR)
			die("ends", rd_kafka_err2str(why));
		printf("%d %lld %lld\n", i, (long long)low, (long long)high);
	}
	rd_kafka_destroy(rk);
}

static void flush_all(rd_kafka_t *rk)
{
	if (rd_kafka_flush(rk, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("produce", "not everything was taken");
}

static void check_error(rd_kafka_error_t *e, const char *what)
{
	if (e != NULL)
		die(what, rd_kafka_error_string(e));
}

static void transaction(const char *topic, bool commit, char **values, int count)
{
	char name[32];
	snprintf(name, sizeof(name), "cdcl-test-%d", (int)getpid());
	const char *settings[] = {"transactional.id", name, NULL};
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, settings);
	check_error(rd_kafka_init_transactions(rk, wait_ms), "init");
	check_error(rd_kafka_begin_transaction(rk), "begin");
	for (int i = 0; i < count; i++)
		rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
			RD_KAFKA_V_VALUE(values[i], strlen(values[i])),
			RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	flush_all(rk);
	check_error(commit ? rd_kafka_commit_transaction(rk, wait_ms)
			   : rd_kafka_abort_transaction(rk, wait_ms),
		"end");
	rd_kafka_destroy(rk);
}

static int failures;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	(void)opaque;
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR && failures++ == 0)
		fprintf(stderr, "kafka_tool: %s\n", rd_kafka_err2str(m->err));
}

static rd_kafka_t *producer(bool transactional)
{
	char text[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
	/* What one call sends arrives as one batch: flush does not wait for this. */
	rd_kafka_conf_set(conf, "linger.ms", "1000", text, sizeof(text));
	rd_kafka_conf_set(conf, "message.max.bytes", "4000000", text, sizeof(text));
	rd_kafka_conf_set(conf, "queue.buffering.max.messages", "1000000", text, sizeof(text));
	if (getenv("IDEMPOTENT") != NULL)
		rd_kafka_conf_set(conf, "enable.idempotence", "true", text, sizeof(text));
	if (transactional) {
		char name[32];
		snprintf(name, sizeof(name), "cdcl-test-%d", (int)getpid());
		rd_kafka_conf_set(conf, "transactional.id", name, text, sizeof(text));
	}
	const char *codec = getenv("CODEC");
	if (codec != NULL)
		rd_kafka_conf_set(conf, "compression.codec", codec, text, sizeof(text));
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (rk == NULL)
		die("producer", text);
	return rk;
}

static bool escaped_lines;

/* In place; answers the length. */
static size_t unescape(char *text)
{
	if (!escaped_lines)
		return strlen(text);
	char *to = text;
	for (const char *from = text; *from != 0; from++) {
		char c = *from;
		if (c == '\\') {
			from++;
			c = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from == '0' ? 0 : *from;
		}
		*to++ = c;
	}
	return (size_t)(to - text);
}

/* A part of a line; data NULL: absent. */
struct part {
	char *data;
	size_t len;
};

static struct part part(char *text)
{
	if (text == NULL || strcmp(text, "@NULL@") == 0)
		return (struct part){NULL, 0};
	return (struct part){text, unescape(text)};
}

static void send_one(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t timestamp,
	struct part key, struct part value, rd_kafka_headers_t *headers)
{
	for (;;) {
		rd_kafka_headers_t *copy = headers == NULL ? NULL : rd_kafka_headers_copy(headers);
		rd_kafka_resp_err_t why = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic),
			RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_TIMESTAMP(timestamp),
			RD_KAFKA_V_KEY(key.data, key.len), RD_KAFKA_V_VALUE(value.data, value.len),
			RD_KAFKA_V_HEADERS(copy), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_END);
		if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
			return;
		if (copy != NULL)
			rd_kafka_headers_destroy(copy);
		if (why != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("produce", rd_kafka_err2str(why));
		rd_kafka_poll(rk, 10);
	}
}

static rd_kafka_AclOperation_t operation_of(const char *name)
{
	return strcmp(name, "Read") == 0 ? RD_KAFKA_ACL_OPERATION_READ
		: strcmp(name, "Write") == 0 ? RD_KAFKA_ACL_OPERATION_WRITE
					     : RD_KAFKA_ACL_OPERATION_DESCRIBE;
}

/* Once a name has one, what is not allowed is denied: somebody else's stands for that. */
static void add_acl(rd_kafka_t *rk, const char *name, const char *user, rd_kafka_AclOperation_t op)
{
	char text[256];
	rd_kafka_ResourceType_t type =
		name[0] == '%' ? RD_KAFKA_RESOURCE_GROUP : RD_KAFKA_RESOURCE_TOPIC;
	name += type == RD_KAFKA_RESOURCE_TOPIC ? 0 : 1;
	rd_kafka_AclBinding_t *acl = rd_kafka_AclBinding_new(type, name,
		RD_KAFKA_RESOURCE_PATTERN_LITERAL, user, "*", op,
		RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, text, sizeof(text));
	if (acl == NULL)
		die("acl", text);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_CreateAcls(rk, &acl, 1, NULL, queue);
	rd_kafka_event_t *e = rd_kafka_queue_poll(queue, wait_ms);
	size_t count = 0;
	const rd_kafka_acl_result_t **results = e == NULL ? NULL
		: rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(e), &count);
	if (count != 1 || rd_kafka_acl_result_error(results[0]) != NULL)
		die("acl", count == 1
			? rd_kafka_error_string(rd_kafka_acl_result_error(results[0]))
			: "no answer");
	rd_kafka_event_destroy(e);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AclBinding_destroy(acl);
}

static void acls(const char *name, char **operations, int count)
{
	rd_kafka_t *rk = producer(false);
	add_acl(rk, name, "User:somebody", RD_KAFKA_ACL_OPERATION_DESCRIBE);
	for (int i = 0; i < count; i++)
		add_acl(rk, name, "User:ANONYMOUS", operation_of(operations[i]));
	rd_kafka_destroy(rk);
}

static rd_kafka_headers_t *read_headers(char *rest)
{
	if (rest == NULL)
		return NULL;
	rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
	while (rest != NULL) {
		char *name = strsep(&rest, "\t");
		char *equals = strchr(name, '=');
		*equals = 0;
		struct part text = part(equals + 1);
		rd_kafka_header_add(headers, name, -1, text.data, (ssize_t)text.len);
	}
	return headers;
}

static void send_line(rd_kafka_t *rk, const char *topic, char *line)
{
	char *rest = line;
	int32_t partition = atoi(strsep(&rest, "\t"));
	int64_t timestamp = atoll(strsep(&rest, "\t"));
	char *key = strsep(&rest, "\t");
	char *value = strsep(&rest, "\t");
	rd_kafka_headers_t *headers = read_headers(rest);
	send_one(rk, topic, partition, timestamp, part(key), part(value), headers);
	if (headers != NULL)
		rd_kafka_headers_destroy(headers);
	rd_kafka_poll(rk, 0);
}

/* Answers whether a transaction is still open. */
static bool order(rd_kafka_t *rk, const char *what, bool open)
{
	flush_all(rk);
	if (!open || strcmp(what, "@flush") == 0)
		return open;
	if (strcmp(what, "@commit") == 0)
		check_error(rd_kafka_commit_transaction(rk, wait_ms), what);
	else if (strcmp(what, "@abort") == 0)
		check_error(rd_kafka_abort_transaction(rk, wait_ms), what);
	else
		die("order", what);
	return false;
}

static void produce(const char *topic, bool transactional)
{
	rd_kafka_t *rk = producer(transactional);
	if (transactional)
		check_error(rd_kafka_init_transactions(rk, wait_ms), "init");
	/* Known before the first message, or the messages trickle out one by one. */
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
	wait_leaders(rk, topic, 1);
	char *line = NULL;
	size_t capacity = 0;
	ssize_t n;
	bool open = false;
	while ((n = getline(&line, &capacity, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		if (line[0] == '@') {
			open = order(rk, line, open);
			continue;
		}
		if (transactional && !open)
			check_error(rd_kafka_begin_transaction(rk), "begin");
		open = transactional;
		send_line(rk, topic, line);
	}
	free(line);
	flush_all(rk);
	rd_kafka_topic_destroy(rkt);
	rd_kafka_destroy(rk);
}

static void fill(const char *topic, int partitions, int64_t count, size_t bytes)
{
	rd_kafka_t *rk = producer(false);
	char *value = malloc(bytes + 64);
	for (int64_t i = 0; i < count; i++) {
		int n = sprintf(value, "{\"n\":%lld,\"pad\":\"", (long long)i);
		size_t len = (size_t)n;
		while (len + 2 < bytes)
			value[len++] = 'x';
		value[len++] = '"';
		value[len++] = '}';
		value[len] = 0;
		send_one(rk, topic, (int32_t)(i % partitions), 0, (struct part){NULL, 0},
			(struct part){value, len}, NULL);
		if (i % 256 == 0)
			rd_kafka_poll(rk, 0);
	}
	free(value);
	flush_all(rk);
	rd_kafka_destroy(rk);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		die("usage", "see the top of kafka_tool.c");
	brokers = argv[1];
	const char *what = argv[2];
	if (strcmp(what, "create") == 0 && argc >= 5)
		create(argv[3], atoi(argv[4]), argv + 5, argc - 5);
	else if (strcmp(what, "delete") == 0)
		delete_topic(argv[3]);
	else if (strcmp(what, "partitions") == 0 && argc == 5)
		add_partitions(argv[3], atoi(argv[4]));
	else if (strcmp(what, "delete-records") == 0 && argc == 6)
		delete_records(argv[3], atoi(argv[4]), atoll(argv[5]));
	else if (strcmp(what, "committed") == 0 && argc == 6)
		committed(argv[3], argv[4], atoi(argv[5]));
	else if (strcmp(what, "ends") == 0 && argc == 5)
		ends(argv[3], atoi(argv[4]));
	else if (strcmp(what, "txn") == 0 && argc > 5)
		transaction(argv[3], strcmp(argv[4], "commit") == 0, argv + 5, argc - 5);
	else if (strcmp(what, "produce") == 0)
		produce(argv[3], false);
	else if ((escaped_lines = strcmp(what, "produce-escaped") == 0))
		produce(argv[3], false);
	else if ((escaped_lines = strcmp(what, "produce-transactions") == 0))
		produce(argv[3], true);
	else if (strcmp(what, "acl") == 0)
		acls(argv[3], argv + 4, argc - 4);
	else if (strcmp(what, "fill") == 0 && argc == 7)
		fill(argv[3], atoi(argv[4]), atoll(argv[5]), (size_t)atoll(argv[6]));
	else
		die(what, "unknown, or too few arguments");
	return failures > 0;
}
