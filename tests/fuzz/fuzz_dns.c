/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/dns: the data of records as a stranger's server fills them. */
#include "proto/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever was taken is a name that reads back as itself. */
static void name_check(const struct dns_name *name)
{
	struct dns_name again;

	CHECK(name->len <= DNS_NAME_MAX && name->text[name->len] == '\0');
	if (name->len > 0) {
		CHECK(dns_name_parse(dns_name_str(name), &again));
		CHECK(str_equals(dns_name_str(&again), dns_name_str(name)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_make(data, size);
	static const enum dns_type types[] = {DNS_A,	DNS_MX,	 DNS_PTR,  DNS_TXT,
					      DNS_AAAA, DNS_SRV, DNS_TLSA, DNS_CAA};
	struct buf text = BUF_INIT(size + 1), shown = BUF_INIT(16 * size + 1000);
	struct dns_name name;
	struct dns_mx mx;
	uint8_t address[16];

	if (dns_name_read(bytes, &name) || dns_name_parse(bytes, &name))
		name_check(&name);
	if (dns_mx_read(bytes, &mx))
		name_check(&mx.host);
	(void)!dns_address_read(bytes, size % 2 == 0 ? DNS_A : DNS_AAAA, address);
	if (!dns_text_append(bytes, &text))
		CHECK(text.len == 0);
	CHECK(!text.failed);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		dns_record_append_text(&shown, types[i], bytes);
	/* Whatever a stranger has in his zone: lines of a list are not forged with it. */
	CHECK(str_find_char(buf_str(&shown), '\n') == STR_NONE);
	if (size >= 16) {
		dns_reverse_name(data, &name);
		name_check(&name);
	}
	buf_done(&text);
	buf_done(&shown);
	return 0;
}
