/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/credentials.h"
#include "base/file.h"

static char folder[64];

static int folder_set_up(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/test-credentials-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int folder_tear_down(void **state)
{
	const char *const names[] = {"data.mdb", "lock.mdb"};

	for (size_t i = 0; i < 2; i++) {
		char *path = path_join(folder, names[i]);
		unlink(path);
		free(path);
	}
	return rmdir(folder);
}

static bool names_collect(void *context, struct str account, uint32_t flags)
{
	struct buf *names = context;

	buf_append_str(names, account);
	buf_printf(names, "=%u;", flags);
	return names->len < 100;
}

static void test_records(void **state)
{
	struct credentials *credentials;
	struct credential record = {.flags = 1, .hash = STR("$argon2id$x")}, found;
	struct buf hash = BUF_INIT(512), names = BUF_INIT(512);

	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(credentials_put(credentials, STR("b@x.example"), &record, NULL), FAULT_NONE);
	record.flags = 2;
	assert_int_equal(credentials_put(credentials, STR("a@x.example"), &record, NULL), FAULT_NONE);
	assert_int_equal(credentials_put(credentials, STR(""), &record, NULL), FAULT_INVALID);
	credentials_close(&credentials);
	assert_null(credentials);

	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(credentials_get(credentials, STR("b@x.example"), &hash, &found), FAULT_NONE);
	assert_int_equal(found.flags, 1);
	assert_true(str_equals(found.hash, STR("$argon2id$x")));
	assert_int_equal(credentials_get(credentials, STR("c@x.example"), &hash, &found),
			 FAULT_NOT_FOUND);
	assert_int_equal(credentials_walk(credentials, STR(""), names_collect, &names), FAULT_NONE);
	assert_true(str_equals(buf_str(&names), STR("a@x.example=2;b@x.example=1;")));
	buf_reset(&names);
	assert_int_equal(credentials_walk(credentials, STR("a@x.example"), names_collect, &names),
			 FAULT_NONE);
	assert_true(str_equals(buf_str(&names), STR("b@x.example=1;")));
	assert_int_equal(credentials_remove(credentials, STR("b@x.example")), FAULT_NONE);
	assert_int_equal(credentials_remove(credentials, STR("b@x.example")), FAULT_NOT_FOUND);
	credentials_close(&credentials);
	buf_done(&hash);
	buf_done(&names);
}

static void test_flags_change_beside_the_password(void **state)
{
	struct credentials *credentials;
	struct credential record = {.flags = 3, .hash = STR("$argon2id$x")}, found;
	struct scram_verifier verifier = {.iterations = 70000}, kept;
	struct buf hash = BUF_INIT(512);
	const struct str dora = STR("dora@x.example");

	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(credentials_flags_set(credentials, dora, 4, 5), FAULT_NOT_FOUND);
	assert_int_equal(credentials_flags_set(credentials, STR(""), 4, 5), FAULT_NOT_FOUND);
	assert_int_equal(credentials_put(credentials, dora, &record, &verifier), FAULT_NONE);
	assert_int_equal(credentials_flags_set(credentials, dora, 4, 5), FAULT_NONE);
	assert_int_equal(credentials_get(credentials, dora, &hash, &found), FAULT_NONE);
	assert_int_equal(found.flags, 6);
	assert_true(str_equals(found.hash, record.hash));
	assert_int_equal(credentials_verifier_get(credentials, dora, &kept), FAULT_NONE);
	credentials_close(&credentials);
	buf_done(&hash);
}

static void test_verifiers_go_with_their_password(void **state)
{
	struct credentials *credentials;
	struct credential record = {.hash = STR("$argon2id$x")};
	struct scram_verifier verifier = {.iterations = 70000, .salt = {1}, .stored_key = {2},
					  .server_key = {3}};
	struct scram_verifier found;
	const struct str anna = STR("a@x.example");

	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(credentials_verifier_put(credentials, anna, record.hash, &verifier),
			 FAULT_NOT_FOUND);
	assert_int_equal(credentials_put(credentials, anna, &record, &verifier), FAULT_NONE);
	assert_int_equal(credentials_verifier_get(credentials, anna, &found), FAULT_NONE);
	assert_memory_equal(&found, &verifier, sizeof(found));
	/* Another password, of which none is kept. */
	record.hash = STR("$argon2id$y");
	assert_int_equal(credentials_put(credentials, anna, &record, NULL), FAULT_NONE);
	assert_int_equal(credentials_verifier_get(credentials, anna, &found), FAULT_NOT_FOUND);
	assert_int_equal(credentials_verifier_put(credentials, anna, STR("$argon2id$x"), &verifier),
			 FAULT_CONFLICT);
	assert_int_equal(credentials_verifier_get(credentials, anna, &found), FAULT_NOT_FOUND);
	assert_int_equal(credentials_verifier_put(credentials, anna, record.hash, &verifier),
			 FAULT_NONE);
	assert_int_equal(credentials_verifier_get(credentials, anna, &found), FAULT_NONE);
	assert_int_equal(credentials_verifiers_drop(credentials), FAULT_NONE);
	assert_int_equal(credentials_verifier_get(credentials, anna, &found), FAULT_NOT_FOUND);
	assert_int_equal(credentials_put(credentials, anna, &record, &verifier), FAULT_NONE);
	assert_int_equal(credentials_remove(credentials, anna), FAULT_NONE);
	assert_int_equal(credentials_verifier_get(credentials, anna, &found), FAULT_NOT_FOUND);
	credentials_close(&credentials);
}

static void test_salt_key_outlives_a_restart(void **state)
{
	struct credentials *credentials;

	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	struct mac_key key = *credentials_salt_key(credentials);
	credentials_close(&credentials);
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_memory_equal(&key, credentials_salt_key(credentials), sizeof(key));
	credentials_close(&credentials);
}

/* Writes a record of our own into one of the named databases. */
static void record_force(const char *database, const char *key_text, struct str bytes)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val key = {.mv_size = strlen(key_text), .mv_data = (void *)(uintptr_t)key_text};
	MDB_val value = {.mv_size = bytes.len, .mv_data = (void *)(uintptr_t)bytes.ptr};

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 2), 0);
	assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, database, MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void test_damage_and_newer_version(void **state)
{
	struct credentials *credentials;
	struct credential found;
	struct buf hash = BUF_INIT(512);

	record_force("credentials", "a@x.example", STR("\x01"));
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(credentials_get(credentials, STR("a@x.example"), &hash, &found),
			 FAULT_CORRUPT);
	struct scram_verifier verifier;
	credentials_close(&credentials);
	record_force("scram", "a@x.example", STR("\x01short"));
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(credentials_verifier_get(credentials, STR("a@x.example"), &verifier),
			 FAULT_CORRUPT);
	credentials_close(&credentials);
	record_force("meta", "version", STR("2"));
	assert_int_equal(credentials_open(folder, &credentials), FAULT_VERSION);
	buf_done(&hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, folder_set_up, folder_tear_down),
		cmocka_unit_test_setup_teardown(test_flags_change_beside_the_password,
						folder_set_up, folder_tear_down),
		cmocka_unit_test_setup_teardown(test_verifiers_go_with_their_password,
						folder_set_up, folder_tear_down),
		cmocka_unit_test_setup_teardown(test_salt_key_outlives_a_restart, folder_set_up,
						folder_tear_down),
		cmocka_unit_test_setup_teardown(test_damage_and_newer_version, folder_set_up,
						folder_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
