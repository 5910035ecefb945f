/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

enum { FILES_MAX = 4096, PAGE = 4096, SECTOR = 512 };

/* A write, or with data.ptr NULL a change of the length to `offset`. */
struct change {
	uint64_t offset;
	struct str data;
};

struct image {
	char *bytes;
	size_t len;
	size_t capacity;
};

struct file {
	struct str path;
	struct str new_path; /* after a renaming that was not flushed */
	bool is_folder;
	bool is_name_durable;
	bool is_unlinked;
	struct image durable;
	struct change *changes; /* since the last flush */
	size_t count;
	size_t capacity;
};

struct disk {
	size_t count;
	struct file files[FILES_MAX];
};

struct disk *disk_new(void)
{
	struct disk *disk = calloc(1, sizeof(*disk));

	CHECK(disk != NULL);
	return disk;
}

void disk_free(struct disk **disk)
{
	for (size_t i = 0; i < (*disk)->count; i++) {
		free((*disk)->files[i].durable.bytes);
		free((*disk)->files[i].changes);
	}
	free(*disk);
	*disk = NULL;
}

static struct file *file_find(struct disk *disk, struct str path)
{
	for (size_t i = disk->count; i > 0; i--) {
		struct file *file = &disk->files[i - 1];
		if (str_equals(file->new_path.ptr == NULL ? file->path : file->new_path, path))
			return file;
	}
	return NULL;
}

static void image_resize(struct image *image, size_t len)
{
	if (len > image->capacity) {
		image->capacity = len * 2;
		image->bytes = realloc(image->bytes, image->capacity);
		CHECK(image->bytes != NULL);
	}
	if (len > image->len)
		memset(image->bytes + image->len, 0, len - image->len);
	image->len = len;
}

static void image_write(struct image *image, uint64_t offset, struct str data)
{
	if (offset + data.len > image->len)
		image_resize(image, (size_t)offset + data.len);
	if (data.len > 0)
		memcpy(image->bytes + offset, data.ptr, data.len);
}

static void change_add(struct file *file, uint64_t offset, struct str data)
{
	if (file->count == file->capacity) {
		file->capacity = file->capacity * 2 + 16;
		file->changes = reallocarray(file->changes, file->capacity, sizeof(*file->changes));
		CHECK(file->changes != NULL);
	}
	file->changes[file->count++] = (struct change){offset, data};
}

static void file_flush(struct file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		struct change *change = &file->changes[i];
		if (change->data.ptr == NULL)
			image_resize(&file->durable, (size_t)change->offset);
		else
			image_write(&file->durable, change->offset, change->data);
	}
	file->count = 0;
}

/*
 * A write that is durable by itself takes its pages along as they are; the
 * other pages' older changes stay what they were.
 */
static void file_write_flushed(struct file *file, uint64_t offset, struct str data)
{
	uint64_t begin = offset / PAGE * PAGE;
	uint64_t end = (offset + data.len + PAGE - 1) / PAGE * PAGE;
	size_t count = file->count;

	for (size_t i = 0; i < count; i++) {
		struct change change = file->changes[i];
		uint64_t change_end = change.offset + change.data.len;
		if (change.data.ptr == NULL || change.offset >= end || change_end <= begin)
			continue;
		uint64_t from = change.offset > begin ? change.offset : begin;
		uint64_t to = change_end < end ? change_end : end;
		image_write(
			&file->durable, from,
			str_sub(change.data, (size_t)(from - change.offset), (size_t)(to - from)));
		/* What stands before and behind the pages stays open. */
		file->changes[i].data = str_sub(change.data, 0, (size_t)(from - change.offset));
		if (to < change_end)
			change_add(file, to, str_from(change.data, (size_t)(to - change.offset)));
	}
	image_write(&file->durable, offset, data);
}

static bool is_directly_in(struct str path, struct str folder)
{
	size_t slash = str_find_last_char(path, '/');

	return slash != STR_NONE && str_equals(str_sub(path, 0, slash), folder);
}

static void folder_flush(struct disk *disk, struct str folder)
{
	for (size_t i = 0; i < disk->count; i++) {
		struct file *file = &disk->files[i];
		if (!is_directly_in(file->path, folder))
			continue;
		file->is_name_durable = true;
		if (file->new_path.ptr != NULL)
			file->path = file->new_path;
		file->new_path = str_make(NULL, 0);
		if (file->is_unlinked)
			file->path = str_make(NULL, 0);
	}
}

static void file_create(struct disk *disk, struct str path, bool is_folder)
{
	struct file *old = file_find(disk, path);

	/* After a removal the name means a new file. */
	CHECK(old == NULL || old->is_unlinked);
	CHECK(disk->count < FILES_MAX);
	disk->files[disk->count++] = (struct file){.path = path, .is_folder = is_folder};
}

void disk_play(struct disk *disk, const struct record_header *record, struct str path,
	       struct str data)
{
	struct file *file = file_find(disk, path);

	switch (record->kind) {
	case RECORD_CREATE:
		file_create(disk, path, false);
		break;
	case RECORD_FOLDER:
		file_create(disk, path, true);
		break;
	case RECORD_UNLINK:
		CHECK(file != NULL);
		file->is_unlinked = true;
		break;
	case RECORD_RENAME:
		CHECK(file != NULL && file_find(disk, data) == NULL);
		file->new_path = data;
		break;
	case RECORD_WRITE:
		CHECK(file != NULL);
		change_add(file, record->offset, data);
		break;
	case RECORD_WRITE_FLUSHED:
		CHECK(file != NULL);
		file_write_flushed(file, record->offset, data);
		break;
	case RECORD_TRUNCATE:
		CHECK(file != NULL);
		change_add(file, record->offset, str_make(NULL, 0));
		break;
	case RECORD_FLUSH:
		if (file != NULL && !file->is_folder)
			file_flush(file);
		else
			folder_flush(disk, path);
		break;
	default:
		CHECK(!"a record of no known kind");
	}
}

/* ---- the cut ---- */

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

/*
 * How many of a file's open changes have reached a sector: the same for all sectors of most pages.
 */
static size_t reached(const struct file *file, uint64_t seed, uint64_t at)
{
	uint64_t page = mix(seed ^ mix(at / PAGE + 1));
	bool is_torn = page % 16 == 0;

	switch (seed % 4) {
	case 0:
		return 0;
	case 1:
		return file->count;
	default:
		return (size_t)((is_torn ? mix(page ^ at / SECTOR) : page) / 16 %
				(file->count + 1));
	}
}

static void change_reach(struct image *image, const struct file *file, size_t number, uint64_t seed)
{
	const struct change *change = &file->changes[number];
	uint64_t end = change->data.ptr == NULL ? image->len : change->offset + change->data.len;

	for (uint64_t at = change->offset; at < end;) {
		uint64_t next = (at / SECTOR + 1) * SECTOR;
		if (next > end)
			next = end;
		if (reached(file, seed, at) > number) {
			if (change->data.ptr == NULL)
				memset(image->bytes + at, 0, (size_t)(next - at));
			else
				image_write(image, at,
					    str_sub(change->data, (size_t)(at - change->offset),
						    (size_t)(next - at)));
		}
		at = next;
	}
}

/* One of the lengths that the file had since the flush. */
static size_t length_choose(const struct file *file, uint64_t seed)
{
	size_t wanted = reached(file, seed, UINT64_MAX / 2);
	size_t len = file->durable.len;

	for (size_t i = 0; i < wanted; i++) {
		const struct change *change = &file->changes[i];
		if (change->data.ptr == NULL)
			len = (size_t)change->offset;
		else if (change->data.len > 0 && change->offset + change->data.len > len)
			len = (size_t)change->offset + change->data.len;
	}
	return len;
}

static void file_cut(const struct file *file, uint64_t seed, const char *path)
{
	struct image image = {0};

	image_write(&image, 0, str_make(file->durable.bytes, file->durable.len));
	for (size_t i = 0; i < file->count; i++)
		change_reach(&image, file, i, seed);
	image_resize(&image, length_choose(file, seed));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && fd_write_all(fd, image.bytes, image.len));
	close(fd);
	free(image.bytes);
}

void disk_cut(const struct disk *disk, uint64_t seed, const char *folder)
{
	for (size_t i = 0; i < disk->count; i++) {
		const struct file *file = &disk->files[i];
		uint64_t own_seed = mix(seed * FILES_MAX + i);
		char *path;
		if (file->path.ptr == NULL || (!file->is_name_durable && mix(own_seed) % 2 == 0) ||
		    (file->is_unlinked && mix(own_seed + 1) % 2 == 0))
			continue;
		bool is_new_name = file->new_path.ptr != NULL && mix(own_seed + 2) % 2 == 0;
		CHECK(asprintf(&path, "%s/%.*s", folder,
			       STR_ARG(is_new_name ? file->new_path : file->path)) > 0);
		/* What is in a folder whose name was lost is lost with it. */
		if (file->is_folder)
			CHECK(mkdir(path, 0700) == 0);
		else {
			char *slash = strrchr(path, '/');
			*slash = 0;
			bool has_folder = access(path, F_OK) == 0;
			*slash = '/';
			if (has_folder)
				file_cut(file, own_seed, path);
		}
		free(path);
	}
}
