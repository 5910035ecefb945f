/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/remote.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/random.h"

#define KEY_FILE "remote.key"

struct remote_passwords {
	struct credentials *credentials;
	struct seal_key key;
};

static enum fault key_make(const char *path, struct seal_key *key)
{
	random_bytes(key->bytes, sizeof(key->bytes));
	return file_replace(path, str_make(key->bytes, sizeof(key->bytes)), 0600);
}

static enum fault key_read(const char *path, struct seal_key *key)
{
	struct buf bytes = BUF_INIT(SEAL_KEY_BYTES + 1);
	enum fault fault = file_read(path, &bytes);

	if (fault == FAULT_NONE && bytes.len != SEAL_KEY_BYTES)
		fault = FAULT_CORRUPT;
	if (fault == FAULT_NONE)
		memcpy(key->bytes, bytes.data, SEAL_KEY_BYTES);
	buf_wipe(&bytes);
	return fault;
}

enum fault remote_passwords_open(const char *folder, struct credentials *credentials,
				 struct remote_passwords **out)
{
	struct remote_passwords *passwords = calloc(1, sizeof(*passwords));
	char *path = path_join(folder, KEY_FILE);

	CHECK(passwords != NULL);
	passwords->credentials = credentials;
	enum fault fault = key_read(path, &passwords->key);
	if (fault == FAULT_NOT_FOUND)
		fault = key_make(path, &passwords->key);
	free(path);
	*out = passwords;
	if (fault != FAULT_NONE)
		remote_passwords_close(out);
	return fault;
}

void remote_passwords_close(struct remote_passwords **passwords)
{
	struct remote_passwords *closed = *passwords;

	*passwords = NULL;
	if (closed == NULL)
		return;
	explicit_bzero(&closed->key, sizeof(closed->key));
	free(closed);
}

const struct seal_key *remote_passwords_key(const struct remote_passwords *passwords)
{
	return &passwords->key;
}

/* A name goes through logs and lists: no blanks, no controls. */
static bool name_check(struct str name)
{
	if (name.len == 0 || name.len > REMOTE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (ascii_is_space(name.ptr[i]) || ascii_is_control(name.ptr[i]))
			return false;
	return true;
}

enum fault remote_password_set(struct remote_passwords *passwords, struct str name,
			       struct str password)
{
	struct buf sealed = BUF_INIT(SECRET_MAX + SEAL_OVERHEAD + 1);

	if (!name_check(name) || password.len > SECRET_MAX)
		return FAULT_INVALID;
	if (password.len > 0)
		seal_bytes(&passwords->key, name, password, &sealed);
	enum fault fault =
		credentials_kept_put(passwords->credentials, CREDENTIALS_REMOTE, name,
				     buf_str(&sealed));
	buf_done(&sealed);
	return fault;
}

enum fault remote_password_get(struct remote_passwords *passwords, struct str name,
			       struct secret *password_out)
{
	struct buf sealed = BUF_INIT(CREDENTIALS_KEPT_MAX);
	struct buf plain = BUF_INIT(SECRET_MAX + 1);
	enum fault fault = credentials_kept_get(passwords->credentials, CREDENTIALS_REMOTE, name,
						&sealed);

	if (fault == FAULT_NONE &&
	    (!seal_open(&passwords->key, name, buf_str(&sealed), &plain) ||
	     !secret_set(password_out, buf_str(&plain))))
		fault = FAULT_CORRUPT;
	buf_done(&sealed);
	buf_wipe(&plain);
	return fault;
}

static void name_append(void *context, struct str name, struct str value)
{
	struct buf *to = context;

	buf_append_str(to, name);
	buf_append_char(to, '\n');
}

enum fault remote_password_names(struct remote_passwords *passwords, struct buf *to)
{
	return credentials_kept_walk(passwords->credentials, CREDENTIALS_REMOTE, name_append, to);
}
