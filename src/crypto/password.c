/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"

#include <argon2.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/random.h"

/* OWASP's and RFC 9106's small-memory choice: a login costs 45 ms and 19 MiB. */
enum { MEMORY_KIB = 19 * 1024, PASSES = 2, LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };

/* A password as it is hashed; owned, wiped at the end. */
struct prepared {
	utf8proc_uint8_t *owned; /* NULL when the given bytes serve as they are */
	size_t owned_len;
	struct str text;
};

static void prepared_done(struct prepared *prepared)
{
	if (prepared->owned != NULL)
		explicit_bzero(prepared->owned, prepared->owned_len);
	free(prepared->owned);
	prepared->owned = NULL;
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

/* RFC 8265 section 4.2.1 rule 4: Normalization Form C. */
static void prepare(struct prepared *prepared, struct str password)
{
	*prepared = (struct prepared){.text = password};
	if (is_ascii(password))
		return;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)password.ptr,
					    (utf8proc_ssize_t)password.len, &prepared->owned,
					    UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (len < 0 || prepared->owned == NULL) {
		prepared->owned = NULL;
		return;
	}
	prepared->owned_len = (size_t)len;
	prepared->text = str_make(prepared->owned, (size_t)len);
}

enum fault password_hash(struct str password, struct buf *encoded)
{
	__attribute__((cleanup(prepared_done))) struct prepared prepared;
	char text[PASSWORD_HASH_MAX];
	uint8_t salt[SALT_BYTES];

	random_bytes(salt, sizeof(salt));
	prepare(&prepared, password);
	int result = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, prepared.text.ptr,
					   prepared.text.len, salt, sizeof(salt), HASH_BYTES, text,
					   sizeof(text));
	if (result != ARGON2_OK)
		return FAULT_MEMORY;
	buf_append_c(encoded, text);
	return FAULT_NONE;
}

enum fault password_verify(struct str encoded, struct str password, bool *is_right_out)
{
	__attribute__((cleanup(prepared_done))) struct prepared prepared;
	char text[PASSWORD_HASH_MAX];

	if (!str_copy_c(encoded, text, sizeof(text)))
		return FAULT_CORRUPT;
	prepare(&prepared, password);
	int result = argon2id_verify(text, prepared.text.ptr, prepared.text.len);
	if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
		return FAULT_MEMORY;
	if (result != ARGON2_OK && result != ARGON2_VERIFY_MISMATCH)
		return FAULT_CORRUPT;
	*is_right_out = result == ARGON2_OK;
	return FAULT_NONE;
}
