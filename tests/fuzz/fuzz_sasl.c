/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/sasl: the first byte chooses the mechanism, the lines follow. */
#include "proto/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sasl sasl;

	if (size == 0)
		return 0;
	struct str rest = str_make(data + 1, size - 1);
	bool has_initial = (data[0] & 2) != 0;
	struct str initial = has_initial ? str_cut(&rest, '\n') : str_make(NULL, 0);
	enum sasl_step step =
		sasl_begin(&sasl, data[0] & 1 ? SASL_LOGIN : SASL_PLAIN, has_initial, initial);
	for (int i = 0; i < 4 && step == SASL_CHALLENGE; i++)
		step = sasl_respond(&sasl, str_cut(&rest, '\n'));
	/* No mechanism of ours asks more than twice. */
	CHECK(step != SASL_CHALLENGE);
	if (step == SASL_DONE)
		CHECK(sasl_user(&sasl).len > 0 && secret_reveal(&sasl.password).len > 0);
	else
		CHECK(sasl_user(&sasl).len == 0 && secret_reveal(&sasl.password).len == 0);
	sasl_wipe(&sasl);
	return 0;
}
