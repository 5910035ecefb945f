/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/directory.h"
#include "store/mail.h"
#include "store/mailbox.h"

enum { BODY_MAX = 200 * 1024, ADDRESS_SIZE = 40 };

struct load_journal *load_journal_new(void)
{
	struct load_journal *journal = calloc(1, sizeof(*journal));

	CHECK(journal != NULL);
	for (size_t i = 0; i < LOAD_CLIENTS; i++) {
		journal->messages[i] = calloc(LOAD_MESSAGES_MAX, sizeof(struct load_message));
		CHECK(journal->messages[i] != NULL);
	}
	return journal;
}

void load_journal_free(struct load_journal **journal)
{
	for (size_t i = 0; i < LOAD_CLIENTS; i++)
		free((*journal)->messages[i]);
	free(*journal);
	*journal = NULL;
}

void load_journal_note(struct load_journal *journal, struct str note)
{
	char text[64];
	char what;
	char state;
	char kind = 's';
	unsigned client;
	unsigned number;

	CHECK(str_copy_c(note, text, sizeof(text)));
	CHECK(sscanf(text, "%c%c %u %u %c", &what, &state, &client, &number, &kind) >= 4);
	CHECK(client < LOAD_CLIENTS && number < LOAD_MESSAGES_MAX);
	struct load_message *message = &journal->messages[client][number];
	if (journal->counts[client] <= number)
		journal->counts[client] = number + 1;
	if (what == 'A' && state == '?') {
		message->was_asked = true;
		message->is_shared = kind == 'b';
	} else if (what == 'A')
		message->was_acknowledged = true;
	else if (state == '?')
		message->was_expunge_asked = true;
	else
		message->was_expunge_acknowledged = true;
}

/* ---- bodies: made from client and number, so that they can be checked ---- */

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

static size_t body_make(unsigned client, unsigned number, char *body)
{
	uint64_t random = mix((uint64_t)client << 32 | number);
	size_t len = random % 20 == 0 ? 70000 + random / 64 % 120000 : 100 + random / 64 % 5000;
	size_t head = (size_t)snprintf(body, 80, "Subject: %u %u %zu\r\n\r\n", client, number, len);

	for (size_t i = head; i < len; i += 8) {
		random = mix(random + i);
		memcpy(body + i, &random, len - i < 8 ? len - i : 8);
	}
	return len;
}

/* ---- clients ---- */

struct client {
	struct load *load;
	unsigned number;
	uint64_t account;
	uint64_t shared;
	uint32_t inbox;
	uint32_t archive;
	uint64_t random;
	char *body;
	bool has_failed;
};

static void address_of(char to[ADDRESS_SIZE], unsigned client)
{
	if (client < LOAD_CLIENTS)
		snprintf(to, ADDRESS_SIZE, "t%u@crash.test", client);
	else
		snprintf(to, ADDRESS_SIZE, "shared@crash.test");
}

static bool account_find(struct store *store, unsigned client, uint64_t *account_out)
{
	char address[ADDRESS_SIZE];
	struct view *view;
	struct user user;

	address_of(address, client);
	CHECK(view_open(store, &view) == FAULT_NONE);
	bool found = directory_user_find(view, str_from_c(address), &user) == FAULT_NONE;
	if (found)
		*account_out = user.account;
	view_close(&view);
	return found;
}

static uint32_t mailbox_number(struct store *store, uint64_t account, struct str name)
{
	struct view *view;
	struct mailbox mailbox;

	CHECK(view_open(store, &view) == FAULT_NONE);
	CHECK(mailbox_find(view, account, name, &mailbox) == FAULT_NONE);
	view_close(&view);
	return mailbox.id;
}

bool load_prepare(struct store *store)
{
	enum fault fault = directory_domain_add(store, STR("crash.test"));

	for (unsigned i = 0; i <= LOAD_CLIENTS; i++) {
		char address[ADDRESS_SIZE];
		uint64_t account;
		address_of(address, i);
		struct user user = {.address = str_from_c(address)};
		if (fault == FAULT_NONE || fault == FAULT_EXISTS)
			fault = directory_user_add(store, &user, &account);
	}
	return fault == FAULT_NONE || fault == FAULT_EXISTS;
}

static void note(struct client *client, const char *what, unsigned number, const char *kind)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %u %u%s", what, client->number, number, kind);

	client->load->note(text, (size_t)len);
}

static uint32_t below(struct client *client, uint32_t limit)
{
	client->random = mix(client->random + 0x9e3779b97f4a7c15);
	return (uint32_t)(client->random >> 33) % limit;
}

/* FAULT_IO and FAULT_UNAVAILABLE are part of the game: the role was away too long. */
static bool is_bad(struct client *client, const char *what, enum fault fault)
{
	if (fault == FAULT_NONE || fault == FAULT_IO || fault == FAULT_UNAVAILABLE)
		return false;
	fprintf(stderr, "client %u: %s: %s\n", client->number, what, fault_text(fault));
	client->has_failed = true;
	return true;
}

static void client_append(struct client *client, unsigned number)
{
	struct load_message *message = &client->load->journal->messages[client->number][number];
	size_t len = body_make(client->number, number, client->body);
	bool is_shared = below(client, 5) == 0;
	struct mail_target targets[] = {
		{.account = client->account, .mailbox = client->inbox},
		{.account = client->shared, .prefix = STR_INIT("Delivered-To: shared\r\n")}};
	struct mail_append append = {.body = {.bytes = str_make(client->body, len), .fd = -1},
				     .summary = STR("summary"),
				     .targets = targets,
				     .target_count = is_shared ? 2 : 1};

	note(client, "A?", number, is_shared ? " b" : " s");
	enum fault fault = mail_append(client->load->store, &append);
	if (is_bad(client, "append", fault) || fault != FAULT_NONE)
		return;
	message->uid = targets[0].uid;
	message->is_movable = true;
	note(client, "A!", number, "");
}

/* A message of one's own that lies in INBOX, or -1. */
static int message_pick(struct client *client, unsigned count)
{
	for (int attempt = 0; attempt < 8 && count > 0; attempt++) {
		unsigned number = below(client, count);
		if (client->load->journal->messages[client->number][number].is_movable)
			return (int)number;
	}
	return -1;
}

static void client_expunge(struct client *client, unsigned number)
{
	struct load_message *message = &client->load->journal->messages[client->number][number];
	CLEANUP_UID_SET struct uid_set set = {0};
	CLEANUP_UID_SET struct uid_set expunged = {0};

	uid_set_add(&set, message->uid, message->uid);
	message->is_movable = false;
	note(client, "E?", number, "");
	enum fault fault = mail_expunge(client->load->store, client->account, client->inbox, &set,
					false, &expunged);
	if (!is_bad(client, "expunge", fault) && fault == FAULT_NONE) {
		client->has_failed |= expunged.count != 1;
		note(client, "E!", number, "");
	}
}

static void client_move(struct client *client, unsigned number)
{
	struct load_message *message = &client->load->journal->messages[client->number][number];
	CLEANUP_UID_SET struct uid_set set = {0};
	struct mail_copied copied;

	uid_set_add(&set, message->uid, message->uid);
	message->is_movable = false;
	enum fault fault = mail_move(client->load->store, client->account, client->inbox, &set,
				     client->archive, &copied);
	if (!is_bad(client, "move", fault) && fault == FAULT_NONE) {
		client->has_failed |= copied.from.count != 1;
		uid_set_done(&copied.from);
	}
}

static void client_mark(struct client *client)
{
	CLEANUP_UID_SET struct uid_set set = {0};
	struct mail_flags_change change = {.mode = (enum mail_flags_mode)below(client, 3),
					   .flags = below(client, 32),
					   .unchanged_since = UINT64_MAX};
	uint32_t first = 1 + below(client, 200);

	uid_set_add(&set, first, first + below(client, 20));
	is_bad(client, "flags",
	       mail_flags_change(client->load->store, client->account, client->inbox, &set,
				 &change));
	uid_set_done(&change.changed);
	uid_set_done(&change.modified);
}

static void *client_run(void *argument)
{
	struct client *client = argument;
	struct load *load = client->load;
	size_t *count = &load->journal->counts[client->number];
	size_t end = *count + load->messages;

	if (end > LOAD_MESSAGES_MAX)
		end = LOAD_MESSAGES_MAX;
	while (!client->has_failed && *count < end &&
	       !__atomic_load_n(load->stop, __ATOMIC_RELAXED)) {
		uint32_t dice = below(client, 100);
		int number = dice >= 55 ? message_pick(client, (unsigned)*count) : -1;
		if (dice < 55)
			client_append(client, (unsigned)(*count)++);
		else if (number >= 0 && dice < 85)
			client_expunge(client, (unsigned)number);
		else if (number >= 0 && dice < 93)
			client_move(client, (unsigned)number);
		else
			client_mark(client);
	}
	return NULL;
}

bool load_run(struct load *load)
{
	struct client clients[LOAD_CLIENTS] = {0};
	pthread_t threads[LOAD_CLIENTS];
	bool is_good = true;

	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		clients[i] = (struct client){.load = load,
					     .number = i,
					     .random = mix(load->seed * LOAD_CLIENTS + i),
					     .body = malloc(BODY_MAX)};
		CHECK(clients[i].body != NULL);
		CHECK(account_find(load->store, i, &clients[i].account));
		CHECK(account_find(load->store, LOAD_CLIENTS, &clients[i].shared));
		clients[i].inbox = mailbox_number(load->store, clients[i].account, STR("INBOX"));
		clients[i].archive =
			mailbox_number(load->store, clients[i].account, STR("Archive"));
		CHECK(pthread_create(&threads[i], NULL, client_run, &clients[i]) == 0);
	}
	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
		is_good &= !clients[i].has_failed;
		free(clients[i].body);
	}
	return is_good;
}

/* ---- the check ---- */

struct check {
	struct view *view;
	const struct load_journal *journal;
	unsigned char *seen[LOAD_CLIENTS];	  /* how often in the own account, by number */
	unsigned char *seen_shared[LOAD_CLIENTS]; /* in the shared one */
	char *body;
	bool is_good;
};

/* Finds out which message a content is; false when it is not exactly one of ours. */
static bool content_recognize(struct check *check, const struct mail_content *content,
			      unsigned *client_out, unsigned *number_out)
{
	char head[80];
	size_t len;

	if (!str_copy_c(str_sub(content->body, 0, str_find_char(content->body, '\r')), head,
			sizeof(head)) ||
	    sscanf(head, "Subject: %u %u %zu", client_out, number_out, &len) != 3 ||
	    *client_out >= LOAD_CLIENTS || *number_out >= LOAD_MESSAGES_MAX)
		return false;
	len = body_make(*client_out, *number_out, check->body);
	return str_equals(content->body, str_make(check->body, len));
}

static void row_check(struct check *check, uint64_t account, bool is_shared,
		      const struct mail *mail)
{
	struct mail_content content;
	unsigned client;
	unsigned number;
	enum fault fault = mail_content_open(check->view, account, mail->message, &content);

	if (fault != FAULT_NONE) {
		fprintf(stderr, "check: account %lu uid %u cannot be read: %s\n",
			(unsigned long)account, mail->uid, fault_text(fault));
		check->is_good = false;
		return;
	}
	if (!content_recognize(check, &content, &client, &number)) {
		fprintf(stderr, "check: account %lu uid %u holds foreign bytes\n",
			(unsigned long)account, mail->uid);
		check->is_good = false;
	} else if (is_shared)
		check->seen_shared[client][number]++;
	else
		check->seen[client][number]++;
	mail_content_close(&content);
}

static void account_check(struct check *check, uint64_t account, bool is_shared)
{
	struct mailbox mailbox = {0};

	for (struct str name = STR(""); mailbox_next(check->view, account, name, &mailbox);
	     name = mailbox.name) {
		struct mail_rows rows;
		struct mail mail;
		mail_rows_open(check->view, account, mailbox.id, 1, &rows);
		while (mail_rows_next(&rows, &mail))
			row_check(check, account, is_shared, &mail);
		mail_rows_close(&rows);
	}
}

static void count_check(struct check *check, unsigned client, unsigned number, const char *where,
			unsigned seen, bool is_needed, bool is_forbidden)
{
	const char *wrong = seen > 1			? "is there twice"
			    : seen == 0 && is_needed	? "was acknowledged and is lost"
			    : seen == 1 && is_forbidden ? "was expunged and is back"
							: NULL;

	if (wrong == NULL)
		return;
	fprintf(stderr, "check: message %u of client %u (%s) %s\n", number, client, where, wrong);
	check->is_good = false;
}

static void messages_check(struct check *check, unsigned client)
{
	for (unsigned number = 0; number < LOAD_MESSAGES_MAX; number++) {
		const struct load_message *message = &check->journal->messages[client][number];
		unsigned own = check->seen[client][number];
		unsigned shared = check->seen_shared[client][number];
		count_check(check, client, number, "own account", own,
			    message->was_acknowledged && !message->was_expunge_asked,
			    message->was_expunge_acknowledged || !message->was_asked);
		count_check(check, client, number, "shared account", shared,
			    message->was_acknowledged && message->is_shared, !message->is_shared);
		if (message->is_shared && !message->was_expunge_asked && own != shared) {
			fprintf(stderr, "check: message %u of client %u is in one account only\n",
				number, client);
			check->is_good = false;
		}
	}
}

bool load_check(struct store *store, const struct load_journal *journal)
{
	struct check check = {.journal = journal, .body = malloc(BODY_MAX), .is_good = true};
	uint64_t account;

	CHECK(check.body != NULL);
	CHECK(view_open(store, &check.view) == FAULT_NONE);
	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		check.seen[i] = calloc(LOAD_MESSAGES_MAX, 1);
		check.seen_shared[i] = calloc(LOAD_MESSAGES_MAX, 1);
		CHECK(check.seen[i] != NULL && check.seen_shared[i] != NULL);
	}
	for (unsigned i = 0; i <= LOAD_CLIENTS; i++)
		if (account_find(store, i, &account))
			account_check(&check, account, i == LOAD_CLIENTS);
	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		messages_check(&check, i);
		free(check.seen[i]);
		free(check.seen_shared[i]);
	}
	view_close(&check.view);
	free(check.body);
	return check.is_good;
}
