/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/sasl: the first byte chooses the mechanism, the lines follow. */
#include "proto/sasl.h"

/* What an answer of the auth role may have. */
enum { ANSWER_BYTES = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sasl sasl;

	if (size == 0)
		return 0;
	struct str rest = str_make(data + 1, size - 1);
	bool has_initial = (data[0] & 2) != 0;
	struct str initial = has_initial ? str_cut(&rest, '\n') : str_make(NULL, 0);
	enum sasl_mechanism mechanism = data[0] & 8   ? SASL_EXTERNAL
					: data[0] & 4 ? SASL_SCRAM_SHA_256
					: data[0] & 1 ? SASL_LOGIN
						      : SASL_PLAIN;
	enum sasl_step step = sasl_begin(&sasl, mechanism, has_initial, initial);
	for (int i = 0; i < 6 && (step == SASL_CHALLENGE || step == SASL_MESSAGE); i++) {
		if (step == SASL_MESSAGE)
			step = sasl_answer(&sasl, str_sub(sasl_message(&sasl), 0, ANSWER_BYTES));
		step = sasl_respond(&sasl, str_cut(&rest, '\n'));
	}
	/* No mechanism of ours asks more often. */
	CHECK(step != SASL_CHALLENGE && step != SASL_MESSAGE);
	if (step == SASL_DONE && mechanism == SASL_EXTERNAL)
		CHECK(str_find_char(sasl_user(&sasl), '\0') == STR_NONE);
	else if (step == SASL_DONE && mechanism != SASL_SCRAM_SHA_256)
		CHECK(sasl_user(&sasl).len > 0 && secret_reveal(&sasl.password).len > 0);
	else
		CHECK(sasl_user(&sasl).len == 0 && secret_reveal(&sasl.password).len == 0);
	sasl_wipe(&sasl);
	return 0;
}
