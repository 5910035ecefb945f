/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/origin.h"

/* The newest first, as they are read. */
static json_t *entries_make(void)
{
	json_t *entries =
		json_pack("[{s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:s}]},"
			  " {s:s, s:s, s:s, s:s, s:s, s:[]},"
			  " {s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:n, s:s}, {s:s, s:s, s:n}]}]",
			  "who", "hand edit", "from", "mailserver.cfg", "time", "T3", "kind",
			  "reload of a hand edit", "file_sha256", "cccc3333", "changes", "variable",
			  "Security/TlsFloor", "old", "TLSv1.2", "new", "TLSv1.3", "who", "postern",
			  "from", "the server itself", "time", "T2", "kind", "start", "file_sha256",
			  "bbbb2222", "changes", "who", "anna@example.org", "from", "192.0.2.1",
			  "time", "T1", "kind", "config change", "file_sha256", "bbbb2222",
			  "changes", "variable", "security/tlsfloor", "old", "new", "TLSv1.2",
			  "variable", "Security/EnableEphemeralDH", "old", "1", "new");

	assert_non_null(entries);
	return entries;
}

static void test_the_last_change_counts(void **state)
{
	json_t *entries = entries_make();
	json_t *wanted = json_pack("{s:n, s:n, s:n}", "SECURITY/TlsFloor",
				   "Security/EnableEphemeralDH", "Security/Other");
	json_t *found = origin_find(entries, wanted);

	assert_int_equal(json_object_size(found), 2);
	assert_string_equal(origin_way(json_object_get(found, "security/tlsfloor")), "file");
	assert_string_equal(origin_way(json_object_get(found, "security/enableephemeraldh")),
			    "page");
	json_decref(found);
	json_decref(wanted);
	json_decref(entries);
}

static void test_what_came_since(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(1000);
	json_t *entries = entries_make();
	json_t *since = origin_since(entries, STR("BBBB"));

	assert_int_equal(json_array_size(since), 1);
	origin_append(&text, json_array_get(since, 0));
	buf_append_char(&text, '\0');
	assert_string_equal(text.data, "hand edit (mailserver.cfg) at T3: Security/TlsFloor: "
				       "\"TLSv1.2\" -> \"TLSv1.3\"");
	json_decref(since);
	assert_null(origin_since(entries, STR("dddd")));
	json_decref(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_change_counts),
		cmocka_unit_test(test_what_came_since),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
