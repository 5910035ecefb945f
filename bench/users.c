/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a home with users, all with the password of harness.py, in seconds: `postern user add`
 * hashes a password for each.
 *
 *   bench_users HOME COUNT     user00000@bench.example and on
 *
 * No server runs in HOME meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/credentials.h"
#include "crypto/password.h"
#include "ctl/link.h"
#include "store/directory.h"

enum { QUOTA_BYTES = 1 << 30, USERS_MAX = 99999 };

static void user_add(struct store *store, struct credentials *credentials, unsigned number,
		     struct str hash)
{
	char address[64];
	uint64_t account;

	snprintf(address, sizeof(address), "user%05u@bench.example", number);
	struct user user = {.address = str_from_c(address), .quota_bytes = QUOTA_BYTES};
	struct credential credential = {.hash = hash};
	CHECK(directory_user_add(store, &user, &account) == FAULT_NONE);
	CHECK(credentials_put(credentials, user.address, &credential, NULL) == FAULT_NONE);
}

int main(int count, char **arguments)
{
	struct credentials *credentials;
	struct buf hash = BUF_INIT(1024), folder = BUF_INIT(4096);
	struct link link;
	uint64_t users;

	if (count != 3 || !str_parse_u64(str_from_c(arguments[2]), USERS_MAX, &users)) {
		fputs("bench_users HOME COUNT\n", stderr);
		return 2;
	}
	buf_printf(&folder, "%s/store/auth", arguments[1]);
	buf_append_char(&folder, '\0');
	CHECK(password_hash(STR("load-maker-1"), &hash) == FAULT_NONE);
	CHECK(link_open(&link, arguments[1], LINK_STORE) == FAULT_NONE);
	CHECK(credentials_open(folder.data, &credentials) == FAULT_NONE);
	for (unsigned number = 0; number < users; number++)
		user_add(link.store, credentials, number, buf_str(&hash));
	credentials_close(&credentials);
	link_close(&link);
	buf_done(&folder);
	buf_done(&hash);
	return 0;
}
