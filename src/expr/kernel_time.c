/* Dates and times. Timestamps are taken apart in the job's time zone. */

#include "expr/kernel_row.h"

#include "base/check.h"

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Seconds of the wall clock in the job's zone. */
static int64_t local_seconds(const struct expr *e, int64_t us)
{
	int64_t s = floor_div(us, 1000000);
	return e->timezone == NULL ? s : s + timezone_offset_at(e->timezone, s);
}

enum date_field {
	FIELD_YEAR,
	FIELD_QUARTER,
	FIELD_MONTH,
	FIELD_DAY,
	FIELD_WEEKDAY,
	FIELD_ISO_WEEKDAY,
	FIELD_YEARDAY,
	FIELD_WEEK
};

/* ISO week: the one that holds the year's first Thursday is the first. */
static int32_t week_of(int64_t days)
{
	int64_t thursday = days - (days + 3 - 7 * floor_div(days + 3, 7)) + 3;
	int64_t year;
	unsigned month, day;
	date_to_civil(thursday, &year, &month, &day);
	return (int32_t)((thursday - date_from_civil(year, 1, 1)) / 7 + 1);
}

static int32_t field_of(int64_t days, enum date_field field)
{
	int64_t year;
	unsigned month, day;
	date_to_civil(days, &year, &month, &day);
	switch (field) {
	case FIELD_YEAR: return (int32_t)year;
	case FIELD_QUARTER: return (int32_t)((month - 1) / 3 + 1);
	case FIELD_MONTH: return (int32_t)month;
	case FIELD_DAY: return (int32_t)day;
	case FIELD_WEEKDAY: return (int32_t)(days + 4 - 7 * floor_div(days + 4, 7)) + 1;
	case FIELD_ISO_WEEKDAY: return (int32_t)(days + 3 - 7 * floor_div(days + 3, 7));
	case FIELD_YEARDAY: return (int32_t)(days - date_from_civil(year, 1, 1)) + 1;
	case FIELD_WEEK: return week_of(days);
	}
	return 0;
}

#define DATE_FIELD(name, field)                                                                    \
	static int name##_row(const struct expr *e, const struct run *run,                         \
		const struct vector *args, uint32_t row, struct vector *out)                       \
	{                                                                                          \
		(void)e;                                                                           \
		(void)run;                                                                         \
		row_set_i32(out, row, field_of(row_i32(&args[0], row), field));                    \
		return EXPR_FINE;                                                                  \
	}                                                                                          \
	KERNEL_OF_ROWS(kernel_##name, name##_row)

DATE_FIELD(year, FIELD_YEAR)
DATE_FIELD(quarter, FIELD_QUARTER)
DATE_FIELD(month, FIELD_MONTH)
DATE_FIELD(day, FIELD_DAY)
DATE_FIELD(weekday, FIELD_WEEKDAY)
DATE_FIELD(iso_weekday, FIELD_ISO_WEEKDAY)
DATE_FIELD(yearday, FIELD_YEARDAY)
DATE_FIELD(week, FIELD_WEEK)

static int clock_field(const struct expr *e, const struct vector *args, uint32_t row,
	struct vector *out, int64_t unit, int64_t range)
{
	int64_t s = local_seconds(e, row_i64(&args[0], row));
	int64_t of_day = s - 86400 * floor_div(s, 86400);
	row_set_i32(out, row, (int32_t)(of_day / unit % range));
	return EXPR_FINE;
}

static int hour_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)run;
	return clock_field(e, args, row, out, 3600, 24);
}

static int minute_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)run;
	return clock_field(e, args, row, out, 60, 60);
}

static int second_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)run;
	return clock_field(e, args, row, out, 1, 60);
}

/* ---- arithmetic on days and months ---- */

static int put_days(int64_t days, uint32_t row, struct vector *out)
{
	if (days < INT32_MIN || days > INT32_MAX)
		return EXPR_OVERFLOW;
	row_set_i32(out, row, (int32_t)days);
	return EXPR_FINE;
}

static int date_add_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	return put_days((int64_t)row_i32(&args[0], row) + row_i32(&args[1], row), row, out);
}

static int date_sub_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	return put_days((int64_t)row_i32(&args[0], row) - row_i32(&args[1], row), row, out);
}

static int date_diff_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	return put_days((int64_t)row_i32(&args[0], row) - row_i32(&args[1], row), row, out);
}

static int64_t month_start(int64_t year, int64_t month)
{
	int64_t months = year * 12 + month;
	return date_from_civil(
		floor_div(months, 12), (unsigned)(months - 12 * floor_div(months, 12)) + 1, 1);
}

static int add_months_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int64_t year, to = row_i32(&args[1], row);
	unsigned month, day;
	(void)e;
	(void)run;
	date_to_civil(row_i32(&args[0], row), &year, &month, &day);
	to += (int64_t)month - 1;
	int64_t start = month_start(year, to), days = month_start(year, to + 1) - start;
	return put_days(start + ((int64_t)day > days ? days : (int64_t)day) - 1, row, out);
}

static int last_day_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int64_t year;
	unsigned month, day;
	(void)e;
	(void)run;
	date_to_civil(row_i32(&args[0], row), &year, &month, &day);
	return put_days(month_start(year, (int64_t)month) - 1, row, out);
}

static int make_date_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int32_t year = row_i32(&args[0], row), month = row_i32(&args[1], row),
		day = row_i32(&args[2], row);
	(void)e;
	(void)run;
	if (month < 1 || month > 12 || day < 1
		|| day > month_start(year, month) - month_start(year, month - 1))
		return EXPR_INVALID_ARGUMENT;
	return put_days(date_from_civil(year, (unsigned)month, (unsigned)day), row, out);
}

/* ---- epochs ---- */

static int put_units(int64_t count, int64_t factor, uint32_t row, struct vector *out)
{
	int64_t us;
	if (__builtin_mul_overflow(count, factor, &us))
		return EXPR_OVERFLOW;
	row_set_i64(out, row, us);
	return EXPR_FINE;
}

static int from_unit(const struct vector *args, uint32_t row, struct vector *out, int64_t factor)
{
	return put_units(row_i64(&args[0], row), factor, row, out);
}

static int from_seconds_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	return from_unit(args, row, out, 1000000);
}

static int from_millis_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	return from_unit(args, row, out, 1000);
}

static int from_micros_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	return from_unit(args, row, out, 1);
}

static int to_whole_seconds_row(const struct expr *e, const struct run *run,
	const struct vector *args, uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i64(out, row, row_i64(&args[0], row) / 1000000);
	return EXPR_FINE;
}

static int to_seconds_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i64(out, row, floor_div(row_i64(&args[0], row), 1000000));
	return EXPR_FINE;
}

static int to_millis_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i64(out, row, floor_div(row_i64(&args[0], row), 1000));
	return EXPR_FINE;
}

static int to_micros_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i64(out, row, row_i64(&args[0], row));
	return EXPR_FINE;
}

static int unix_date_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i32(out, row, row_i32(&args[0], row));
	return EXPR_FINE;
}

/* ---- date_trunc(unit, timestamp), trunc(date, unit) ---- */

static bool unit_is(struct str unit, const char *a, const char *b, const char *c)
{
	return str_eq_fold(unit, str_c(a)) || str_eq_fold(unit, str_c(b))
		|| str_eq_fold(unit, str_c(c));
}

/* First day of the unit that holds `days`, or false when it is no unit of dates. */
static bool truncate_days(int64_t days, struct str unit, int64_t *out)
{
	int64_t year;
	unsigned month, day;
	date_to_civil(days, &year, &month, &day);
	if (unit_is(unit, "year", "yyyy", "yy"))
		*out = date_from_civil(year, 1, 1);
	else if (unit_is(unit, "quarter", "quarter", "quarter"))
		*out = date_from_civil(year, (month - 1) / 3 * 3 + 1, 1);
	else if (unit_is(unit, "month", "mon", "mm"))
		*out = date_from_civil(year, month, 1);
	else if (unit_is(unit, "week", "week", "week"))
		*out = days - (days + 3 - 7 * floor_div(days + 3, 7));
	else
		return false;
	return true;
}

static int trunc_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int64_t days;
	(void)e;
	(void)run;
	if (!truncate_days(row_i32(&args[0], row), row_str(&args[1], row), &days))
		return ROW_NULL;
	return put_days(days, row, out);
}

static int date_trunc_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str unit = row_str(&args[0], row);
	int64_t us = row_i64(&args[1], row), local = local_seconds(e, us),
		days = floor_div(local, 86400);
	(void)run;
	if (unit_is(unit, "microsecond", "microsecond", "microsecond")
		|| unit_is(unit, "millisecond", "millisecond", "millisecond")) {
		int64_t step = (unit.data[2] | 32) == 'c' ? 1 : 1000;
		return put_units(floor_div(us, step), step, row, out);
	}
	if (unit_is(unit, "second", "second", "second"))
		local = local - 0;
	else if (unit_is(unit, "minute", "minute", "minute"))
		local = floor_div(local, 60) * 60;
	else if (unit_is(unit, "hour", "hour", "hour"))
		local = floor_div(local, 3600) * 3600;
	else if (unit_is(unit, "day", "dd", "day"))
		local = days * 86400;
	else if (truncate_days(days, unit, &days))
		local = days * 86400;
	else
		return ROW_NULL;
	/* The unit may have begun before the first timestamp, which is PostgreSQL's -infinity. */
	return put_units(e->timezone == NULL ? local : timezone_to_utc(e->timezone, local), 1000000,
		row, out);
}

KERNEL_OF_ROWS(kernel_hour, hour_row)
KERNEL_OF_ROWS(kernel_minute, minute_row)
KERNEL_OF_ROWS(kernel_second, second_row)
KERNEL_OF_ROWS(kernel_date_add, date_add_row)
KERNEL_OF_ROWS(kernel_date_sub, date_sub_row)
KERNEL_OF_ROWS(kernel_date_diff, date_diff_row)
KERNEL_OF_ROWS(kernel_add_months, add_months_row)
KERNEL_OF_ROWS(kernel_last_day, last_day_row)
KERNEL_OF_ROWS(kernel_make_date, make_date_row)
KERNEL_OF_ROWS(kernel_from_seconds, from_seconds_row)
KERNEL_OF_ROWS(kernel_from_millis, from_millis_row)
KERNEL_OF_ROWS(kernel_from_micros, from_micros_row)
KERNEL_OF_ROWS(kernel_to_seconds, to_seconds_row)
KERNEL_OF_ROWS(kernel_to_whole_seconds, to_whole_seconds_row)
KERNEL_OF_ROWS(kernel_to_millis, to_millis_row)
KERNEL_OF_ROWS(kernel_to_micros, to_micros_row)
KERNEL_OF_ROWS(kernel_unix_date, unix_date_row)
KERNEL_OF_ROWS(kernel_trunc, trunc_row)
KERNEL_OF_ROWS(kernel_date_trunc, date_trunc_row)
