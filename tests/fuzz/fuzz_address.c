/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/address: a key is an address again, and its own key. */
#include "proto/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make(data, size);
	struct buf key = BUF_INIT(2 * ADDRESS_MAX), again = BUF_INIT(2 * ADDRESS_MAX);
	struct address address;

	(void)domain_check(text);
	(void)domain_literal_check(text);
	if (address_parse(text, &address)) {
		CHECK(str_equals(address.text, text));
		CHECK(address.local.len + 1 + address.domain.len == text.len);
		address_append_key(&key, &address);
		CHECK(!key.failed && address_parse(buf_str(&key), &address));
		address_append_key(&again, &address);
		CHECK(str_equals(buf_str(&key), buf_str(&again)));
	}
	buf_done(&key);
	buf_done(&again);
	return 0;
}
