/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of mailq/dkim and mailq/signing: whose mail is signed with which keys, once
 * a message however many send it at the same time; and that nothing comes out when a
 * key is missing. The keys stand in a real ring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "mailq/signing.h"
#include "tls/dkim_key.h"
#include "tls/key_ring.h"

enum { RSA = KEY_DKIM_FIRST, ED25519, MISSING, TOGETHER = 8, BODY_BYTES = 9 << 20 };

#define TABLE                                                                                      \
	"sign example.org r rsa 1610612736 p=AQID\n"                                                      \
	"sign example.org e ed25519 1610612737 p=AQID\n"                                                  \
	"await example.org next v=DKIM1; k=rsa; p=AQID\n"                                          \
	"sign sub.example.org s ed25519 1610612737 p=AQID\n"                                              \
	"sign xn--bcher-kva.example b ed25519 1610612737 p=AQID\n"                                        \
	"sign broken.example x rsa 0 p=AQID\n"                                                            \
	"sign missing.example x rsa 1610612738 p=AQID\n"

_Static_assert(RSA == 1610612736, "as the table has it");

/* Counts what it is asked. */
struct counting_source {
	struct key_source source;
	struct key_ring *ring;
	int count; /* atomic */
};

struct bench {
	struct counting_source keys;
	struct signings *signings;
	struct task task; /* of those that never wait */
};

static enum fault count_sign(struct key_source *source, uint32_t key, uint32_t scheme,
			     struct str digest, unsigned char *signature_out, size_t *len_out)
{
	struct counting_source *self = (struct counting_source *)source;

	__atomic_add_fetch(&self->count, 1, __ATOMIC_RELAXED);
	return key_ring_sign(self->ring, key, scheme, digest, signature_out, len_out);
}

static void key_add(struct key_ring *ring, uint32_t number, enum dkim_key_kind kind)
{
	struct buf pem = BUF_INIT(KEY_PEM_MAX), public_key = BUF_INIT(KEY_PEM_MAX);
	struct buf of_ring = BUF_INIT(KEY_PEM_MAX), why = BUF_INIT(1024);
	struct working_key working = {.number = number, .users = 1u << ROLE_MAILQ};

	assert_true(dkim_key_make(kind, &pem, &public_key));
	assert_int_equal(key_ring_work(ring, &working, buf_str(&pem), &of_ring, &why), FAULT_NONE);
	assert_true(key_ring_may_sign(ring, number, ROLE_MAILQ));
	assert_false(key_ring_may_sign(ring, number, ROLE_FRONT));
	/* A certificate's key may not be of that kind. */
	working.number = KEY_WORKING_FIRST;
	if (kind == DKIM_KEY_ED25519)
		assert_int_equal(key_ring_work(ring, &working, buf_str(&pem), &of_ring, &why),
				 FAULT_UNSUPPORTED);
	buf_wipe(&pem);
	buf_done(&public_key);
	buf_done(&of_ring);
	buf_done(&why);
}

static void table_set(struct bench *bench, const char *text)
{
	struct dkim_table *table;

	assert_int_equal(dkim_table_read(str_from_c(text), &table), FAULT_NONE);
	signings_table_set(bench->signings, table);
}

static int bench_open(void **state)
{
	static struct bench bench;

	bench = (struct bench){.keys.source.sign = count_sign, .keys.ring = key_ring_new()};
	key_add(bench.keys.ring, RSA, DKIM_KEY_RSA);
	key_add(bench.keys.ring, ED25519, DKIM_KEY_ED25519);
	bench.signings = signings_new(&bench.keys.source);
	table_set(&bench, TABLE);
	*state = &bench;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *bench = *state;

	signings_free(&bench->signings);
	key_ring_free(&bench->keys.ring);
	return 0;
}

static struct load load_of(const char *body)
{
	static uint64_t entry = 1;

	return (struct load){.entry = {.number = entry++,
				       .envelope = {.sender = STR("anna@example.org"),
						    .user = STR("anna@example.org")}},
			     .content.body = str_from_c(body)};
}

/* Signs to the end; the names of the keys come out. */
static enum signing_step sign(struct bench *bench, const struct load *load, struct buf *names,
			      struct buf *text)
{
	struct signing *signing = signing_new(bench->signings, load, &bench->task);
	enum signing_step step;

	while ((step = signing_step(signing)) == SIGNING_AGAIN)
		;
	assert_int_equal(signing_step(signing), step);
	buf_reset(names);
	buf_reset(text);
	buf_append_str(names, signing_names(signing));
	buf_append_str(text, signing_text(signing));
	signing_free(&signing);
	return step;
}

static void names_are(struct bench *bench, struct load load, const char *expected)
{
	struct buf names = BUF_INIT(1024), text = BUF_INIT(1 << 20);
	size_t signatures = 0;

	assert_int_equal(sign(bench, &load, &names, &text), SIGNING_DONE);
	assert_true(str_equals(buf_str(&names), str_from_c(expected)));
	for (struct str rest = buf_str(&text); rest.len > 0;)
		signatures += str_has_prefix(str_cut(&rest, '\n'), STR("DKIM-Signature: v=1;"));
	assert_int_equal(signatures, expected[0] == '\0'	      ? 0
				     : strchr(expected, '+') == NULL ? 1
								     : 2);
	buf_done(&names);
	buf_done(&text);
}

static void test_whose_mail(void **state)
{
	struct load load = load_of("From: Anna <anna@example.org>\r\n\r\nHello.\r\n");

	names_are(*state, load, "example.org/r+e");
	load.entry.number += 1000;
	load.entry.envelope.user = STR("");
	names_are(*state, load, "");
	load.entry.envelope.flags = QUEUE_NOTICE;
	names_are(*state, load, "example.org/r+e");
}

static void test_which_domain(void **state)
{
	static const char *const cases[][2] = {
		{"From: anna@Example.ORG\r\n\r\n", "example.org/r+e"},
		{"From: anna@sub.example.org\r\n\r\n", "sub.example.org/s"},
		{"From: anna@a.b.sub.example.org\r\n\r\n", "sub.example.org/s"},
		{"From: anna@other.example.org\r\n\r\n", "example.org/r+e"},
		{"From: anna@notexample.org\r\n\r\n", ""},
		{"From: anna@org\r\n\r\n", ""},
		{"From: anna@b\xc3\xbc"
		 "cher.example\r\n\r\n",
		 "xn--bcher-kva.example/b"},
		{"From: friends: anna@sub.example.org, bob@example.net;\r\n\r\n", "sub.example.org/s"},
		{"From: Someone\r\n <bob@example.net>\r\n\r\n", ""},
		/* Without an author's domain it is that of the sender. */
		{"Subject: x\r\n\r\nFrom: bob@example.net\r\n", "example.org/r+e"},
		{"From: undisclosed:;\r\n\r\n", "example.org/r+e"},
		{"", "example.org/r+e"},
		{"no header at all", "example.org/r+e"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		names_are(*state, load_of(cases[i][0]), cases[i][1]);
	struct load load = load_of("To: bob@example.net\r\n\r\n");
	load.content.prefix = STR("From: anna@sub.example.org\r\n");
	names_are(*state, load, "sub.example.org/s");
	load = load_of("Subject: x\r\n\r\n");
	load.entry.envelope.sender = STR("");
	names_are(*state, load, "");
}

static void test_nothing_unsigned(void **state)
{
	static const char *const missing[] = {"From: a@broken.example\r\n\r\n",
					      "From: a@missing.example\r\n\r\n"};
	struct buf names = BUF_INIT(1024), text = BUF_INIT(1 << 20);

	for (int i = 0; i < 2; i++) {
		struct load load = load_of(missing[i]);
		assert_int_equal(sign(*state, &load, &names, &text), SIGNING_LATER);
		assert_true(str_has_prefix(buf_str(&text), STR("The message cannot be signed (DKIM, ")));
		/* It is tried anew. */
		assert_int_equal(sign(*state, &load, &names, &text), SIGNING_LATER);
	}
	struct buf many = BUF_INIT(1 << 20);
	buf_append_c(&many, "From: a@example.org\r\n");
	for (int i = 0; i < 300; i++)
		buf_append_c(&many, "To: b@example.net\r\n");
	struct load load = load_of("");
	load.content.body = buf_str(&many);
	assert_int_equal(sign(*state, &load, &names, &text), SIGNING_REFUSED);
	buf_done(&many);
	buf_done(&names);
	buf_done(&text);
}

static int asked(struct bench *bench)
{
	return __atomic_exchange_n(&bench->keys.count, 0, __ATOMIC_RELAXED);
}

static void test_remembered(void **state)
{
	struct bench *bench = *state;
	struct load load = load_of("From: anna@example.org\r\n\r\nHello.\r\n");
	struct buf names = BUF_INIT(1024), first = BUF_INIT(1 << 20), next = BUF_INIT(1 << 20);

	(void)asked(bench);
	assert_int_equal(sign(bench, &load, &names, &first), SIGNING_DONE);
	assert_int_equal(asked(bench), 2);
	assert_int_equal(sign(bench, &load, &names, &next), SIGNING_DONE);
	assert_int_equal(asked(bench), 0);
	assert_true(str_equals(buf_str(&first), buf_str(&next)));
	assert_true(str_equals(buf_str(&names), STR("example.org/r+e")));
	/* Under other keys it is signed anew. */
	table_set(bench, "sign example.org e ed25519 1610612737 p=AQID\n");
	names_are(bench, load, "example.org/e");
	assert_int_equal(asked(bench), 1);
	table_set(bench, TABLE);
	/* And when many others came between. */
	assert_int_equal(sign(bench, &load, &names, &first), SIGNING_DONE);
	for (int i = 0; i < 100; i++)
		names_are(bench, load_of("From: anna@sub.example.org\r\n\r\n"), "sub.example.org/s");
	(void)asked(bench);
	assert_int_equal(sign(bench, &load, &names, &first), SIGNING_DONE);
	assert_int_equal(asked(bench), 2);
	buf_done(&names);
	buf_done(&first);
	buf_done(&next);
}

/* ---- many at the same time ---- */

struct sending {
	struct task task;
	struct signing *signing;
	struct bench *bench;
	int *done; /* atomic */
	bool gives_up; /* amid the body, or while it waits */
	unsigned steps;
	enum signing_step result;
};

static enum step sending_run(struct task *task)
{
	struct sending *sending = (struct sending *)task;

	if (sending->gives_up && sending->steps++ > 0)
		return STEP_END;
	sending->result = signing_step(sending->signing);
	if (sending->result == SIGNING_AGAIN)
		return STEP_AGAIN;
	return sending->result == SIGNING_WAIT ? STEP_WAIT_WAKE : STEP_END;
}

static void sending_end(struct task *task)
{
	struct sending *sending = (struct sending *)task;

	signing_free(&sending->signing);
	__atomic_add_fetch(sending->done, 1, __ATOMIC_RELEASE);
}

static const struct task_ops sending_ops = {.run = sending_run, .end = sending_end};

static void *wait_thread(void *waiter)
{
	waiter_run(waiter);
	return NULL;
}

static bool reaches(const int *number, int wanted)
{
	for (int i = 0; i < 4000; i++) {
		if (__atomic_load_n(number, __ATOMIC_ACQUIRE) >= wanted)
			return true;
		usleep(5000);
	}
	return false;
}

/* All begin at once; those that give up are of no use to the others, and no harm. */
static void send_together(struct bench *bench, const struct load *load, size_t give_up)
{
	struct waiter *waiter = waiter_new((struct waiter_limits){.workers = TOGETHER, .share_workers = TOGETHER});
	struct sending *sendings = calloc(TOGETHER, sizeof(*sendings));
	pthread_t thread;
	int done = 0;

	assert_non_null(sendings);
	assert_int_equal(pthread_create(&thread, NULL, wait_thread, waiter), 0);
	for (size_t i = 0; i < TOGETHER; i++) {
		sendings[i] = (struct sending){.task = {.ops = &sending_ops, .fd = -1},
					       .bench = bench,
					       .done = &done,
					       .gives_up = i < give_up};
		sendings[i].signing = signing_new(bench->signings, load, &sendings[i].task);
	}
	for (size_t i = 0; i < TOGETHER; i++)
		task_start(waiter, &sendings[i].task);
	bool all_ended = reaches(&done, TOGETHER);
	waiter_stop(waiter);
	pthread_join(thread, NULL);
	waiter_free(&waiter);
	assert_true(all_ended);
	for (size_t i = give_up; i < TOGETHER; i++)
		assert_int_equal(sendings[i].result, SIGNING_DONE);
	free(sendings);
}

static void test_together(void **state)
{
	struct bench *bench = *state;
	struct buf body = BUF_INIT(2 * BODY_BYTES);
	struct load load = load_of("");

	buf_append_c(&body, "From: anna@example.org\r\n\r\n");
	while (body.len < BODY_BYTES)
		buf_append_c(&body, "A line of the body of a message that is long.\r\n");
	load.content.body = buf_str(&body);
	(void)asked(bench);
	send_together(bench, &load, 0);
	assert_int_equal(asked(bench), 2);
	load.entry.number += 2000;
	send_together(bench, &load, TOGETHER / 2);
	assert_int_equal(asked(bench), 2);
	buf_done(&body);
}

static void test_tables(void **state)
{
	static const char *const broken[] = {
		"sign example.org s rsa\n",	   "sign example.org s rsa x p=\n",
		"sign example.org s sha1 1 p=\n",	   "sign example.org ../s rsa 1 p=\n",
		"sign example.org\n",		   "await example.org s \n",
		"hold example.org s rsa 1 p=\n",	   "\n",
		"sign example.org s rsa 4294967296 p=\n", "sign example.org s rsa 1\n"};
	struct dkim_table *table = NULL;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(dkim_table_read(str_from_c(broken[i]), &table), FAULT_INVALID);
	assert_null(table);
	assert_int_equal(dkim_table_read(STR(TABLE), &table), FAULT_NONE);
	assert_int_equal(dkim_table_count(table), 7);
	assert_true(str_equals(dkim_table_line(table, 2)->record, STR("v=DKIM1; k=rsa; p=AQID")));
	dkim_table_unref(&table);
	assert_int_equal(dkim_table_read(STR(""), &table), FAULT_NONE);
	assert_int_equal(dkim_table_count(table), 0);
	dkim_table_unref(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_mail),	 cmocka_unit_test(test_which_domain),
		cmocka_unit_test(test_nothing_unsigned), cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_together),	 cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, bench_open, bench_close);
}
