/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/client.h"

enum { NONCE_TRIES = 16, REQUEST_MAX = 256 * 1024, WORDS_MAX = 8 * 1024, STATUS_BAD = 400 };

void acme_failure_init(struct acme_failure *failure)
{
	*failure = (struct acme_failure){.words = BUF_INIT(WORDS_MAX)};
}

void acme_failure_done(struct acme_failure *failure)
{
	buf_done(&failure->words);
}

void acme_client_init(struct acme_client *client, struct web_client *web,
		      const struct acme_key *key, struct arena *arena,
		      struct acme_failure *failure)
{
	*client = (struct acme_client){.web = web,
				       .key = key,
				       .arena = arena,
				       .account = BUF_INIT(ACME_URL_MAX),
				       .nonce = BUF_INIT(ACME_NONCE_MAX),
				       .failure = failure};
	acme_answer_init(&client->answer);
}

void acme_client_done(struct acme_client *client)
{
	buf_done(&client->account);
	buf_done(&client->nonce);
	acme_answer_done(&client->answer);
}

/* The problem of the last answer in words, or at least its status. */
static void refusal_tell(struct acme_client *client, const struct acme_problem *problem)
{
	struct acme_failure *failure = client->failure;

	failure->retry_after_s = client->answer.retry_after_s;
	failure->is_refusal = client->answer.status < 500;
	if (str_is_empty(problem->type))
		buf_printf(&failure->words, "the CA answered with status %ld",
			   client->answer.status);
	else
		acme_problem_explain(problem, &failure->words);
}

static struct acme_problem problem_read(struct acme_client *client)
{
	struct acme_problem problem = {0};

	if (acme_problem_parse(buf_str(&client->answer.body), client->arena, &problem) !=
	    FAULT_NONE)
		problem = (struct acme_problem){0};
	return problem;
}

static bool is_refused(const struct acme_client *client)
{
	return client->answer.status >= STATUS_BAD || client->answer.status < 200;
}

/* A request that needs no signature. */
static enum fault ask(struct acme_client *client, enum web_method method, struct str url)
{
	enum fault fault = acme_http_do(client->web, method, url, STR(""), &client->answer,
					&client->failure->words);

	if (fault != FAULT_NONE || !is_refused(client))
		return fault;
	struct acme_problem problem = problem_read(client);
	refusal_tell(client, &problem);
	return FAULT_DENIED;
}

enum fault acme_client_open(struct acme_client *client, struct str directory_url)
{
	enum fault fault = ask(client, WEB_GET, directory_url);

	if (fault == FAULT_NONE)
		fault = acme_directory_parse(buf_str(&client->answer.body), client->arena,
					     &client->directory);
	if (fault == FAULT_INVALID)
		buf_printf(&client->failure->words,
			   "what stands at %.*s is no directory of a CA; correct Directory in the "
			   "table Acme",
			   STR_ARG(directory_url));
	return fault;
}

/* ---- nonces ---- */

static void nonce_keep(struct acme_client *client)
{
	buf_reset(&client->nonce);
	buf_append_str(&client->nonce, buf_str(&client->answer.nonce));
}

static enum fault nonce_have(struct acme_client *client)
{
	if (client->nonce.len > 0)
		return FAULT_NONE;
	enum fault fault = ask(client, WEB_HEAD, client->directory.new_nonce);
	if (fault != FAULT_NONE)
		return fault;
	nonce_keep(client);
	if (client->nonce.len > 0)
		return FAULT_NONE;
	buf_append_c(&client->failure->words, "the CA gave no nonce");
	return FAULT_INVALID;
}

/* ---- signed requests ---- */

static enum fault signed_send(struct acme_client *client, struct str url, struct str payload)
{
	struct buf text = BUF_INIT(REQUEST_MAX);
	struct acme_request request = {.url = url,
				       .nonce = buf_str(&client->nonce),
				       .account = buf_str(&client->account),
				       .payload = payload};
	enum fault fault = acme_jws_append(client->key, &request, &text);

	if (fault != FAULT_NONE || text.failed)
		buf_printf(&client->failure->words, "the request could not be signed: %s",
			   fault_text(fault));
	else {
		fault = acme_http_do(client->web, WEB_POST, url, buf_str(&text), &client->answer,
				     &client->failure->words);
		/* Each counts once, whatever came of it (section 6.5). */
		nonce_keep(client);
	}
	buf_done(&text);
	return fault;
}

enum fault acme_client_post(struct acme_client *client, struct str url, struct str payload)
{
	for (int i = 0; i < NONCE_TRIES; i++) {
		enum fault fault = nonce_have(client);
		if (fault == FAULT_NONE)
			fault = signed_send(client, url, payload);
		if (fault != FAULT_NONE || !is_refused(client))
			return fault;
		struct acme_problem problem = problem_read(client);
		/* Section 6.5: the answer brought a nonce that it will take. */
		if (str_equals(problem.type, STR("badNonce")))
			continue;
		refusal_tell(client, &problem);
		return FAULT_DENIED;
	}
	buf_printf(&client->failure->words, "the CA refused %d nonces of its own in a row",
		   NONCE_TRIES);
	return FAULT_INVALID;
}

/* ---- the account ---- */

static bool may_enter(struct acme_client *client, bool agrees_terms)
{
	struct acme_failure *failure = client->failure;

	failure->is_refusal = true;
	if (client->directory.wants_external_account)
		buf_append_c(&failure->words,
			     "the CA wants accounts that were agreed on beforehand, which are not "
			     "supported; choose another Directory in the table Acme");
	else if (!agrees_terms)
		buf_printf(&failure->words,
			   "nothing is asked for before you agree to the CA's terms of service: "
			   "read %.*s, then set AgreeTerms in the table Acme to 1",
			   STR_ARG(str_is_empty(client->directory.terms)
					   ? STR("them")
					   : client->directory.terms));
	else
		failure->is_refusal = false;
	return !failure->is_refusal;
}

enum fault acme_client_enter(struct acme_client *client, struct str contact, bool agrees_terms)
{
	struct buf payload = BUF_INIT(REQUEST_MAX);

	if (!may_enter(client, agrees_terms))
		return FAULT_DENIED;
	acme_account_append(&payload, contact, agrees_terms);
	enum fault fault =
		acme_client_post(client, client->directory.new_account, buf_str(&payload));
	if (fault == FAULT_NONE && client->answer.location.len == 0) {
		buf_append_c(&client->failure->words, "the CA did not name the account");
		fault = FAULT_INVALID;
	}
	if (fault == FAULT_NONE)
		buf_append_str(&client->account, buf_str(&client->answer.location));
	/* An account that is there keeps what it had; only a difference is worth a request. */
	if (fault == FAULT_NONE && client->answer.status == 200)
		fault = acme_client_post(client, buf_str(&client->account), buf_str(&payload));
	buf_done(&payload);
	return fault;
}
