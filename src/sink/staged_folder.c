#include "sink/staged_folder.h"

#include "base/file.h"

int staged_folder_begin(
	struct staged_folder *s, const char *path, struct full_disk *full, struct error *err)
{
	struct file_info info;
	int answer;
	do
		answer = file_make_dir(path, err);
	while (answer < 0 && full_disk_wait(full, err));
	if (answer <= 0)
		return answer < 0 ? answer : 1;
	int fd = file_open_read(path, err);
	answer = fd < 0 ? fd : file_stat(path, &info, err);
	if (answer < 0) {
		file_close(fd);
		return answer;
	}
	*s = (struct staged_folder){.begun = true, .inode = info.inode, .fd = fd};
	return 0;
}

bool staged_folder_is_ours(const struct staged_folder *s, const char *path)
{
	struct file_info info;
	return file_stat(path, &info, NULL) == 0 && info.inode == s->inode;
}

void staged_folder_end(struct staged_folder *s)
{
	if (s->begun)
		file_close(s->fd);
	*s = (struct staged_folder){.begun = false};
}
