/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the store role as a front that was taken over could send them:
 * any bytes are decoded and executed on a small store in memory, and thrown
 * away.
 */
#include <stdlib.h>

#include "../unit/store/memory_map.h"
#include "store/mail.h"
#include "store/queue_record.h"
#include "store/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIRST_ACCOUNT = 1, MESSAGES = 20, ENTRIES = 3, LEASE_OWNER = 7 };

static void must_do(struct memory_map *memory, struct operation operation)
{
	CHECK(memory_map_do(memory, &operation, 100, NULL) == FAULT_NONE);
}

static void messages_make(struct memory_map *memory)
{
	struct buf targets = BUF_INIT(64);
	struct buf keywords = BUF_INIT(64);
	struct str keyword = STR("Work");

	wire_put_u64(&targets, FIRST_ACCOUNT);
	wire_put_u32(&targets, 0);
	wire_put_text(&targets, STR("Delivered-To: a\r\n"));
	wire_put_texts(&keywords, &keyword, 1);
	for (uint32_t i = 0; i < MESSAGES; i++)
		must_do(memory, (struct operation){.kind = OP_mail_append,
						   .mail_append = {.flags = i % 32,
								   .keywords = buf_str(&keywords),
								   .targets = buf_str(&targets)}});
	buf_done(&targets);
	buf_done(&keywords);
}

/* Entries 1 to 3 with two recipients each, and the lease that settling needs: its epoch is 1. */
static void queue_make(struct memory_map *memory)
{
	struct buf text = BUF_INIT(256);
	struct queue_recipient recipients[] = {
		{.address = STR("p@q.r"), .original = STR("rfc822;p"), .notify = 6},
		{.address = STR("a@b.c"), .is_delivered = true}};
	struct queue_new entry = {.envelope = {.queue_id = STR("Q"), .sender = STR("a@b.c")},
				  .prefix = STR("X: y\r\n"),
				  .recipients = recipients,
				  .recipient_count = 2};

	queue_new_put(&text, &entry);
	for (int i = 0; i < ENTRIES; i++)
		must_do(memory, (struct operation){.kind = OP_mail_append,
						   .mail_append = {.queue = buf_str(&text)}});
	must_do(memory, (struct operation){.kind = OP_lease_take,
					   .lease_take = {.account = ACCOUNT_QUEUE,
							  .name = QUEUE_LEASE,
							  .owner = LEASE_OWNER,
							  .now_s = 1,
							  .seconds = 60}});
	buf_done(&text);
}

static struct memory_map *store_make(void)
{
	static struct memory_map memory;
	struct buf targets = BUF_INIT(64);
	struct str target = STR("a@b.c");

	memory_map_init(&memory);
	wire_put_texts(&targets, &target, 1);
	must_do(&memory, (struct operation){.kind = OP_domain_add, .domain_add = {STR("b.c"), 1}});
	must_do(&memory, (struct operation){.kind = OP_user_add,
					    .user_add = {STR("a@b.c"), 100000, 0, 1}});
	must_do(&memory, (struct operation){.kind = OP_alias_add,
					    .alias_add = {STR("x@b.c"), buf_str(&targets)}});
	must_do(&memory, (struct operation){.kind = OP_mailbox_create,
					    .mailbox_create = {FIRST_ACCOUNT, STR("a/b/c"), 0, 1}});
	must_do(&memory, (struct operation){.kind = OP_mailbox_delete,
					    .mailbox_delete = {FIRST_ACCOUNT, STR("a/b")}});
	messages_make(&memory);
	queue_make(&memory);
	buf_done(&targets);
	return &memory;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct memory_map *memory;
	struct operation operation;
	struct batch batch;
	struct buf result = BUF_INIT(160 * 1024);

	if (memory == NULL)
		memory = store_make();
	if (operation_decode(str_make(data, size), &operation) != FAULT_NONE)
		return 0;
	batch_init(&batch, &memory->map);
	struct execution run = {.batch = &batch, .result = &result, .blob = 7, .body_bytes = size};
	enum fault fault = operation_execute(&run, &operation);
	CHECK(fault < FAULT_COUNT && fault != FAULT_CORRUPT);
	batch_done(&batch);
	buf_done(&result);
	return 0;
}
