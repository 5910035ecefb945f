/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes tls/certificate, the reading of keys and the check of a pair: whatever is
 * in a file, it is taken or explained. A NUL byte parts the chain from the key.
 */
#include "tls/certificate_facts.h"
#include "tls/key_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct tls_certificate *certificate)
{
	struct findings findings;
	struct buf text = BUF_INIT(64 * 1024);

	findings_init(&findings);
	tls_certificate_check(certificate, "server", STR("mail.example.test"), 1800000000,
			      &findings);
	tls_certificate_describe(certificate, &text);
	(void)tls_certificate_must_staple(certificate);
	(void)tls_certificate_append_responder(certificate, &text);
	(void)tls_certificate_issuer(certificate);
	for (size_t i = 0; i < tls_certificate_name_count(certificate); i++) {
		struct str name = tls_certificate_name(certificate, i);
		CHECK(memchr(name.ptr, '\0', name.len) == NULL);
		/* Of itself, unless it is a pattern, an address, or has the root's dot. */
		int match = tls_certificate_match(certificate, name);
		CHECK(match == 2 || str_find_char(name, '*') != STR_NONE ||
		      str_find_char(name, ':') != STR_NONE ||
		      ascii_is_digit(name.ptr[name.len - 1]) ||
		      str_has_suffix_nocase(name, STR(".")));
	}
	buf_done(&text);
	findings_done(&findings);
}

/* What is handed on is read again as the same. */
static void hand_on(const struct tls_certificate *certificate)
{
	struct buf pem = BUF_INIT(1 << 20), why = BUF_INIT(4096);
	struct tls_certificate *again = NULL;

	tls_certificate_append_pem(certificate, &pem);
	if (pem.len <= TLS_PEM_MAX) {
		CHECK(tls_certificate_parse(buf_str(&pem), &why, &again) == FAULT_NONE);
		CHECK(memcmp(tls_certificate_digest(again), tls_certificate_digest(certificate),
			     TLS_KEY_ID_BYTES) == 0);
	}
	tls_certificate_unref(&again);
	buf_done(&pem);
	buf_done(&why);
}

static void pair_use(struct str input)
{
	struct str chain = str_cut(&input, '\0');
	struct findings findings;

	findings_init(&findings);
	bool is_usable = tls_pair_check(chain, input, "server", STR(""), 1800000000, &findings);
	CHECK(is_usable == !findings_has_errors(&findings));
	findings_done(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str pem = str_make(data, size);
	struct buf why = BUF_INIT(4096);
	struct tls_certificate *certificate = NULL;
	struct key_ring *ring = key_ring_new();
	unsigned char id[KEY_ID_BYTES];

	if (tls_certificate_parse(pem, &why, &certificate) == FAULT_NONE) {
		use(certificate);
		hand_on(certificate);
	} else
		CHECK(certificate == NULL && why.len > 0);
	buf_reset(&why);
	if (key_ring_add(ring, 1, 1, pem, id, &why) != FAULT_NONE)
		CHECK(why.len > 0);
	pair_use(pem);
	tls_certificate_unref(&certificate);
	key_ring_free(&ring);
	buf_done(&why);
	return 0;
}
