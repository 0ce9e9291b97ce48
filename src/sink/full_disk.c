#include "sink/full_disk.h"

#include "base/file.h"

bool full_disk_wait(struct full_disk *f, struct error *err)
{
	return f->waits && file_disk_is_full() &&
		retry_wait(&f->retry, full_disk_ms_max, "file", err);
}

void full_disk_passed(struct full_disk *f)
{
	f->retry = (struct retry){.wait_ms = 0};
}
