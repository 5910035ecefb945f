/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of session/metrics: what several fronts count is added up, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "session/metrics.h"

static struct metrics_shared *shared;

static int shared_make(void **state)
{
	shared = calloc(1, sizeof(*shared));
	return shared == NULL ? -1 : 0;
}

static int shared_drop(void **state)
{
	free(shared);
	return 0;
}

static struct metrics front(size_t index)
{
	return (struct metrics){.shared = shared, .own = &shared->fronts[index]};
}

static void count(size_t index, enum metric_tls result, uint16_t version, uint16_t suite)
{
	struct metrics metrics = front(index);
	char name[32];

	snprintf(name, sizeof(name), "S%u", suite);
	metric_tls_add(&metrics, &(struct metric_handshake){.service = SERVICE_IMAPS,
							    .result = result,
							    .version = version,
							    .suite = suite,
							    .suite_name = suite == 0 ? "" : name,
							    .reason = TLS_FAILURE_SILENT});
}

static void assert_holds(void (*append)(struct buf *to), const char *const *parts, size_t part_count)
{
	struct buf text = BUF_INIT(1 << 20);

	append(&text);
	for (size_t i = 0; i < part_count; i++) {
		if (str_find(buf_str(&text), str_from_c(parts[i])) == STR_NONE)
			fail_msg("%s is missing in:\n%.*s", parts[i], (int)text.len, text.data);
	}
	buf_done(&text);
}

static void append_metrics(struct buf *to)
{
	struct metrics metrics = front(0);

	metrics_append_prometheus(&metrics, to);
}

static void append_status(struct buf *to)
{
	metrics_append_status(shared, to);
}

#define PARTS(...) \
	(const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define HANDSHAKES "postern_tls_handshakes_total{service=\"IMAPS\",version="

static void test_fronts_are_added_up(void **state)
{
	count(0, METRIC_TLS_FULL, 0x0303, 7);
	count(1, METRIC_TLS_FULL, 0x0303, 8);
	count(1, METRIC_TLS_FULL, 0x0303, 7);
	count(2, METRIC_TLS_RESUMED, 0x0303, 7);
	count(0, METRIC_TLS_FAILED, 0x0301, 0);
	count(2, METRIC_TLS_FAILED, 0, 0);
	assert_holds(append_metrics,
		     PARTS(HANDSHAKES "\"TLSv1.2\",suite=\"S7\",result=\"full\"} 2\n",
			   HANDSHAKES "\"TLSv1.2\",suite=\"S8\",result=\"full\"} 1\n",
			   HANDSHAKES "\"TLSv1.2\",suite=\"S7\",result=\"resumed\"} 1\n",
			   HANDSHAKES "\"TLSv1\",suite=\"\",result=\"failed\"} 1\n",
			   HANDSHAKES "\"none\",suite=\"\",result=\"failed\"} 1\n",
			   "postern_tls_failures_total{service=\"IMAPS\",reason=\"silent\"} 2\n"));
	assert_holds(append_status,
		     PARTS(",\"handshakes\":[{\"service\":\"IMAPS\",\"version\":\"none\",\"full\":0,"
			   "\"resumed\":0,\"failed\":1},",
			   "{\"service\":\"IMAPS\",\"version\":\"TLSv1\",\"full\":0,\"resumed\":0,"
			   "\"failed\":1},",
			   "{\"service\":\"IMAPS\",\"version\":\"TLSv1.2\",\"full\":3,\"resumed\":1,"
			   "\"failed\":0}]"));
}

/* Whoever tries every pair there is fills the rows; what comes then is counted all the same. */
static void test_rows_without_room(void **state)
{
	enum { PAIRS = METRIC_SUITES + 50 };

	for (int i = 1; i <= PAIRS; i++)
		count(0, METRIC_TLS_FULL, 0x0303, (uint16_t)i);
	count(0, METRIC_TLS_FULL, 0x0303, 1);
	assert_holds(append_metrics,
		     PARTS(HANDSHAKES "\"TLSv1.2\",suite=\"S1\",result=\"full\"} 2\n",
			   HANDSHAKES "\"none\",suite=\"other\",result=\"full\"} 51\n"));
}

static void test_nothing_counted(void **state)
{
	assert_holds(append_status, PARTS(",\"handshakes\":[]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fronts_are_added_up, shared_make, shared_drop),
		cmocka_unit_test_setup_teardown(test_rows_without_room, shared_make, shared_drop),
		cmocka_unit_test_setup_teardown(test_nothing_counted, shared_make, shared_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
