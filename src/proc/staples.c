/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/staples.h"

#include "proc/json.h"
#include "tls/certificate_facts.h"

enum { TEXT_MAX = 2048 };

static void row_remove(struct staples *staples, size_t at)
{
	buf_done(&staples->items[at].response);
	buf_done(&staples->items[at].text);
	staples->items[at] = staples->items[--staples->count];
}

void staples_done(struct staples *staples)
{
	while (staples->count > 0)
		row_remove(staples, staples->count - 1);
}

static bool is_of_a_pair(const struct pairs *pairs, const unsigned char *id)
{
	unsigned char other[TLS_STAPLE_ID_BYTES];

	for (size_t i = 0; i < pairs->count; i++)
		if (tls_certificate_fingerprint(pairs->items[i].certificate, other) &&
		    memcmp(other, id, sizeof(other)) == 0)
			return true;
	return false;
}

static const struct staple_row *row_find(const struct staples *staples, const unsigned char *id)
{
	for (size_t i = 0; i < staples->count; i++)
		if (memcmp(staples->items[i].id, id, TLS_STAPLE_ID_BYTES) == 0)
			return &staples->items[i];
	return NULL;
}

static struct staple_row *row_of(struct staples *staples, const unsigned char *id)
{
	const struct staple_row *known = row_find(staples, id);

	if (known != NULL)
		return &staples->items[known - staples->items];
	if (staples->count == PAIRS_MAX)
		return NULL;
	struct staple_row *row = &staples->items[staples->count++];
	*row = (struct staple_row){.response = BUF_INIT(TLS_OCSP_RESPONSE_MAX),
				   .text = BUF_INIT(TEXT_MAX)};
	memcpy(row->id, id, TLS_STAPLE_ID_BYTES);
	return row;
}

static enum fault row_give(const struct staple_row *row, struct child *child)
{
	struct msg_staple_given given = {.certificate = str_make(row->id, sizeof(row->id)),
					 .state = row->state,
					 .until_s = (uint64_t)row->until_s,
					 .response = buf_str(&row->response)};

	return child_send(child, MSG_staple_given, 0, &given);
}

/* A failure leaves what was stapled where it is. */
static bool is_failure(uint32_t state)
{
	return state == TLS_OCSP_UNREACHABLE || state == TLS_OCSP_UNUSABLE;
}

void staples_take(struct staples *staples, const struct pairs *pairs,
		  const struct msg_staple_given *given, struct child *children, size_t count)
{
	const unsigned char *id = (const unsigned char *)given->certificate.ptr;

	for (size_t i = staples->count; i-- > 0;)
		if (!is_of_a_pair(pairs, staples->items[i].id))
			row_remove(staples, i);
	if (given->certificate.len != TLS_STAPLE_ID_BYTES || given->state >= TLS_OCSP_STATE_COUNT ||
	    given->response.len > TLS_OCSP_RESPONSE_MAX || !is_of_a_pair(pairs, id))
		return;
	struct staple_row *row = row_of(staples, id);
	if (row == NULL)
		return;
	row->state = (enum tls_ocsp_state)given->state;
	buf_reset(&row->text);
	buf_append_str(&row->text, str_sub(given->text, 0, TEXT_MAX));
	if (is_failure(given->state))
		return;
	row->until_s = (int64_t)given->until_s;
	buf_reset(&row->response);
	buf_append_str(&row->response, given->response);
	for (size_t i = 0; i < count; i++)
		if (children[i].role == ROLE_FRONT && children[i].state == CHILD_READY)
			/* One that does not take it is found by the watchdog. */
			(void)!row_give(row, &children[i]);
}

enum fault staples_give(const struct staples *staples, struct child *child)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < staples->count && fault == FAULT_NONE; i++)
		fault = row_give(&staples->items[i], child);
	return fault;
}

void staples_append_status(const struct staples *staples,
			   const struct tls_certificate *certificate, struct buf *json)
{
	unsigned char id[TLS_STAPLE_ID_BYTES];
	const struct staple_row *row =
		tls_certificate_fingerprint(certificate, id) ? row_find(staples, id) : NULL;

	buf_printf(json, ",\"ocsp\":{\"state\":\"%s\",\"until\":%lld,\"text\":",
		   tls_ocsp_state_name(row == NULL ? TLS_OCSP_NONE : row->state),
		   (long long)(row == NULL ? 0 : row->until_s));
	append_json_string(json, row == NULL ? STR("") : buf_str(&row->text));
	buf_append_char(json, '}');
}
