/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/directory.h"
#include "store/mail.h"
#include "store/mailbox.h"
#include "store/queue.h"

enum { BODY_MAX = 200 * 1024, ADDRESS_SIZE = 40, OWNER = 1, LEASE_S = 3600, RECIPIENTS = 2 };

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

static void append_note(struct load_message *message, char state, char kind, unsigned about)
{
	if (state == '!') {
		message->was_acknowledged = true;
		return;
	}
	message->was_asked = true;
	message->is_shared = kind == 'b';
	message->is_queued = kind == 'q';
	message->is_notice = kind == 'n';
	message->notice_of = about;
}

void load_journal_note(struct load_journal *journal, struct str note)
{
	char text[64];
	char what;
	char state;
	char kind = 's';
	unsigned client;
	unsigned number;
	unsigned about = 0;

	CHECK(str_copy_c(note, text, sizeof(text)));
	CHECK(sscanf(text, "%c%c %u %u %c %u", &what, &state, &client, &number, &kind, &about) >=
	      4);
	CHECK(client < LOAD_CLIENTS && number < LOAD_MESSAGES_MAX && about < LOAD_MESSAGES_MAX);
	struct load_message *message = &journal->messages[client][number];
	if (journal->counts[client] <= number)
		journal->counts[client] = number + 1;
	if (what == 'A')
		append_note(message, state, kind, about);
	else if (what == 'E')
		*(state == '?' ? &message->was_expunge_asked : &message->was_expunge_acknowledged) =
			true;
	else if (what == 'P')
		*(state == '?' ? &message->was_part_asked : &message->was_part_acknowledged) = true;
	else
		*(state == '?' ? &message->was_settle_asked : &message->was_settle_acknowledged) =
			true;
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
	uint64_t epoch;	     /* of the queue's lease; 0: not taken yet */
	uint64_t last_entry; /* the highest that was looked at */
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

static const struct queue_recipient recipients[RECIPIENTS] = {
	{.address = STR_INIT("one@elsewhere.test"), .original = STR_INIT("rfc822;one")},
	{.address = STR_INIT("two@elsewhere.test"), .notify = QUEUE_NOTIFY_ALL}};

/* The entry of a message, which tells in its name whose it is; the name stays the caller's. */
static struct queue_new entry_make(const struct client *client, unsigned number,
				   char id[ADDRESS_SIZE])
{
	snprintf(id, ADDRESS_SIZE, "%u-%u", client->number, number);
	return (struct queue_new){
		.envelope = {.queue_id = str_from_c(id), .sender = STR("sender@crash.test")},
		.prefix = STR("Received: here\r\n"),
		.recipients = recipients,
		.recipient_count = RECIPIENTS};
}

/* Whose entry it is; false when it is nobody's. */
static bool entry_recognize(const struct queue_entry *entry, unsigned *client_out,
			    unsigned *number_out)
{
	char id[ADDRESS_SIZE];

	return str_copy_c(entry->envelope.queue_id, id, sizeof(id)) &&
	       sscanf(id, "%u-%u", client_out, number_out) == 2 && *client_out < LOAD_CLIENTS &&
	       *number_out < LOAD_MESSAGES_MAX;
}

static void client_append(struct client *client, unsigned number)
{
	struct load_message *message = &client->load->journal->messages[client->number][number];
	size_t len = body_make(client->number, number, client->body);
	uint32_t dice = below(client, 10);
	bool is_shared = dice < 2;
	bool is_queued = dice >= 7;
	char id[ADDRESS_SIZE];
	struct queue_new entry = entry_make(client, number, id);
	struct mail_target targets[] = {
		{.account = client->account, .mailbox = client->inbox},
		{.account = client->shared, .prefix = STR_INIT("Delivered-To: shared\r\n")}};
	struct mail_append append = {.body = {.bytes = str_make(client->body, len), .fd = -1},
				     .summary = STR("summary"),
				     .targets = targets,
				     .target_count = is_shared ? 2 : 1,
				     .queue = is_queued ? &entry : NULL};

	note(client, "A?", number, is_shared ? " b" : is_queued ? " q" : " s");
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

/* ---- the queue ---- */

/* Learns which entries the own messages have. */
static void entries_look(struct client *client)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct queue_entry entry;
	unsigned owner;
	unsigned number;

	CHECK(view_open(client->load->store, &view) == FAULT_NONE);
	while (queue_next(view, client->last_entry, &entry)) {
		client->last_entry = entry.number;
		if (entry_recognize(&entry, &owner, &number) && owner == client->number)
			client->load->journal->messages[owner][number].entry = entry.number;
	}
}

/* A message of one's own whose entry is open, or -1. */
static int entry_pick(struct client *client, unsigned count)
{
	entries_look(client);
	for (int attempt = 0; attempt < 16 && count > 0; attempt++) {
		unsigned number = below(client, count);
		if (client->load->journal->messages[client->number][number].entry != 0)
			return (int)number;
	}
	return -1;
}

static enum fault entry_settle(struct client *client, uint64_t entry,
			       const struct queue_outcome *outcomes, size_t count,
			       struct mail_append *notice)
{
	struct queue_settle settle = {.entry = entry,
				      .owner = OWNER,
				      .outcomes = outcomes,
				      .outcome_count = count,
				      .notice = notice};
	enum fault fault = FAULT_NONE;

	/* All clients are one owner, and share its lease. */
	if (client->epoch == 0)
		fault = queue_lease_take(client->load->store, OWNER, LEASE_S, &client->epoch);
	settle.epoch = client->epoch;
	return fault == FAULT_NONE ? queue_settle(client->load->store, &settle) : fault;
}

/* The first recipient goes, the other is tried again. */
static void client_settle_part(struct client *client, unsigned number)
{
	struct load_message *message = &client->load->journal->messages[client->number][number];
	struct queue_outcome outcomes[] = {
		{.recipient = 0, .is_done = true},
		{.recipient = 1, .next_s = 1, .status = STR_INIT("451 later")}};
	uint64_t entry = message->entry;

	message->entry = 0;
	note(client, "P?", number, "");
	enum fault fault = entry_settle(client, entry, outcomes, 2, NULL);
	if (is_bad(client, "settle a part", fault) || fault != FAULT_NONE)
		return;
	note(client, "P!", number, "");
	message->entry = entry;
}

/* Those who are left go, and the sender gets a notice of it or not. */
static void client_settle(struct client *client, unsigned number, bool has_notice)
{
	struct load *load = client->load;
	struct load_message *message = &load->journal->messages[client->number][number];
	unsigned made = has_notice ? (unsigned)load->journal->counts[client->number]++ : 0;
	size_t first = message->was_part_acknowledged ? 1 : 0;
	struct queue_outcome outcomes[] = {{.recipient = 0, .is_done = true},
					   {.recipient = 1, .is_done = true}};
	struct mail_target target = {.account = client->account, .mailbox = client->inbox};
	size_t len = has_notice ? body_make(client->number, made, client->body) : 0;
	struct mail_append notice = {.body = {.bytes = str_make(client->body, len), .fd = -1},
				     .summary = STR("summary"),
				     .targets = &target,
				     .target_count = 1};
	char about[32];
	uint64_t entry = message->entry;

	message->entry = 0;
	snprintf(about, sizeof(about), " n %u", number);
	note(client, "S?", number, "");
	if (has_notice)
		note(client, "A?", made, about);
	enum fault fault = entry_settle(client, entry, outcomes + first, RECIPIENTS - first,
					has_notice ? &notice : NULL);
	if (is_bad(client, "settle", fault) || fault != FAULT_NONE)
		return;
	note(client, "S!", number, "");
	if (has_notice)
		note(client, "A!", made, "");
}

static void client_order(struct client *client, unsigned number, enum queue_order order)
{
	struct load_message *message = &client->load->journal->messages[client->number][number];
	uint64_t entry = message->entry;

	if (order == QUEUE_REMOVE) {
		message->entry = 0;
		note(client, "S?", number, "");
	}
	size_t done = 0;
	enum fault fault = queue_order(client->load->store, &entry, 1, order, &done);
	if (!is_bad(client, "order", fault) && done == 1 && order == QUEUE_REMOVE)
		note(client, "S!", number, "");
}

static void client_queue(struct client *client)
{
	int number = entry_pick(client, (unsigned)client->load->journal->counts[client->number]);
	uint32_t dice = below(client, 10);

	if (number < 0)
		return;
	if (dice < 4)
		client_settle(client, (unsigned)number, dice < 2);
	else if (dice >= 7)
		client_order(client, (unsigned)number, (enum queue_order)below(client, 4));
	else if (!client->load->journal->messages[client->number][number].was_part_asked)
		client_settle_part(client, (unsigned)number);
}

static void *client_run(void *argument)
{
	struct client *client = argument;
	struct load *load = client->load;
	size_t *count = &load->journal->counts[client->number];
	size_t end = *count + load->messages;

	if (end > LOAD_MESSAGES_MAX)
		end = LOAD_MESSAGES_MAX;
	/* One more stays free for a notice. */
	while (!client->has_failed && *count + 1 < end &&
	       !__atomic_load_n(load->stop, __ATOMIC_RELAXED)) {
		uint32_t dice = below(client, 120);
		int number = dice >= 55 ? message_pick(client, (unsigned)*count) : -1;
		if (dice >= 100)
			client_queue(client);
		else if (dice < 55)
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
	unsigned char *seen_queue[LOAD_CLIENTS];  /* in the queue */
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

static bool entry_has_content(struct check *check, const struct queue_entry *entry, unsigned client,
			      unsigned number)
{
	struct mail_content content;
	unsigned found_client;
	unsigned found_number;

	if (mail_content_open(check->view, ACCOUNT_QUEUE, entry->number, &content) != FAULT_NONE)
		return false;
	bool is_it = content_recognize(check, &content, &found_client, &found_number) &&
		     found_client == client && found_number == number;
	mail_content_close(&content);
	return is_it;
}

/* Open recipients are as many as the entry says, and those that were not settled. */
static bool entry_has_recipients(struct check *check, const struct queue_entry *entry,
				 const struct load_message *message)
{
	struct queue_recipient recipient;
	uint32_t count = 0;
	bool has_first = false;

	for (uint32_t from = 0; queue_recipient_next(check->view, entry->number, from, &recipient);
	     from = recipient.number + 1) {
		count++;
		has_first |= recipient.number == 0;
		if (recipient.number >= RECIPIENTS ||
		    !str_equals(recipient.address, recipients[recipient.number].address))
			return false;
	}
	return count == entry->recipient_count && count == (has_first ? 2 : 1) &&
	       (has_first ? !message->was_part_acknowledged : message->was_part_asked);
}

static void queue_check(struct check *check)
{
	struct queue_entry entry = {0};
	unsigned client;
	unsigned number;

	while (queue_next(check->view, entry.number, &entry)) {
		const char *wrong = NULL;
		if (!entry_recognize(&entry, &client, &number))
			wrong = "is nobody's";
		else if (!entry_has_content(check, &entry, client, number))
			wrong = "has not its content";
		else if (!entry_has_recipients(check, &entry,
					       &check->journal->messages[client][number]))
			wrong = "has not its recipients";
		else
			check->seen_queue[client][number]++;
		if (wrong != NULL) {
			fprintf(stderr, "check: entry %lu of the queue (%.*s) %s\n",
				(unsigned long)entry.number, STR_ARG(entry.envelope.queue_id),
				wrong);
			check->is_good = false;
		}
	}
}

static void count_check(struct check *check, unsigned client, unsigned number, const char *where,
			unsigned seen, bool is_needed, bool is_forbidden)
{
	const char *wrong = seen > 1			? "is there twice"
			    : seen == 0 && is_needed	? "was acknowledged and is lost"
			    : seen == 1 && is_forbidden ? "was removed and is back"
							: NULL;

	if (wrong == NULL)
		return;
	fprintf(stderr, "check: message %u of client %u (%s) %s\n", number, client, where, wrong);
	check->is_good = false;
}

static void apart(struct check *check, unsigned client, unsigned number, const char *where)
{
	fprintf(stderr, "check: message %u of client %u is %s\n", number, client, where);
	check->is_good = false;
}

/* What went into the queue, and the notices about what went out of it. */
static void queued_check(struct check *check, unsigned client, unsigned number)
{
	const struct load_message *message = &check->journal->messages[client][number];
	unsigned own = check->seen[client][number];
	unsigned queued = check->seen_queue[client][number];

	count_check(check, client, number, "queue", queued,
		    message->is_queued && message->was_acknowledged && !message->was_settle_asked,
		    message->was_settle_acknowledged || !message->is_queued);
	if (message->is_queued && !message->was_expunge_asked && !message->was_settle_asked &&
	    own != queued)
		apart(check, client, number, "in the account or in the queue only");
	if (message->is_notice && !message->was_expunge_asked &&
	    own + check->seen_queue[client][message->notice_of] != 1)
		apart(check, client, number, "a notice about what is not settled, or is missing");
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
		queued_check(check, client, number);
		if (message->is_shared && !message->was_expunge_asked && own != shared)
			apart(check, client, number, "in one account only");
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
		check.seen_queue[i] = calloc(LOAD_MESSAGES_MAX, 1);
		CHECK(check.seen[i] != NULL && check.seen_shared[i] != NULL &&
		      check.seen_queue[i] != NULL);
	}
	for (unsigned i = 0; i <= LOAD_CLIENTS; i++)
		if (account_find(store, i, &account))
			account_check(&check, account, i == LOAD_CLIENTS);
	queue_check(&check);
	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		messages_check(&check, i);
		free(check.seen[i]);
		free(check.seen_shared[i]);
		free(check.seen_queue[i]);
	}
	view_close(&check.view);
	free(check.body);
	return check.is_good;
}
