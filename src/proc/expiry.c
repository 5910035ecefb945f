/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/expiry.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"

enum { DAY_S = 24 * 3600, FILE_MAX = PAIRS_MAX * 128, DIGEST_BYTES = 32 };

void expiry_open(struct expiry *expiry, const char *history_folder)
{
	*expiry = (struct expiry){.path = path_join(history_folder, "expiry"),
				  .told = BUF_INIT(FILE_MAX)};
	/* Without it everything is told once more. */
	if (file_read(expiry->path, &expiry->told) != FAULT_NONE)
		buf_reset(&expiry->told);
}

void expiry_close(struct expiry *expiry)
{
	buf_done(&expiry->told);
	free(expiry->path);
	expiry->path = NULL;
}

int expiry_threshold(int64_t left_s)
{
	static const int days[] = {1, 7, 14, TLS_EXPIRY_WARN_DAYS};

	if (left_s <= 0)
		return 0;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		if (left_s <= (int64_t)days[i] * DAY_S)
			return days[i];
	return EXPIRY_NEVER;
}

static void digest_append(struct buf *to, const struct pair *pair)
{
	hex_encode(to, str_make(tls_certificate_digest(pair->certificate), DIGEST_BYTES));
}

/* The last warning that was told of it. */
static int told_of(const struct expiry *expiry, const struct pair *pair)
{
	struct buf digest = BUF_INIT(DIGEST_BYTES * 2);
	uint64_t days;
	int told = EXPIRY_NEVER;

	digest_append(&digest, pair);
	for (struct str rest = buf_str(&expiry->told); rest.len > 0;) {
		struct str line = str_cut(&rest, '\n');
		if (str_equals(str_cut(&line, ' '), buf_str(&digest)) &&
		    str_parse_u64(line, EXPIRY_NEVER, &days))
			told = (int)days;
	}
	buf_done(&digest);
	return told;
}

static void tell(const struct pair *pair, int threshold, int64_t now_s, const struct log *log)
{
	int64_t until = tls_certificate_not_after(pair->certificate);
	struct log_line line;

	log_line_begin(&line, log, threshold <= 1 ? LOG_ERROR : LOG_WARNING);
	log_line_text(&line, "certificate %s %s ", pair->name,
		      threshold == 0 ? "expired on" : "expires on");
	clock_append_iso_date(&line.text, until);
	if (threshold == 0)
		log_line_text(&line, "; clients refuse it: replace sslcert/%s.crt and .key", pair->name);
	else if (until - now_s < DAY_S)
		log_line_text(&line, ", in less than a day; replace sslcert/%s.crt and .key",
			      pair->name);
	else
		log_line_text(&line, ", in %lld day%s; replace sslcert/%s.crt and .key",
			      (long long)((until - now_s) / DAY_S),
			      until - now_s < 2 * DAY_S ? "" : "s", pair->name);
	log_line_end(&line);
}

/* Tells of one pair and notes it in `next`; true when there was news. */
static bool pair_look(const struct expiry *expiry, const struct pair *pair, int64_t now_s,
		      struct buf *next, const struct log *log)
{
	int told = told_of(expiry, pair);
	int now = expiry_threshold(tls_certificate_not_after(pair->certificate) - now_s);
	bool is_news = now < told;

	if (is_news)
		tell(pair, now, now_s, log);
	if (now == EXPIRY_NEVER)
		return false;
	digest_append(next, pair);
	/* A clock that was set back does not unsay anything. */
	buf_printf(next, " %d\n", is_news ? now : told);
	return is_news;
}

void expiry_look(struct expiry *expiry, const struct pairs *pairs, int64_t now_s,
		 const struct log *log)
{
	struct buf next = BUF_INIT(FILE_MAX);
	bool is_news = false;

	expiry->looked_s = now_s;
	for (size_t i = 0; i < pairs->count; i++)
		is_news |= pair_look(expiry, &pairs->items[i], now_s, &next, log);
	buf_done(&expiry->told);
	expiry->told = next;
	if (!is_news)
		return;
	enum fault fault = file_replace(expiry->path, buf_str(&next), 0600);
	if (fault != FAULT_NONE && !expiry->is_failing)
		log_printf(log, LOG_ERROR,
			   "%s cannot be written (%s): what was said of certificates that end will be "
			   "said again after a restart",
			   expiry->path, fault_text(fault));
	expiry->is_failing = fault != FAULT_NONE;
}
