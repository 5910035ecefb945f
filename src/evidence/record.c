/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "evidence/chain.h"

static void note_append(void *context, struct str what)
{
	struct buf *note = context;

	buf_append_str(note, what);
	buf_append_char(note, '\n');
}

/* Finds the end of the chain. */
static enum fault chain_read(struct evidence *evidence, struct buf *note)
{
	struct buf text = BUF_INIT(EVIDENCE_FILE_MAX);
	enum fault fault = fd_read_file(evidence->fd, &text);

	if (fault == FAULT_NONE) {
		struct evidence_verdict verdict =
			evidence_verify(buf_str(&text), note_append, note);
		evidence->sequence = verdict.sequence;
		evidence->hash = verdict.hash;
		if (verdict.unfinished_bytes > 0 &&
		    ftruncate(evidence->fd, (off_t)(text.len - verdict.unfinished_bytes)) != 0)
			fault = fault_from_errno(errno);
	}
	buf_done(&text);
	return fault;
}

static enum fault name_sync(const char *path)
{
	size_t slash = str_find_last_char(str_from_c(path), '/');
	char *folder = str_dup_c(slash == STR_NONE ? STR(".")
						   : str_sub(str_from_c(path), 0, slash + 1));
	enum fault fault = folder_sync(folder);

	free(folder);
	return fault;
}

enum fault evidence_open(struct evidence *evidence, const char *path, struct buf *note)
{
	const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;

	*evidence = (struct evidence){.fd = open(path, flags, 0600),
				      .hash = evidence_hash_none()};
	if (evidence->fd < 0)
		return fault_from_errno(errno);
	enum fault fault = chain_read(evidence, note);
	if (fault == FAULT_NONE)
		fault = name_sync(path);
	if (fault != FAULT_NONE)
		evidence_close(evidence);
	return fault;
}

void evidence_close(struct evidence *evidence)
{
	fd_close(&evidence->fd);
}

enum fault evidence_add(struct evidence *evidence, const struct evidence_entry *entry)
{
	struct evidence_entry numbered = *entry;
	struct buf line = BUF_INIT(EVIDENCE_LINE_MAX);
	struct stat before;
	enum fault fault = FAULT_NONE;

	if (evidence->fd < 0 || fstat(evidence->fd, &before) != 0)
		return FAULT_UNAVAILABLE;
	numbered.sequence = evidence->sequence + 1;
	numbered.time_s = clock_real_s();
	struct evidence_hash hash = evidence_entry_append(&line, &numbered, &evidence->hash);
	buf_append_char(&line, '\n');
	CHECK(!line.failed);
	if (!fd_write_all(evidence->fd, line.data, line.len) || fsync(evidence->fd) != 0) {
		fault = fault_from_errno(errno);
		/* A part of an entry would hide the next one. */
		(void)!ftruncate(evidence->fd, before.st_size);
	} else {
		evidence->sequence = numbered.sequence;
		evidence->hash = hash;
	}
	buf_done(&line);
	return fault;
}
