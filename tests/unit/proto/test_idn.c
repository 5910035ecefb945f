/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/idn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/idn.h"

static void becomes(const char *domain, const char *expected)
{
	struct dns_name name;
	bool is_good = idn_to_ascii(str_from_c(domain), &name);

	if (is_good != (expected != NULL) || (is_good && strcmp(name.text, expected) != 0))
		fail_msg("%s: %s", domain, is_good ? name.text : "refused");
}

static void test_ascii_stays(void **state)
{
	becomes("Example.ORG", "example.org");
	becomes("example.org.", "example.org");
	becomes("xn--bcher-kva.example", "xn--bcher-kva.example");
	becomes("under_score.example", "under_score.example");
	becomes("", NULL);
	becomes(".", NULL);
	becomes("a b.example", NULL);
}

static void test_others_become_ascii(void **state)
{
	becomes("b\303\274cher.example", "xn--bcher-kva.example");
	becomes("B\303\234CHER.Example", "xn--bcher-kva.example");
	/* The same character in two parts. */
	becomes("bu\314\210cher.example", "xn--bcher-kva.example");
	/* A letter of its own, not ss (IDNA2008). */
	becomes("stra\303\237e.example", "xn--strae-oqa.example");
	/* The full stop of ideographs parts labels. */
	becomes("\344\276\213\343\200\202example", "xn--fsq.example");
}

static void test_what_is_no_name(void **state)
{
	becomes("b\303.example", NULL);
	becomes("\303\274 a.example", NULL);
	becomes("\342\200\256\303\274.example", NULL);
	becomes("\303\274..example", NULL);
	char longest[600];
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "\303\274", 2);
	longest[599] = '\0';
	becomes(longest, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascii_stays),
		cmocka_unit_test(test_others_become_ascii),
		cmocka_unit_test(test_what_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
