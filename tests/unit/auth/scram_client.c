/* SPDX-License-Identifier: Apache-2.0 */
#include "scram_client.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/encode.h"

/* The value of "X=..." in a message. */
static struct str value_of(struct str message, char mark)
{
	for (struct str rest = message; rest.ptr != NULL;) {
		struct str item = str_cut(&rest, ',');
		if (item.len > 2 && item.ptr[0] == mark && item.ptr[1] == '=')
			return str_from(item, 2);
	}
	return str_make(NULL, 0);
}

static void hmac(const unsigned char *key, struct str text, unsigned char *to)
{
	CHECK(HMAC(EVP_sha256(), key, 32, (const unsigned char *)text.ptr, text.len, to, NULL) !=
	      NULL);
}

static void proof_make(struct str password, struct str challenge, struct str signed_text,
		       unsigned char proof[32])
{
	unsigned char salted[32], client_key[32], stored_key[32], signature[32];
	struct buf salt = BUF_INIT(64);
	uint64_t iterations;

	CHECK(base64_decode(&salt, value_of(challenge, 's')));
	CHECK(str_parse_u64(value_of(challenge, 'i'), 1000000, &iterations));
	CHECK(PKCS5_PBKDF2_HMAC(password.ptr, (int)password.len, (unsigned char *)salt.data,
				(int)salt.len, (int)iterations, EVP_sha256(), 32, salted) == 1);
	hmac(salted, STR("Client Key"), client_key);
	SHA256(client_key, sizeof(client_key), stored_key);
	hmac(stored_key, signed_text, signature);
	for (size_t i = 0; i < 32; i++)
		proof[i] = client_key[i] ^ signature[i];
	buf_done(&salt);
}

void scram_client_final(struct str password, struct str first_bare, struct str header,
			struct str binding, struct str challenge, struct buf *to)
{
	scram_client_final_with(value_of(challenge, 'r'), password, first_bare, header, binding,
				challenge, to);
}

void scram_client_final_with(struct str nonce, struct str password, struct str first_bare,
			     struct str header, struct str binding, struct str challenge,
			     struct buf *to)
{
	struct buf bound = BUF_INIT(512), signed_text = BUF_INIT(4096);
	unsigned char proof[32];
	size_t start = to->len;

	buf_append_str(&bound, header);
	buf_append_str(&bound, binding);
	buf_append_str(to, STR("c="));
	base64_encode(to, buf_str(&bound));
	buf_append_str(to, STR(",r="));
	buf_append_str(to, nonce);
	buf_append_str(&signed_text, first_bare);
	buf_append_char(&signed_text, ',');
	buf_append_str(&signed_text, challenge);
	buf_append_char(&signed_text, ',');
	buf_append_str(&signed_text, str_from(buf_str(to), start));
	proof_make(password, challenge, buf_str(&signed_text), proof);
	buf_append_str(to, STR(",p="));
	base64_encode(to, str_make(proof, sizeof(proof)));
	buf_done(&bound);
	buf_done(&signed_text);
}
