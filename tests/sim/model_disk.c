#include "model_disk.h"

#include "../unit/memory_disk.h"
#include "faults.h"
#include "shared.h"
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	int r = memory_sync(fd);
	world->log_sync_failed |= r < 0 && errno != EINTR &&
		strncmp(memory_path_of(memory_of(fd)), "log-", 4) == 0;
	return r;
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
	int file = memory_find(path, true);
	if (file < 0)
		return (struct str){"", 0};
	const struct memory_bytes *b = &memory->files[file].now;
	return (struct str){b->data == NULL ? "" : b->data, b->len};
}

void model_disk_after_death(bool power)
{
	if (power)
		memory_power_cut(world_choose);
	else
		memory_process_ends();
}

static struct {
	int file;
	size_t at;
	char bad;
	char good;
} damage;

static unsigned long log_number(const char *leaf)
{
	return strncmp(leaf, "log-", 4) == 0 ? strtoul(leaf + 4, NULL, 10) : 0;
}

/* In the newest log the end may be torn, which nothing can tell from damage. */
static bool is_state(const struct memory_name *n)
{
	unsigned long newest = 0;
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].now >= 0 && log_number(memory->names[i].leaf) > newest)
			newest = log_number(memory->names[i].leaf);
	unsigned long number = log_number(n->leaf);
	return n->now >= 0 && memory->files[n->now].now.len > 0 &&
		((number > 0 && number < newest) || strncmp(n->leaf, "snap-", 5) == 0 ||
			strncmp(n->leaf, "MANIFEST", 8) == 0);
}

bool model_disk_damage(void)
{
	int first = (int)world_choose((uint32_t)memory->name_count + 1);
	for (int i = 0; i < memory->name_count; i++) {
		const struct memory_name *n = &memory->names[(first + i) % memory->name_count];
		if (!is_state(n))
			continue;
		struct memory_bytes *b = &memory->files[n->now].now;
		damage.file = n->now;
		damage.at = world_choose((uint32_t)b->len);
		damage.good = b->data[damage.at];
		damage.bad = (char)(damage.good ^ 1 << world_choose(8));
		b->data[damage.at] = damage.bad;
		return true;
	}
	return false;
}

void model_disk_undo_damage(void)
{
	struct memory_bytes *b = &memory->files[damage.file].now;
	if (damage.at < b->len && b->data[damage.at] == damage.bad)
		b->data[damage.at] = damage.good;
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
