/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/embedded.h"
#include "store/layout.h"
#include "store/queue_record.h"
#include "store/segment.h"
#include "store/wire.h"

/* A number of things, known under three numbers. */
struct tally {
	uint64_t a, b;
	int64_t count;
	int64_t unseen, deleted, bytes;
};

struct tallies {
	struct tally *items;
	size_t count, capacity;
};

struct audit {
	struct tallies rows;	   /* account, mailbox: as the rows say minus as the mailbox says */
	struct tallies used;	   /* account */
	struct tallies messages;   /* account, message: rows and entries minus references */
	struct tallies recipients; /* of an entry: as its recipients say minus as it says */
	struct tallies changes;	   /* account, mailbox: rows minus C entries */
	struct tallies blobs;	   /* blob: messages minus references */
	struct tallies segments;   /* segment: records minus live bytes */
	struct map *map;
	bool is_good;
};

static void tally_add(struct tallies *tallies, struct tally tally)
{
	if (tallies->count == tallies->capacity) {
		tallies->capacity = tallies->capacity * 2 + 256;
		tallies->items =
			reallocarray(tallies->items, tallies->capacity, sizeof(*tallies->items));
		CHECK(tallies->items != NULL);
	}
	tallies->items[tallies->count++] = tally;
}

static int tally_compare(const void *left, const void *right)
{
	const struct tally *a = left;
	const struct tally *b = right;

	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	return (a->b > b->b) - (a->b < b->b);
}

/* Every group of equal numbers must add up to nothing. */
static void tallies_settle(struct audit *audit, const char *what, struct tallies *tallies)
{
	qsort(tallies->items, tallies->count, sizeof(*tallies->items), tally_compare);
	for (size_t i = 0; i < tallies->count;) {
		struct tally sum = tallies->items[i];
		size_t next = i + 1;
		for (; next < tallies->count && tally_compare(&tallies->items[next], &sum) == 0;
		     next++) {
			sum.count += tallies->items[next].count;
			sum.unseen += tallies->items[next].unseen;
			sum.deleted += tallies->items[next].deleted;
			sum.bytes += tallies->items[next].bytes;
		}
		if (sum.count != 0 || sum.unseen != 0 || sum.deleted != 0 || sum.bytes != 0) {
			fprintf(stderr,
				"audit: %s of %lu/%lu is off by %ld (unseen %ld, deleted %ld, "
				"bytes %ld)\n",
				what, (unsigned long)sum.a, (unsigned long)sum.b, (long)sum.count,
				(long)sum.unseen, (long)sum.deleted, (long)sum.bytes);
			audit->is_good = false;
		}
		i = next;
	}
	free(tallies->items);
}

static void broken(struct audit *audit, struct str key, const char *what)
{
	fprintf(stderr, "audit: %s at account %lu kind %c\n", what, (unsigned long)key_account(key),
		key.ptr[8]);
	audit->is_good = false;
}

static void row_audit(struct audit *audit, struct str key, struct str value)
{
	uint64_t account = key_account(key);
	uint32_t mailbox = wire_load_u32(key_rest(key).ptr);
	uint32_t uid = wire_load_u32(key_rest(key).ptr + 4);
	struct mail mail;
	struct key change;
	struct str none;

	if (row_take(uid, value, &mail) != FAULT_NONE) {
		broken(audit, key, "a damaged row");
		return;
	}
	tally_add(&audit->rows,
		  (struct tally){account, mailbox, 1, (mail.flags & MAIL_SEEN) == 0,
				 (mail.flags & MAIL_DELETED) != 0, (int64_t)mail.size});
	tally_add(&audit->used, (struct tally){account, 0, 0, 0, 0, (int64_t)mail.size});
	tally_add(&audit->messages, (struct tally){account, mail.message, 1, 0, 0, 0});
	tally_add(&audit->changes, (struct tally){account, mailbox, 1, 0, 0, 0});
	key_change(&change, account, mailbox, mail.modseq, uid);
	if (!map_get(audit->map, key_str(&change), &none))
		broken(audit, key, "a row without its change entry");
}

static void mailbox_audit(struct audit *audit, struct str key, struct str value)
{
	struct mailbox_record record;
	uint32_t id = wire_load_u32(key_rest(key).ptr);

	if (mailbox_record_take(value, &record) != FAULT_NONE) {
		broken(audit, key, "a damaged mailbox");
		return;
	}
	tally_add(&audit->rows,
		  (struct tally){key_account(key), id, -(int64_t)record.mailbox.messages,
				 -(int64_t)record.mailbox.unseen, -(int64_t)record.mailbox.deleted,
				 -(int64_t)record.mailbox.size_bytes});
}

static void message_audit(struct audit *audit, struct str key, struct str value)
{
	struct message_record record;

	if (message_record_take(value, &record) != FAULT_NONE) {
		broken(audit, key, "a damaged message");
		return;
	}
	tally_add(&audit->messages,
		  (struct tally){key_account(key), wire_load_u64(key_rest(key).ptr),
				 -(int64_t)record.references, 0, 0, 0});
	tally_add(&audit->blobs, (struct tally){record.blob, 0, 1, 0, 0, 0});
}

static void account_audit(struct audit *audit, struct str key, struct str value)
{
	struct account_record record;

	if (account_record_take(value, &record) != FAULT_NONE)
		broken(audit, key, "a damaged account");
	else if (key_account(key) != 0)
		tally_add(&audit->used, (struct tally){key_account(key), 0, 0, 0, 0,
						       -(int64_t)record.used_bytes});
}

static void backend_audit(struct audit *audit, struct str key, struct str value)
{
	char kind = key.ptr[8];
	uint64_t number = key_rest(key).len == 8 ? wire_load_u64(key_rest(key).ptr) : 0;
	struct cursor from = cursor_make(value);

	if (kind == 'b') {
		uint32_t segment = cursor_u32(&from);
		(void)cursor_u64(&from);
		uint64_t length = cursor_u64(&from);
		(void)cursor_u32(&from);
		tally_add(&audit->blobs,
			  (struct tally){number, 0, -(int64_t)cursor_u32(&from), 0, 0, 0});
		tally_add(&audit->segments, (struct tally){segment, 0, 0, 0, 0,
							   (int64_t)segment_record_bytes(length)});
	} else if (kind == 's') {
		(void)cursor_u64(&from);
		tally_add(&audit->segments,
			  (struct tally){number, 0, 0, 0, 0, -(int64_t)cursor_u64(&from)});
	}
	if (from.failed)
		broken(audit, key, "a damaged record of the backend");
}

/* An entry refers to its message as a row does. */
static void queue_audit(struct audit *audit, struct str key, struct str value)
{
	struct queue_entry entry;
	struct queue_recipient recipient;
	uint64_t number = wire_load_u64(key_rest(key).ptr);

	if (key.ptr[8] == 'R') {
		tally_add(&audit->recipients, (struct tally){number, 0, 1, 0, 0, 0});
		if (queue_recipient_take(0, value, &recipient) != FAULT_NONE)
			broken(audit, key, "a damaged recipient");
	} else if (queue_entry_take(number, value, &entry) == FAULT_NONE) {
		tally_add(&audit->messages, (struct tally){ACCOUNT_QUEUE, number, 1, 0, 0, 0});
		tally_add(&audit->recipients,
			  (struct tally){number, 0, -(int64_t)entry.recipient_count, 0, 0, 0});
	} else
		broken(audit, key, "a damaged entry of the queue");
}

static void entry_audit(struct audit *audit, struct str key, struct str value)
{
	if (key_account(key) == ACCOUNT_BACKEND) {
		backend_audit(audit, key, value);
		return;
	}
	if (key_account(key) == ACCOUNT_QUEUE && (key.ptr[8] == 'E' || key.ptr[8] == 'R')) {
		queue_audit(audit, key, value);
		return;
	}
	switch (key.ptr[8]) {
	case 'U':
		row_audit(audit, key, value);
		break;
	case 'C':
		tally_add(&audit->changes,
			  (struct tally){key_account(key), wire_load_u32(key_rest(key).ptr), -1, 0,
					 0, 0});
		break;
	case 'M':
		mailbox_audit(audit, key, value);
		break;
	case 'G':
		message_audit(audit, key, value);
		break;
	case 'H':
		account_audit(audit, key, value);
		break;
	default:
		break;
	}
}

bool audit_index(struct index *index)
{
	struct audit audit = {.is_good = true};
	struct index_read *read;
	struct key first = {.len = 9};
	struct str key;
	struct str value;

	CHECK(index_read_begin(index, &read) == FAULT_NONE);
	audit.map = index_read_map(read);
	void *cursor = index_cursor_open(read);
	for (bool more = index_cursor_next(read, cursor, &first, &key, &value); more;
	     more = index_cursor_next(read, cursor, NULL, &key, &value))
		entry_audit(&audit, key, value);
	index_cursor_close(cursor);
	if (audit.map->fault != FAULT_NONE) {
		fprintf(stderr, "audit: reading the index: %s\n", fault_text(audit.map->fault));
		audit.is_good = false;
	}
	index_read_end(&read);
	tallies_settle(&audit, "the count of mailbox", &audit.rows);
	tallies_settle(&audit, "the use of account", &audit.used);
	tallies_settle(&audit, "the references of message", &audit.messages);
	tallies_settle(&audit, "the recipients of entry", &audit.recipients);
	tallies_settle(&audit, "the change entries of mailbox", &audit.changes);
	tallies_settle(&audit, "the references of blob", &audit.blobs);
	tallies_settle(&audit, "the live bytes of segment", &audit.segments);
	return audit.is_good;
}
