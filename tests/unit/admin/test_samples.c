/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/samples.h, in a temporary file. */
#include "admin/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

/* A whole minute. */
enum { NOW = 1700000040 };

static char path[] = "/tmp/postern-samples-XXXXXX";
static struct samples *samples;
static struct sample_counters counters;
static struct buf json;

static void open_file(void)
{
	assert_int_equal(samples_open(path, &samples), FAULT_NONE);
	memset(&counters, 0, sizeof(counters));
	samples_add(samples, &counters, NOW);
}

static int setup(void **state)
{
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	open_file();
	buf_init(&json, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	samples_close(&samples);
	(void)unlink(path);
	buf_done(&json);
	return 0;
}

static void received(uint64_t count, int64_t at_s)
{
	counters.counts[SAMPLE_RECEIVED] = count;
	samples_add(samples, &counters, at_s);
}

static void expect(int64_t since_s, int64_t step_s, int64_t now_s, const char *expected)
{
	buf_reset(&json);
	samples_append(samples, since_s, step_s, now_s, &json);
	if (!str_equals(buf_str(&json), str_from_c(expected)))
		fail_msg("%.*s", STR_ARG(buf_str(&json)));
}

#define SAMPLE(time, count, open, handshakes)                                                      \
	"{\"time\":" #time ",\"messages_received\":" #count                                        \
	",\"messages_rejected\":0,\"messages_delivered\":0,\"logins\":0,\"logins_failed\":0,"      \
	"\"connections\":0,\"handshakes_failed\":0,\"connections_open\":" #open                    \
	",\"queued\":0,\"relayed_tls13\":0,\"relayed_tls12\":0,\"relayed_older\":0,"                \
	"\"relayed_plain\":0,\"delayed\":0,\"failed\":0,\"unsent_tls\":0"                          \
	",\"handshakes\":{" handshakes "}}"

static void test_minutes(void **state)
{
	counters.counts[SAMPLE_CONNECTIONS_OPEN] = 7;
	received(5, NOW + 60);
	counters.counts[SAMPLE_CONNECTIONS_OPEN] = 2;
	counters.handshakes[SERVICE_IMAPS][3] = 4;
	received(6, NOW + 125);
	expect(NOW, 60, NOW + 130,
	       "{\"step_s\":60,\"samples\":[" SAMPLE(1700000100, 5, 7, "") ",\n" SAMPLE(
		       1700000160, 1, 2, "\"IMAPS\":{\"TLSv1.3\":4}") "]}\n");
	expect(NOW + 100, 60, NOW + 130,
	       "{\"step_s\":60,\"samples\":[" SAMPLE(1700000100, 5, 7, "") ",\n" SAMPLE(
		       1700000160, 1, 2, "\"IMAPS\":{\"TLSv1.3\":4}") "]}\n");
	/* Sums, but of a state the highest. */
	expect(NOW, 600, NOW + 130,
	       "{\"step_s\":600,\"samples\":[" SAMPLE(1699999800, 6, 7, "\"IMAPS\":{\"TLSv1.3\":4}") "]}\n");
}

static void test_counters_that_begin_anew(void **state)
{
	received(100, NOW + 60);
	received(3, NOW + 120);
	expect(NOW + 120, 60, NOW + 120, "{\"step_s\":60,\"samples\":[" SAMPLE(1700000160, 3, 0, "") "]}\n");
}

static void test_a_restart(void **state)
{
	received(5, NOW + 60);
	samples_close(&samples);
	open_file();
	expect(NOW, 60, NOW + 130, "{\"step_s\":60,\"samples\":[" SAMPLE(1700000100, 5, 0, "") "]}\n");
}

static void test_a_week_and_no_more(void **state)
{
	const int64_t week_s = (int64_t)SAMPLES_MAX * SAMPLE_PERIOD_S;

	received(5, NOW + 60);
	expect(0, 60, NOW + 900 + week_s, "{\"step_s\":420,\"samples\":[]}\n");
	/* The place of the same minute a week later. */
	received(6, NOW + 60 + week_s);
	expect(NOW, 60, NOW + 120, "{\"step_s\":60,\"samples\":[]}\n");
}

/* That of the first form: eight counts, then handshakes. */
struct first_form {
	int64_t time_s;
	uint32_t counts[8];
	uint32_t handshakes[SERVICE_COUNT][SAMPLE_VERSIONS];
};

static void test_a_file_of_the_first_form(void **state)
{
	static struct first_form places[SAMPLES_MAX];
	struct first_form *place = &places[(NOW + 60) / SAMPLE_PERIOD_S % SAMPLES_MAX];
	struct buf file = BUF_INIT(sizeof(places) + 64);

	samples_close(&samples);
	*place = (struct first_form){.time_s = NOW + 60, .counts = {[0] = 5, [7] = 9}};
	place->handshakes[SERVICE_IMAPS][3] = 4;
	buf_printf(&file, "postern samples 1 %zu %d\n", sizeof(*place), SAMPLES_MAX);
	while (file.len < 64)
		buf_append_char(&file, '\0');
	buf_append_str(&file, str_make((const char *)places, sizeof(places)));
	assert_int_equal(file_replace(path, buf_str(&file), 0600), FAULT_NONE);
	buf_done(&file);
	open_file();
	received(2, NOW + 120);
	for (int i = 0; i < 2; i++) {
		expect(NOW, 60, NOW + 120,
		       "{\"step_s\":60,\"samples\":[" SAMPLE(
			       1700000100, 5, 9, "\"IMAPS\":{\"TLSv1.3\":4}") ",\n" SAMPLE(
			       1700000160, 2, 0, "") "]}\n");
		samples_close(&samples);
		open_file();
	}
}

static void test_what_was_sent(void **state)
{
	counters.counts[SAMPLE_QUEUED] = 3;
	counters.counts[SAMPLE_RELAYED_TLS13] = 7;
	samples_add(samples, &counters, NOW + 60);
	buf_reset(&json);
	samples_append(samples, NOW, 60, NOW + 60, &json);
	assert_int_not_equal(str_find(buf_str(&json), STR("\"queued\":3,\"relayed_tls13\":7,")),
			     STR_NONE);
}

static void test_a_file_of_another_form(void **state)
{
	samples_close(&samples);
	assert_int_equal(file_replace(path, STR("something else"), 0600), FAULT_NONE);
	open_file();
	received(1, NOW + 60);
	expect(NOW, 60, NOW + 60, "{\"step_s\":60,\"samples\":[" SAMPLE(1700000100, 1, 0, "") "]}\n");
}

static void test_queries(void **state)
{
	static const struct {
		struct str query;
		const char *wrong;
	} rows[] = {
		{STR_INIT(""), NULL},		       {STR_INIT("since=5&step=60"), NULL},
		{STR_INIT("step=60&since=5"), NULL},   {STR_INIT("step=60&step=60"), "step"},
		{STR_INIT("since=5&since=6"), "since"}, {STR_INIT("since=-5"), "since"},
		{STR_INIT("since=%35"), "since"},      {STR_INIT("step="), "step"},
		{STR_INIT("step"), "step"},	       {STR_INIT("steps=1"), "query"},
		{STR_INIT("&"), "query"},	       {STR_INIT("step=99999999999999999999"), "step"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t since_s = 5, step_s = 60;
		const char *wrong = samples_query_read(rows[i].query, &since_s, &step_s);
		assert_int_equal(wrong == NULL, rows[i].wrong == NULL);
		if (wrong != NULL)
			assert_string_equal(wrong, rows[i].wrong);
		else
			assert_true(since_s == 5 && step_s == 60);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_minutes),
		TEST(test_counters_that_begin_anew),
		TEST(test_a_restart),
		TEST(test_a_week_and_no_more),
		TEST(test_a_file_of_the_first_form),
		TEST(test_what_was_sent),
		TEST(test_a_file_of_another_form),
		cmocka_unit_test(test_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
