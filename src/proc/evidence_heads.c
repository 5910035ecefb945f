/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/evidence_heads.h"

#include <stdlib.h>

#include "base/file.h"
#include "evidence/head.h"
#include "proc/parent.h"

static void sentence_append(void *context, struct str what)
{
	buf_append_str(context, what);
	buf_append_char(context, '\n');
}

void evidence_heads_check(const struct parent *parent, struct buf *what)
{
	struct buf log = BUF_INIT(EVIDENCE_FILE_MAX);
	char *path = path_join(parent->home, "evidence.log");

	if (file_read(path, &log) == FAULT_NONE)
		(void)evidence_head_check(parent->home, buf_str(&log), sentence_append, what);
	buf_done(&log);
	free(path);
}

void evidence_heads_tick(struct parent *parent)
{
	struct evidence_heads *heads = &parent->evidence_heads;
	const struct evidence *evidence = &parent->change.record.evidence;

	if (!roles_are_ready(parent, ROLE_KEYS)) {
		heads->asked = 0;
		return;
	}
	if (evidence->fd < 0 || evidence->sequence == heads->written || heads->asked != 0)
		return;
	heads->statement = BUF_INIT(EVIDENCE_STATEMENT_MAX);
	evidence_head_statement(&heads->statement, evidence);
	struct msg_evidence_sign sign = {.bytes = buf_str(&heads->statement)};
	if (child_send(role_find(parent, ROLE_KEYS), MSG_evidence_sign, evidence->sequence,
		       &sign) == FAULT_NONE)
		heads->asked = evidence->sequence;
	else
		buf_done(&heads->statement);
}

void evidence_heads_take(struct parent *parent, uint64_t id,
			 const struct msg_evidence_signed *answer)
{
	struct evidence_heads *heads = &parent->evidence_heads;

	if (id == 0 || id != heads->asked)
		return;
	enum fault fault = fault_from_number(answer->fault);
	if (fault == FAULT_NONE)
		fault = evidence_head_write(parent->home, buf_str(&heads->statement),
					    answer->signature, answer->public_key);
	if (fault != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "evidence.head cannot be written (%s): that entries were cut off could "
			   "not be found",
			   fault_text(fault));
	/* One that cannot be written is tried again with the next entry. */
	heads->written = heads->asked;
	heads->asked = 0;
	buf_done(&heads->statement);
}

void evidence_heads_done(struct evidence_heads *heads)
{
	buf_done(&heads->statement);
}
