#include "model_disk.h"

#include "../unit/memory_disk.h"
#include "faults.h"
#include "shared.h"
#include "world.h"

#include <stdio.h>

static void watch(const char *call, const char *path)
{
	if (world->verbose)
		fprintf(stderr, "#     %s %s\n", call, path);
	world_call(call);
}

/* Without it: every process gets the lock, no name becomes durable. */
static int lock(int fd)
{
	return faults_is_off("lock") ? 0 : memory_lock(fd);
}

static int sync_file(int fd)
{
	bool lies = faults_is_off("fsync") ||
		(faults_is_off("folder-sync") && memory_of(fd)->is_folder);
	memory->syncs_lie = lies;
	return memory_sync(fd);
}

void model_disk_use(bool on)
{
	static struct disk disk;
	disk = memory_disk;
	disk.lock = lock;
	disk.fsync = disk.fdatasync = sync_file;
	disk_use(on ? &disk : NULL);
}

void model_disk_reset(void)
{
	memory = shared_zeroed(sizeof(*memory));
	memory_realloc = shared_realloc;
	memory_free = shared_free;
	memory_watch = watch;
	memory_reset();
	model_disk_use(true);
}

struct str model_disk_file(const char *path)
{
	const struct memory_name *n = memory_name_of(path, false);
	if (n == NULL || n->now < 0)
		return (struct str){"", 0};
	const struct memory_bytes *b = &memory->files[n->now].now;
	return (struct str){b->data == NULL ? "" : b->data, b->len};
}

void model_disk_after_death(bool power)
{
	if (power)
		memory_power_cut(world_choose);
	else
		memory_process_ends();
}

void model_disk_fail(int64_t at, bool on, int number)
{
	memory->fail_at = at;
	memory->fail_on = on;
	memory->fail_errno = number;
}

int64_t model_disk_calls(void)
{
	return memory->calls;
}
