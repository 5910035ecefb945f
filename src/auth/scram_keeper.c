/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/scram_keeper.h"

#include "base/cursor.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"
#include "proto/sasl.h"
#include "proto/scram.h"

enum { NONCE_BYTES = 18, SEALED_MAX = 4096 };

_Static_assert((int)SCRAM_DIGEST_BYTES == (int)SHA256_BYTES, "the messages carry SHA-256");
_Static_assert((int)SASL_ANSWER_MAX >= (int)SCRAM_MESSAGE_MAX * 4 / 3 + 4, "in base64 it fits");

void scram_keeper_init(struct scram_keeper *keeper, const struct mac_key *salt_key)
{
	mac_key_init(&keeper->seal_key);
	keeper->salt_key = *salt_key;
	random_bytes(&keeper->decoy, sizeof(keeper->decoy));
	keeper->decoy.iterations = SCRAM_ITERATIONS;
}

void scram_keeper_done(struct scram_keeper *keeper)
{
	explicit_bzero(keeper, sizeof(*keeper));
}

void scram_keeper_salt(const struct scram_keeper *keeper, struct str account,
		       uint8_t salt_out[SCRAM_SALT_BYTES])
{
	uint8_t mac[MAC_BYTES];

	mac_compute(&keeper->salt_key, account, mac);
	memcpy(salt_out, mac, SCRAM_SALT_BYTES);
}

static void append_u64(struct buf *to, uint64_t number)
{
	char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(number >> (56 - 8 * i));
	buf_append(to, bytes, sizeof(bytes));
}

/* Lengths keep the texts apart. */
static void append_framed(struct buf *to, struct str text)
{
	append_u64(to, text.len);
	buf_append_str(to, text);
}

/* False when the texts are longer than any that we sealed. */
static bool seal_compute(const struct scram_keeper *keeper, uint64_t until_ms, struct str account,
			 struct str first, struct str challenge, uint8_t mac_out[MAC_BYTES])
{
	struct buf sealed = BUF_INIT(SEALED_MAX);

	append_u64(&sealed, until_ms);
	append_framed(&sealed, account);
	append_framed(&sealed, first);
	append_framed(&sealed, challenge);
	bool fits = !sealed.failed;
	if (fits)
		mac_compute(&keeper->seal_key, buf_str(&sealed), mac_out);
	buf_done(&sealed);
	return fits;
}

static bool seal_append(const struct scram_keeper *keeper, uint64_t until_ms, struct str account,
			struct str first, struct str challenge, struct buf *seal)
{
	uint8_t mac[MAC_BYTES];

	if (!seal_compute(keeper, until_ms, account, first, challenge, mac))
		return false;
	append_u64(seal, until_ms);
	buf_append(seal, mac, sizeof(mac));
	return !seal->failed;
}

static bool seal_holds(const struct scram_keeper *keeper, const struct scram_attempt *attempt,
		       int64_t now_ms)
{
	struct cursor cursor = cursor_make(attempt->seal);
	uint64_t until_ms = cursor_u64(&cursor);
	uint8_t mac[MAC_BYTES];

	return seal_compute(keeper, until_ms, attempt->account, attempt->first, attempt->challenge,
			    mac) &&
	       secret_equals(cursor_rest(&cursor), str_make(mac, sizeof(mac))) &&
	       (uint64_t)now_ms < until_ms;
}

enum fault scram_keeper_begin(const struct scram_keeper *keeper, struct str account,
			      const struct scram_verifier *verifier, struct str first,
			      int64_t now_ms, struct buf *challenge, struct buf *seal)
{
	struct buf nonce = BUF_INIT(2 * NONCE_BYTES);
	uint8_t bytes[NONCE_BYTES], salt[SCRAM_SALT_BYTES];
	struct scram_first parsed;

	if (!scram_first_parse(first, &parsed))
		return FAULT_INVALID;
	scram_keeper_salt(keeper, account, salt);
	random_bytes(bytes, sizeof(bytes));
	base64_encode(&nonce, str_make(bytes, sizeof(bytes)));
	/* One kept by an environment with another key may have another salt. */
	if (verifier == NULL)
		verifier = &keeper->decoy;
	else
		memcpy(salt, verifier->salt, sizeof(salt));
	scram_append_challenge(challenge, parsed.nonce, buf_str(&nonce),
			       str_make(salt, sizeof(salt)), verifier->iterations);
	buf_done(&nonce);
	if (challenge->failed || !seal_append(keeper, (uint64_t)now_ms + SCRAM_EXCHANGE_MS, account,
					      first, buf_str(challenge), seal))
		return FAULT_INVALID;
	return FAULT_NONE;
}

/* The nonce of a challenge of ours, which begins with it. */
static struct str challenge_nonce(struct str challenge)
{
	struct str rest = str_from(challenge, 2);

	return str_cut(&rest, ',');
}

/* What the last message must repeat: of a binding the header and the connection's data. */
static bool binding_is_right(const struct scram_attempt *attempt, const struct scram_first *first,
			     const struct scram_final *final)
{
	bool is_bound = first->flag == SCRAM_BOUND;

	return is_bound == !str_is_empty(attempt->binding) &&
	       scram_binding_check(final->binding, first->header, attempt->binding);
}

enum fault scram_keeper_finish(const struct scram_keeper *keeper,
			       const struct scram_verifier *verifier,
			       const struct scram_attempt *attempt, int64_t now_ms,
			       enum scram_verdict *verdict_out, struct buf *answer)
{
	struct buf text = BUF_INIT(SEALED_MAX);
	uint8_t signature[SHA256_BYTES];
	struct scram_first first;
	struct scram_final final;

	if (!scram_first_parse(attempt->first, &first) ||
	    !scram_final_parse(attempt->last, &final))
		return FAULT_INVALID;
	if (!seal_holds(keeper, attempt, now_ms))
		return FAULT_CONFLICT;
	scram_append_signed(&text, first.bare, attempt->challenge, final.without_proof);
	if (text.failed) {
		buf_done(&text);
		return FAULT_INVALID;
	}
	bool has_verifier = verifier != NULL;
	if (!has_verifier)
		verifier = &keeper->decoy;
	/* Everything is computed whatever the outcome, so that time tells nothing. */
	bool is_right = scram_proof_is_right(verifier, buf_str(&text), final.proof);
	bool is_bound = binding_is_right(attempt, &first, &final);
	scram_server_sign(verifier, buf_str(&text), signature);
	buf_done(&text);
	is_right &= has_verifier &&
		    str_equals(final.nonce, challenge_nonce(attempt->challenge));
	*verdict_out = !is_right ? SCRAM_WRONG : is_bound ? SCRAM_RIGHT : SCRAM_WRONG_BINDING;
	if (*verdict_out == SCRAM_RIGHT)
		scram_append_verified(answer, signature);
	return FAULT_NONE;
}
