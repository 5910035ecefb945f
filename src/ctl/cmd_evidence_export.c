/* SPDX-License-Identifier: Apache-2.0 */
/* evidence export: the record as one signed JSON document. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "evidence/chain.h"
#include "evidence/record.h"

enum { STATEMENT_MAX = 4096, PATIENCE_MS = 10 * 1000 };

/* What is signed: few lines, which bind the whole file by its hash. */
static void statement_append(struct buf *to, struct str log,
			     const struct evidence_verdict *verdict)
{
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	buf_append_c(to, "postern evidence export 1\nhost ");
	text_append_word(to, str_from_c(host));
	buf_append_c(to, "\nexported ");
	clock_append_iso_date(to, clock_real_s());
	buf_printf(to, "\nentries %llu\nlast %s\nsha256 %s\n",
		   (unsigned long long)verdict->entries, verdict->hash.text,
		   evidence_hash_of(log).text);
}

/* The document; NULL after it said what hinders. */
static json_t *document_make(struct link *link, struct str log, struct str statement)
{
	struct msg_evidence_sign sign = {.bytes = statement};
	struct role_client keys;
	struct packet answer;
	json_t *document = NULL;

	packet_init(&answer);
	role_client_init(&keys, &link->connector, ROLE_KEYS, PATIENCE_MS);
	enum fault fault =
		role_client_call(&keys, MSG_evidence_sign, &sign, MSG_evidence_signed, &answer);
	const struct msg_evidence_signed *is_signed = &answer.message.evidence_signed;
	if (fault == FAULT_NONE)
		fault = fault_from_number(is_signed->fault);
	if (fault == FAULT_NONE) {
		struct buf signature = BUF_INIT(1024);
		base64_encode(&signature, is_signed->signature);
		document = json_pack("{s:o, s:o, s:o, s:o}", "statement", json_text(statement),
				     "signature", json_text(buf_str(&signature)), "public_key",
				     json_text(is_signed->public_key), "log", json_text(log));
		buf_done(&signature);
	} else
		ctl_fail(0, "the keys process does not sign: %s; see error.log", fault_text(fault));
	role_client_done(&keys);
	packet_done(&answer);
	return document;
}

static int export_print(struct link *link, struct str log)
{
	struct evidence_verdict verdict = evidence_verify(log, NULL, NULL);
	struct buf statement = BUF_INIT(STATEMENT_MAX);

	statement_append(&statement, log, &verdict);
	json_t *document = document_make(link, log, buf_str(&statement));
	buf_done(&statement);
	if (document == NULL)
		return CTL_NOT_RUNNING;
	ctl_print_json(document);
	if (verdict.fault_count > 0)
		return ctl_fail(CTL_FINDING, "the record is not as it was written; see `postern evidence "
					     "verify`");
	return CTL_DONE;
}

int cmd_evidence_export(struct ctl *ctl)
{
	struct buf log = BUF_INIT(EVIDENCE_FILE_MAX);
	char *path = ctl_path(ctl, "evidence.log");
	struct link link;
	int code;
	enum fault fault = link_open_control(&link, ctl->home);

	if (fault != FAULT_NONE)
		code = link_control_fail(ctl->home, fault);
	else if ((fault = file_read(path, &log)) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%s cannot be read: %s", path, fault_text(fault));
	else
		code = export_print(&link, buf_str(&log));
	link_close(&link);
	buf_done(&log);
	free(path);
	return code;
}
