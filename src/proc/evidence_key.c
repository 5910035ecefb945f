/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/evidence_key.h"

#include <stdlib.h>

#include "base/file.h"
#include "crypto/signing_key.h"
#include "proc/parent.h"

enum { FILE_MODE = 0600 };

static enum fault key_read(const char *path, struct buf *pem)
{
	enum fault fault = file_read(path, pem);

	if (fault != FAULT_NOT_FOUND)
		return fault;
	signing_key_make(pem);
	return file_replace(path, buf_str(pem), FILE_MODE);
}

void evidence_key_give(struct parent *parent)
{
	struct child *keys = role_find(parent, ROLE_KEYS);
	struct buf pem = BUF_INIT(SIGNING_KEY_PEM_MAX);
	char *path = path_join(parent->home, "evidence.key");
	enum fault fault = key_read(path, &pem);

	if (fault == FAULT_NONE) {
		struct msg_evidence_key_given given = {.pem = buf_str(&pem)};
		fault = child_send(keys, MSG_evidence_key_given, 0, &given);
	}
	if (fault != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "%s: %s; `postern evidence export` will not work", path,
			   fault_text(fault));
	buf_wipe(&pem);
	free(path);
}
