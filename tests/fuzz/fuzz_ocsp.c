/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes tls/ocsp: whatever a responder sends, it is judged or refused in words. The
 * certificate is a fixed one, so nothing signed by nobody may ever hold.
 */
#include <stdlib.h>

#include "tls/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_certificate *certificate_get(void)
{
	static struct tls_certificate *certificate;
	struct tls_pair rsa, ec;
	struct buf why = BUF_INIT(1024);

	if (certificate != NULL)
		return certificate;
	CHECK(tls_pairs_make(STR("mail.example.test"), &rsa, &ec, &why) == FAULT_NONE);
	CHECK(tls_certificate_parse(buf_str(&ec.chain), &why, &certificate) == FAULT_NONE);
	tls_pair_done(&rsa);
	tls_pair_done(&ec);
	return certificate;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_ocsp_answer answer = {.state = TLS_OCSP_NONE};
	struct buf why = BUF_INIT(4096);

	/* The issuer's key was thrown away: an answer that holds would be a forgery. */
	CHECK(tls_ocsp_check(certificate_get(), str_make(data, size), 1800000000, &answer, &why) ==
	      FAULT_INVALID);
	CHECK(why.len > 0 && answer.state == TLS_OCSP_NONE);
	buf_done(&why);
	return 0;
}
