/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/scram and proto/saslprep: the first line as both messages, the name in it prepared. */
#include "proto/saslprep.h"
#include "proto/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Views lie in the message, and their pieces make it up again. */
static void first_check(struct str message)
{
	struct buf name = BUF_INIT(SASLPREP_MAX), prepared = BUF_INIT(SASLPREP_MAX);
	struct buf again = BUF_INIT(SASLPREP_MAX);
	struct scram_first first;

	if (!scram_first_parse(message, &first))
		return;
	CHECK(first.header.ptr == message.ptr);
	CHECK(first.bare.ptr == message.ptr + first.header.len);
	CHECK(first.header.len + first.bare.len == message.len);
	CHECK(first.nonce.len > 0 && first.nonce.len <= SCRAM_CLIENT_NONCE_MAX);
	CHECK((first.flag == SCRAM_BOUND) == (first.binding_name.len > 0));
	CHECK(scram_name_append(&name, first.user) && (name.failed || name.len > 0));
	if (saslprep(&prepared, buf_str(&name))) {
		CHECK(!prepared.failed && prepared.len > 0);
		/* A name that was prepared stays, where it is not refused as what it became. */
		if (saslprep(&again, buf_str(&prepared)))
			CHECK(str_equals(buf_str(&prepared), buf_str(&again)));
	}
	buf_done(&name);
	buf_done(&prepared);
	buf_done(&again);
}

static void final_check(struct str message)
{
	struct scram_final final;

	if (!scram_final_parse(message, &final))
		return;
	CHECK(str_has_prefix(message, final.without_proof));
	CHECK(final.without_proof.len < message.len);
	CHECK(final.binding.len > 0 && final.nonce.len > 0);
	(void)scram_binding_check(final.binding, STR("n,,"), STR(""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = str_make(data, size);

	if (size == 0)
		return 0;
	first_check(message);
	final_check(message);
	return 0;
}
