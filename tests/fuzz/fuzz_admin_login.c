/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the JSON of a login and of the proof that somebody is who he was (admin/login.h): what is taken
 * fits, what is refused says so in JSON.
 */
#include "admin/login.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refusal_check(const struct answer *answer)
{
	json_t *document = json_loadb(answer->body.data, answer->body.len, 0, NULL);

	CHECK(answer->status == 400);
	CHECK(json_is_string(json_object_get(json_object_get(document, "error"), "text")));
	json_decref(document);
}

static void proof_check(struct str body)
{
	struct secret password CLEANUP_SECRET = {0};
	struct answer answer;

	answer_init(&answer);
	if (!proof_read(body, "password", &password, &answer))
		refusal_check(&answer);
	answer_done(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer answer;
	struct login login;

	answer_init(&answer);
	if (login_read(str_make(data, size), &login, &answer)) {
		CHECK(answer.body.len == 0);
		CHECK(login.account[0] != '\0' && strlen(login.account) <= LOGIN_ACCOUNT_MAX);
		CHECK(strlen(login.code) <= LOGIN_CODE_MAX);
	} else
		refusal_check(&answer);
	login_wipe(&login);
	answer_done(&answer);
	proof_check(str_make(data, size));
	return 0;
}
