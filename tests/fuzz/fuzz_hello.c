/* SPDX-License-Identifier: Apache-2.0 */
/* The parsers of ClientHello, in both its forms, and of ServerHello: bounded, and the same twice. */
#include <string.h>

#include "base/check.h"
#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_offer offer, again;
	struct tls_answer answer = {.version = 0}, same = {.version = 0};

	CHECK(tls_answer_parse(str_make(data, size), &answer) ==
	      tls_answer_parse(str_make(data, size), &same));
	CHECK(answer.version == same.version && answer.suite == same.suite);

	for (int is_sslv2 = 0; is_sslv2 < 2; is_sslv2++) {
		bool is_good = tls_offer_parse(str_make(data, size), is_sslv2 == 1, &offer);
		CHECK(tls_offer_parse(str_make(data, size), is_sslv2 == 1, &again) == is_good);
		CHECK(offer.suite_count == again.suite_count && offer.versions == again.versions);
		CHECK(offer.suite_count <= OFFER_SUITES_MAX);
		CHECK(offer.group_count <= OFFER_GROUPS_MAX);
		CHECK(offer.scheme_count <= OFFER_SCHEMES_MAX);
		CHECK((offer.versions == 0) == (offer.highest == TLS_PROTOCOL_COUNT));
	}
	return 0;
}
