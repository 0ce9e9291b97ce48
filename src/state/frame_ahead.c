#include "state/frame_ahead.h"

/* Two runs stay in the cache that cores share; the worker wakes up sooner than one is taken. */
enum { run_bytes = 1024 * 1024, file_bytes_min = 2 * 1024 * 1024 };

/* Its first frame is read, those behind it are there. */
static int read_run(void *of, struct error *err)
{
	struct frame_ahead *a = of;
	struct frame frame;
	frame_reader_swap(a->reader, &a->spare);
	int result = frame_reader_next(a->reader, &frame, err);
	if (result == 1)
		while (frame_reader_next_here(a->reader, &frame))
			;
	return result;
}

static void read_next(struct frame_ahead *a)
{
	a->work = (struct disk_work){.call = read_run, .of = a};
	disk_worker_give(a->worker, &a->work);
}

void frame_ahead_begin(
	struct frame_ahead *a, struct frame_reader *r, struct disk_worker *worker)
{
	*a = (struct frame_ahead){.reader = r,
		.run_start = r->at,
		.run_end = r->at,
		.at = r->at,
		.crc = r->crc};
	strbuf_init(&a->spare);
	if (worker == NULL || r->bytes - r->at < file_bytes_min)
		return;
	a->worker = worker;
	r->read_bytes = run_bytes;
	read_next(a);
}

/* Of the run that was read the next one reads on while it is taken. */
static int take_run(struct frame_ahead *a, struct error *err)
{
	disk_worker_wait(a->worker, &a->work, -1);
	if (a->work.result < 0)
		*err = a->work.err;
	if (a->work.result != 1)
		return a->work.result;
	a->run_start = a->run_end;
	a->run_end = a->reader->at;
	a->run = frame_reader_bytes(a->reader, a->run_start);
	read_next(a);
	return 1;
}

int frame_ahead_next(struct frame_ahead *a, struct frame *frame, struct error *err)
{
	int result = 1;
	if (a->worker == NULL) {
		result = frame_reader_next(a->reader, frame, err);
		a->at = a->reader->at;
		a->crc = a->reader->crc;
		return result;
	}
	if (a->at == a->run_end)
		result = take_run(a, err);
	if (result != 1)
		return result;
	*frame = frame_seen(a->run + (a->at - a->run_start), a->at);
	a->at = frame->end;
	a->crc = frame->crc;
	return 1;
}

void frame_ahead_end(struct frame_ahead *a)
{
	if (a->worker != NULL)
		disk_worker_wait(a->worker, &a->work, -1);
	strbuf_release(&a->spare);
}
