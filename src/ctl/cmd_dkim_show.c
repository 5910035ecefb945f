/* SPDX-License-Identifier: Apache-2.0 */
/* dkim show: the keys, their states, and whether DNS has their records. */
#include <stdlib.h>

#include "base/clock.h"
#include "ctl/dkim_change.h"
#include "ctl/dkim_shown.h"

enum { TEXT_MAX = 8 << 20, WHY_MAX = 4096 };

#define CLEANUP_BUF __attribute__((cleanup(buf_done)))

/* A key with what DNS says. */
struct shown {
	const struct dkim_key *key;
	enum dkim_published published;
	struct buf text; /* what is published instead, or why DNS does not tell */
};

/* ---- asking ---- */

static void shown_look(struct link *link, struct shown *shown)
{
	struct msg_dkim_look_wanted wanted = {.domain = str_from_c(shown->key->domain),
					      .selector = str_from_c(shown->key->selector),
					      .record = str_from_c(shown->key->record)};
	struct packet answer;

	packet_init(&answer);
	enum fault fault = role_client_call(&link->mailq_role, MSG_dkim_look_wanted, &wanted,
					    MSG_dkim_looked, &answer);
	const struct msg_dkim_looked *looked = &answer.message.dkim_looked;
	shown->published = DKIM_PUBLISHED_UNKNOWN;
	if (fault != FAULT_NONE)
		buf_append_c(&shown->text, fault_text(fault));
	else if (looked->published < DKIM_PUBLISHED_COUNT) {
		shown->published = (enum dkim_published)looked->published;
		buf_append_str(&shown->text, looked->text);
	}
	packet_done(&answer);
}

/* ---- for people ---- */

static void date_append(struct buf *to, int64_t real_s)
{
	clock_append_iso_date(to, real_s);
}

static void state_append(struct buf *to, const struct dkim_key *key)
{
	switch (key->state) {
	case DKIM_WAITING:
		buf_append_c(to, "waiting for publication");
		break;
	case DKIM_SIGNING:
		buf_append_c(to, "signing since ");
		date_append(to, key->since_s);
		break;
	case DKIM_RETIRING:
		buf_append_c(to, "retiring; leave the record in DNS until ");
		date_append(to, key->since_s + DKIM_OVERLAP_S);
		break;
	default:
		buf_append_c(to, "retired; the record may be withdrawn from DNS");
	}
}

static void shown_append(struct buf *to, const struct shown *shown)
{
	const struct dkim_key *key = shown->key;

	buf_printf(to, "%s, selector %s (%s): ", key->domain, key->selector,
		   dkim_algorithm_name(key->algorithm));
	state_append(to, key);
	buf_printf(to, "\nDNS: %s", dkim_published_name(shown->published));
	if (shown->published != DKIM_PUBLISHED && shown->text.len > 0)
		buf_printf(to, ": %.*s", STR_ARG(buf_str(&shown->text)));
	buf_append_char(to, '\n');
	dkim_record_append_zone(to, str_from_c(key->domain), str_from_c(key->selector),
				str_from_c(key->record));
	buf_append_char(to, '\n');
}

void dkim_shown_publish(const struct dkim_keys *keys, size_t first)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	bool is_waiting = false;

	for (size_t i = first; i < keys->count; i++) {
		const struct dkim_key *key = &keys->items[i];
		dkim_record_append_zone(&text, str_from_c(key->domain),
					str_from_c(key->selector), str_from_c(key->record));
		is_waiting |= key->state == DKIM_WAITING;
	}
	buf_append_c(&text, is_waiting ? "Publish that in DNS. Mail is signed with it as soon as the "
					 "server has seen it there; `postern dkim show` looks.\n"
				       : "Publish that in DNS. Mail is signed with it from now on.\n");
	ctl_print(buf_str(&text));
}

/* ---- as JSON ---- */

static json_t *date_json(int64_t real_s)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64);

	date_append(&text, real_s);
	return json_text(buf_str(&text));
}

static json_t *shown_json(const struct shown *shown)
{
	const struct dkim_key *key = shown->key;
	CLEANUP_BUF struct buf name = BUF_INIT(512), zone = BUF_INIT(2 * DKIM_RECORD_MAX);
	struct str domain = str_from_c(key->domain), selector = str_from_c(key->selector);

	dkim_record_append_name(&name, domain, selector);
	dkim_record_append_zone(&zone, domain, selector, str_from_c(key->record));
	json_t *withdraw = key->state == DKIM_RETIRING ? date_json(key->since_s + DKIM_OVERLAP_S)
						       : json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:b, s:s, s:o}", "domain",
			 key->domain, "selector", key->selector, "algorithm",
			 dkim_algorithm_name(key->algorithm), "state",
			 dkim_state_name(key->state), "since", date_json(key->since_s),
			 "withdraw_from", withdraw, "name", json_text(buf_str(&name)), "record",
			 key->record, "zone", json_text(buf_str(&zone)), "published",
			 (int)(shown->published == DKIM_PUBLISHED), "dns",
			 dkim_published_name(shown->published), "dns_text",
			 json_text(buf_str(&shown->text)));
}

/* ---- the command ---- */

/* A key that is used, and verifiers cannot find its record. */
static bool is_finding(const struct shown *shown)
{
	return shown->key->state == DKIM_SIGNING && shown->published != DKIM_PUBLISHED &&
	       shown->published != DKIM_PUBLISHED_UNKNOWN;
}

static void keys_print(const struct ctl *ctl, const struct shown *shown, size_t count)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		shown_append(&text, &shown[i]);
		json_array_append_new(list, shown_json(&shown[i]));
	}
	if (ctl_has(ctl, OPTION_BIT(JSON)))
		ctl_print_json(json_pack("{s:O}", "keys", list));
	else
		ctl_print(buf_str(&text));
	json_decref(list);
}

static int keys_show(const struct ctl *ctl, struct link *link, const struct dkim_keys *keys)
{
	struct shown *shown = calloc(keys->count + 1, sizeof(*shown));
	int code = CTL_DONE;

	CHECK(shown != NULL);
	for (size_t i = 0; i < keys->count; i++) {
		shown[i] = (struct shown){.key = &keys->items[i], .text = BUF_INIT(TEXT_MAX)};
		shown_look(link, &shown[i]);
		if (is_finding(&shown[i]))
			code = CTL_FINDING;
	}
	keys_print(ctl, shown, keys->count);
	for (size_t i = 0; i < keys->count; i++)
		buf_done(&shown[i].text);
	free(shown);
	return code;
}

static int keys_read(const struct ctl *ctl, struct str domain, struct dkim_keys *keys)
{
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);

	if (dkim_keys_read(ctl->home, domain, keys, &why) != FAULT_NONE)
		return ctl_fail(CTL_USAGE, "%.*s", STR_ARG(buf_str(&why)));
	return CTL_DONE;
}

int cmd_dkim_show(struct ctl *ctl)
{
	CLEANUP_BUF struct buf domain = BUF_INIT(DKIM_DOMAIN_MAX);
	struct dkim_keys keys = {0};
	struct link link;
	int code = CTL_DONE;

	if (ctl->arguments->word_count > 0)
		code = dkim_domain_read(ctl_word(ctl, 0), &domain);
	if (code == CTL_DONE)
		code = keys_read(ctl, buf_str(&domain), &keys);
	if (code != CTL_DONE)
		return code;
	enum fault fault = link_open(&link, ctl->home, LINK_MAILQ);
	code = fault == FAULT_NONE ? keys_show(ctl, &link, &keys) : ctl_fault_code(fault);
	link_close(&link);
	dkim_keys_done(&keys);
	return code;
}
