#include "source/kafka_plan.h"

#include "base/log.h"

#include <inttypes.h>
#include <math.h>

static const struct partition_offset *find_named(
	const struct starting_offsets *starting, struct str topic, int32_t partition)
{
	for (uint32_t i = 0; i < starting->explicit_count; i++) {
		const struct partition_offset *o = &starting->explicit_offsets[i];
		if (o->partition == partition && str_eq(o->topic, topic))
			return o;
	}
	return NULL;
}

static int start_named(const struct kafka_config *config, const struct kafka_span *span,
	int64_t *start, struct error *err)
{
	const struct partition_offset *named =
		find_named(&config->starting, span->topic, span->partition);
	if (named == NULL && (span->late || config->starting.resumed)) {
		*start = span->begin;
		return 0;
	}
	if (named == NULL) {
		error_set(err, CDCL_E_SCRIPT,
			"starting_offsets name partitions of '" STR_FMT "', but not %" PRId32,
			STR_ARG(span->topic), span->partition);
		error_help(err, "name every partition; -1 is the latest offset, -2 the earliest");
		return -(int)err->code;
	}
	if (named->offset == offset_latest)
		*start = span->end;
	else if (named->offset == offset_earliest)
		*start = span->begin;
	else
		*start = named->offset;
	return 0;
}

static int check_there(const struct kafka_config *config, const struct kafka_span *span,
	int64_t *start, struct error *err)
{
	if (*start >= span->begin && *start <= span->end)
		return 0;
	int64_t nearest = *start < span->begin ? span->begin : span->end;
	if (config->continue_on_data_loss) {
		log_warn("kafka",
			STR_FMT "/%" PRId32 " has offsets %" PRId64 " to %" PRId64 ", not %" PRId64
				"; going on at %" PRId64,
			STR_ARG(span->topic), span->partition, span->begin, span->end, *start,
			nearest);
		*start = nearest;
		return 0;
	}
	error_set(err, CDCL_E_DATA,
		"offset %" PRId64 " of " STR_FMT "/%" PRId32 " is not there: it holds %" PRId64
		" to %" PRId64,
		*start, STR_ARG(span->topic), span->partition, span->begin, span->end);
	error_help(err,
		"records were deleted or the topic was made again; on_data_loss = "
		"\"continue\" goes on");
	return -(int)err->code;
}

int kafka_start(const struct kafka_config *config, const struct kafka_span *span, int64_t *start,
	struct error *err)
{
	switch (config->starting.kind) {
	case OFFSETS_LATEST:
		*start = span->late ? span->begin : span->end;
		return 0;
	case OFFSETS_EARLIEST:
		*start = span->begin;
		return 0;
	case OFFSETS_TIMESTAMP:
		*start = span->at_time >= 0 ? span->at_time : span->end;
		return 0;
	case OFFSETS_EXPLICIT:
		break;
	}
	int r = start_named(config, span, start, err);
	return r < 0 ? r : check_there(config, span, start, err);
}

int kafka_check_named(const struct starting_offsets *starting, const struct kafka_span *spans,
	uint32_t count, struct error *err)
{
	for (uint32_t i = 0; i < starting->explicit_count; i++) {
		const struct partition_offset *o = &starting->explicit_offsets[i];
		bool there = false;
		for (uint32_t j = 0; j < count && !there; j++)
			there = spans[j].partition == o->partition &&
				str_eq(spans[j].topic, o->topic);
		if (!there)
			return error_set(err, starting->resumed ? CDCL_E_DATA : CDCL_E_SCRIPT,
				"starting_offsets name " STR_FMT "/%" PRId32 ", which is not there",
				STR_ARG(o->topic), o->partition);
	}
	return 0;
}

int64_t kafka_share(int64_t budget, const int64_t *backlog, uint32_t count, int64_t *share)
{
	double total = 0;
	for (uint32_t i = 0; i < count; i++)
		total += backlog[i] > 0 ? (double)backlog[i] : 0;
	int64_t sum = 0;
	for (uint32_t i = 0; i < count; i++) {
		share[i] = 0;
		if (backlog[i] <= 0)
			continue;
		double part = (double)budget * ((double)backlog[i] / total);
		part = part < 1 ? ceil(part) : floor(part);
		share[i] = part < (double)backlog[i] ? (int64_t)part : backlog[i];
		sum += share[i];
	}
	return sum;
}
