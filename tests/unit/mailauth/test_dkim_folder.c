/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of mailauth/dkim_folder: the list of keys on the disk, and who takes over from whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "mailauth/dkim_folder.h"

static char home[] = "/tmp/postern-dkim-XXXXXX";

static struct dkim_key key_of(const char *domain, const char *selector,
			      enum dkim_algorithm algorithm, enum dkim_state key_state)
{
	struct dkim_key key = {.algorithm = algorithm, .state = key_state, .since_s = 1000};

	assert_true(str_copy_c(str_from_c(domain), key.domain, sizeof(key.domain)));
	assert_true(str_copy_c(str_from_c(selector), key.selector, sizeof(key.selector)));
	assert_true(str_copy_c(STR("v=DKIM1; k=x; p=AQID"), key.record, sizeof(key.record)));
	return key;
}

static void keys_add(struct dkim_keys *keys, struct dkim_key key)
{
	assert_true(dkim_keys_add(keys, &key));
}

static void folder_new(const char *domain)
{
	char *path = dkim_domain_path(home, str_from_c(domain));

	assert_int_equal(folder_make(path, 0700), FAULT_NONE);
	free(path);
}

static void text_write(const char *domain, const char *text)
{
	char *folder = dkim_domain_path(home, str_from_c(domain)), *path = path_join(folder, "keys");

	assert_int_equal(file_replace(path, str_from_c(text), 0600), FAULT_NONE);
	free(folder);
	free(path);
}

static void test_round_trip(void **state)
{
	struct dkim_keys keys = {0}, read = {0};
	struct buf why = BUF_INIT(1024);

	assert_int_equal(dkim_keys_read(home, STR("a.example"), &read, &why), FAULT_NONE);
	assert_int_equal(read.count, 0);
	keys_add(&keys, key_of("a.example", "one", DKIM_RSA, DKIM_SIGNING));
	keys_add(&keys, key_of("b.example", "one", DKIM_ED25519, DKIM_WAITING));
	keys_add(&keys, key_of("a.example", "two", DKIM_ED25519, DKIM_RETIRING));
	folder_new("a.example");
	folder_new("b.example");
	assert_int_equal(dkim_keys_write(home, STR("a.example"), &keys), FAULT_NONE);
	assert_int_equal(dkim_keys_write(home, STR("b.example"), &keys), FAULT_NONE);
	assert_int_equal(dkim_keys_read(home, STR(""), &read, &why), FAULT_NONE);
	assert_int_equal(read.count, 3);
	const struct dkim_key *two = dkim_keys_find(&read, STR("a.example"), STR("two"));
	assert_non_null(two);
	assert_int_equal(two->algorithm, DKIM_ED25519);
	assert_int_equal(two->state, DKIM_RETIRING);
	assert_int_equal(two->since_s, 1000);
	assert_string_equal(two->record, "v=DKIM1; k=x; p=AQID");
	assert_null(dkim_keys_find(&read, STR("b.example"), STR("two")));
	dkim_keys_remove(&read, two);
	assert_int_equal(read.count, 2);
	assert_non_null(dkim_keys_find(&read, STR("b.example"), STR("one")));
	dkim_keys_done(&keys);
	dkim_keys_done(&read);
	buf_done(&why);
}

static void test_broken(void **state)
{
	static const char *const texts[] = {
		"one rsa signing 1000\n",
		"one rsa signing x v=DKIM1\n",
		"one rsa somehow 1000 v=DKIM1\n",
		"one dsa signing 1000 v=DKIM1\n",
		"../one rsa signing 1000 v=DKIM1\n",
		"\n",
		"one rsa signing 1000 v=DKIM1\none rsa signing 1000 v=DKIM1\n",
	};
	struct dkim_keys read = {0};
	struct buf why = BUF_INIT(1024);

	folder_new("c.example");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		text_write("c.example", texts[i]);
		buf_reset(&why);
		assert_int_equal(dkim_keys_read(home, STR("c.example"), &read, &why),
				 FAULT_INVALID);
		assert_true(str_find(buf_str(&why), STR("c.example/keys")) != STR_NONE);
	}
	text_write("c.example", "");
	buf_done(&why);
}

/* Of its own domain and algorithm alone. */
static void test_activate(void **state)
{
	struct dkim_keys keys = {0};

	keys_add(&keys, key_of("a.example", "old", DKIM_RSA, DKIM_SIGNING));
	keys_add(&keys, key_of("a.example", "older", DKIM_RSA, DKIM_RETIRED));
	keys_add(&keys, key_of("a.example", "ed", DKIM_ED25519, DKIM_SIGNING));
	keys_add(&keys, key_of("b.example", "old", DKIM_RSA, DKIM_SIGNING));
	keys_add(&keys, key_of("a.example", "new", DKIM_RSA, DKIM_WAITING));
	assert_int_equal(dkim_keys_activate(&keys, &keys.items[4], 2000), 1);
	assert_int_equal(keys.items[0].state, DKIM_RETIRING);
	assert_int_equal(keys.items[0].since_s, 2000);
	assert_int_equal(keys.items[1].state, DKIM_RETIRED);
	assert_int_equal(keys.items[1].since_s, 1000);
	assert_int_equal(keys.items[2].state, DKIM_SIGNING);
	assert_int_equal(keys.items[3].state, DKIM_SIGNING);
	assert_int_equal(keys.items[4].state, DKIM_SIGNING);
	dkim_keys_done(&keys);
}

static void test_limits(void **state)
{
	struct dkim_keys keys = {0};
	struct dkim_key key = key_of("a.example", "one", DKIM_RSA, DKIM_WAITING);

	for (int i = 0; i < DKIM_DOMAIN_KEYS_MAX; i++)
		assert_true(dkim_keys_add(&keys, &key));
	assert_false(dkim_keys_add(&keys, &key));
	dkim_keys_done(&keys);
}

static void test_lock(void **state)
{
	int first, second;

	assert_int_equal(dkim_folder_lock(home, &first), FAULT_NONE);
	assert_int_equal(dkim_folder_lock(home, &second), FAULT_BUSY);
	fd_close(&first);
	assert_int_equal(dkim_folder_lock(home, &second), FAULT_NONE);
	fd_close(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_broken),
		cmocka_unit_test(test_activate),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_lock),
	};
	char command[sizeof(home) + 16];

	if (mkdtemp(home) == NULL)
		return 1;
	char *folder = path_join(home, "dkim");
	int code = folder_make(folder, 0700) == FAULT_NONE
			   ? cmocka_run_group_tests(tests, NULL, NULL)
			   : 1;
	free(folder);
	snprintf(command, sizeof(command), "rm -r -- '%s'", home);
	return system(command) == 0 ? code : 1;
}
