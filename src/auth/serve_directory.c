/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/serve.h"
#include "auth/web_sessions.h"
#include "base/buf.h"
#include "crypto/password.h"

enum {
	REMOTE_NAMES_MAX = 48 * 1024,
	/* A page of password_list: a JSON text that fits one packet. */
	LIST_PAGE_BYTES = 48 * 1024,
};

/* ---- setting a password ---- */

/* Keeps or removes; no session that was bound to the former password is found between the two steps. */
static enum fault credential_put(struct auth_service *service, const struct job *job,
				 const struct credential *credential,
				 const struct scram_verifier *verifier)
{
	pthread_mutex_lock(&service->sessions);
	enum fault fault =
		credential == NULL
			? credentials_remove(service->credentials, job_account(job))
			: credentials_put(service->credentials, job_account(job), credential, verifier);
	/* Those that are left behind after a fault open nothing: their password is gone. */
	if (fault == FAULT_NONE)
		(void)!web_sessions_end(service->credentials, job_account(job),
					buf_str(&job->session));
	pthread_mutex_unlock(&service->sessions);
	return fault;
}

static enum fault credential_change(struct auth_service *service, const struct job *job)
{
	struct buf hash = BUF_INIT(PASSWORD_HASH_MAX);
	CLEANUP_SCRAM_VERIFIER struct scram_verifier verifier;
	struct str password = secret_reveal(&job->password);

	if (str_is_empty(password))
		return credential_put(service, job, NULL, NULL);
	enum fault fault = password_hash(password, &hash);
	if (fault == FAULT_NONE) {
		struct credential credential = {.flags = job->flags, .hash = buf_str(&hash)};
		bool is_kept =
			scram_is_allowed(service) &&
			scram_verifier_compute(service, job_account(job), password, &verifier);
		fault = credential_put(service, job, &credential, is_kept ? &verifier : NULL);
		if (is_kept)
			scram_verifiers_recheck(service);
	}
	buf_wipe(&hash);
	return fault;
}

void password_set_run(struct auth_service *service, struct job *job)
{
	pthread_mutex_unlock(&service->lock);
	enum fault fault = credential_change(service, job);
	pthread_mutex_lock(&service->lock);
	service->changes++;
	remembered_forget(&service->remembered, job_account(job));
	pthread_mutex_unlock(&service->lock);
	role_peer_done(job->peer, job->id, fault, STR(""));
	job_free(job);
	pthread_mutex_lock(&service->lock);
}

void serve_password_set(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_password_set *set)
{
	if (str_is_empty(set->account) || set->account.len > ACCOUNT_MAX) {
		role_peer_done(peer, id, FAULT_INVALID, STR("not a name of an account"));
		return;
	}
	if (set->password.len > SECRET_MAX) {
		role_peer_done(peer, id, FAULT_TOO_LARGE, STR("the password is too long"));
		return;
	}
	struct job *job = job_new(peer, id, set->account, set->password);
	job->is_setting = true;
	job->flags = set->flags;
	buf_append_str(&job->session, set->session);
	pthread_mutex_lock(&service->lock);
	struct job *refused = job_queue(service, job);
	pthread_mutex_unlock(&service->lock);
	if (refused != NULL)
		job_refuse(refused);
}

/* A login that is remembered has the flags of its time. */
void serve_flags_set(struct auth_service *service, struct role_peer *peer, uint64_t id,
		     const struct msg_login_flags_set *set)
{
	enum fault fault =
		credentials_flags_set(service->credentials, set->account, set->flags, set->mask);

	pthread_mutex_lock(&service->lock);
	service->changes++;
	remembered_forget(&service->remembered, set->account);
	pthread_mutex_unlock(&service->lock);
	role_peer_done(peer, id, fault, STR(""));
}

/* Accounts hold no character that JSON would have to escape but `"` and `\`. */
static void json_append_account(struct buf *json, struct str account)
{
	for (size_t i = 0; i < account.len; i++) {
		if (account.ptr[i] == '"' || account.ptr[i] == '\\')
			buf_append_char(json, '\\');
		if (ascii_is_control(account.ptr[i]))
			buf_printf(json, "\\u%04x", (unsigned char)account.ptr[i]);
		else
			buf_append_char(json, account.ptr[i]);
	}
}

struct list_page {
	struct buf json;
	struct auth_service *service;
	enum fault fault;
};

/* False when the page is full: whoever asks goes on behind the last account he got. */
static bool list_append_account(void *context, struct str account, uint32_t flags)
{
	struct list_page *page = context;
	struct buf *json = &page->json;
	bool has_factor;

	if (json->len >= LIST_PAGE_BYTES)
		return false;
	buf_append_c(json,
		     json->data[json->len - 1] == '[' ? "{\"account\":\"" : ",{\"account\":\"");
	json_append_account(json, account);
	page->fault = second_factor_is_on(page->service->factors, account, &has_factor);
	buf_printf(json, "\",\"admin\":%s,\"auditor\":%s,\"disabled\":%s,\"totp\":%s}",
		   (flags & LOGIN_FLAG_ADMIN) != 0 ? "true" : "false",
		   (flags & LOGIN_FLAG_AUDITOR) != 0 ? "true" : "false",
		   (flags & LOGIN_FLAG_DISABLED) != 0 ? "true" : "false",
		   has_factor ? "true" : "false");
	return page->fault == FAULT_NONE;
}

void serve_password_list(struct auth_service *service, struct role_peer *peer, uint64_t id,
			 const struct msg_password_list *list)
{
	struct list_page page = {.json = BUF_INIT(MESSAGE_INLINE_MAX), .service = service};

	buf_append_char(&page.json, '[');
	enum fault fault =
		credentials_walk(service->credentials, list->after, list_append_account, &page);
	buf_append_char(&page.json, ']');
	if (fault == FAULT_NONE)
		fault = page.json.failed ? FAULT_TOO_LARGE : page.fault;
	role_peer_done(peer, id, fault, fault == FAULT_NONE ? buf_str(&page.json) : STR(""));
	buf_done(&page.json);
}

/* ---- passwords for other servers ---- */

void serve_remote_set(struct auth_service *service, struct role_peer *peer, uint64_t id,
		      const struct msg_remote_password_set *set)
{
	role_peer_done(peer, id, remote_password_set(service->remote, set->name, set->password),
		       STR(""));
}

void serve_remote_list(struct auth_service *service, struct role_peer *peer, uint64_t id)
{
	struct buf names = BUF_INIT(REMOTE_NAMES_MAX);
	enum fault fault = remote_password_names(service->remote, &names);

	role_peer_done(peer, id, names.failed ? FAULT_TOO_LARGE : fault, buf_str(&names));
	buf_done(&names);
}

void serve_remote_get(struct auth_service *service, struct role_peer *peer, uint64_t id,
		      const struct msg_remote_password_wanted *wanted)
{
	struct secret password CLEANUP_SECRET = {0};
	struct msg_remote_password_given given = {
		.fault = remote_password_get(service->remote, wanted->name, &password)};

	given.password = secret_reveal(&password);
	role_peer_answer(peer, MSG_remote_password_given, id, &given);
}
