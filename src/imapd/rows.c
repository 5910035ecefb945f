/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/rows.h"

/* Small gaps between two ranges are walked over: a new place in the index costs more. */
enum { GAP_MAX = 16 };

/* Visits from the range at `*at` on until a wide gap; false when the visitor ended the step. */
static bool run_visit(struct mail_rows *rows, struct job *job, size_t *at,
		      bool (*visit)(void *, const struct mail *), void *context)
{
	const struct uid_set *uids = &job->uids;
	struct mail mail;

	while (mail_rows_next(rows, &mail)) {
		while (*at < uids->count && uids->ranges[*at].last < mail.uid)
			(*at)++;
		if (*at == uids->count)
			return true;
		uint32_t first = uids->ranges[*at].first;
		if (mail.uid < first) {
			if (first - mail.uid > GAP_MAX)
				return true;
			continue;
		}
		job->next_uid = mail.uid + 1;
		if (!visit(context, &mail))
			return false;
	}
	*at = uids->count;
	return true;
}

bool rows_visit(struct session *session, struct view *view,
		bool (*visit)(void *context, const struct mail *mail), void *context)
{
	struct imapd *imapd = imapd_of(session);
	struct job *job = &imapd->job;
	bool goes_on = true;

	for (size_t at = uid_set_find(&job->uids, job->next_uid); goes_on && at < job->uids.count;) {
		uint32_t first = job->uids.ranges[at].first;
		struct mail_rows rows;
		mail_rows_open(view, session->user.account, imapd->selected.mailbox,
			       first > job->next_uid ? first : job->next_uid, &rows);
		goes_on = run_visit(&rows, job, &at, visit, context);
		mail_rows_close(&rows);
	}
	return goes_on;
}
