/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/idn.h"

#include <idn2.h>

/* Four bytes a character at most, and as many characters as a name can have. */
enum { DOMAIN_UTF8_MAX = 4 * DNS_NAME_MAX };

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

bool idn_to_ascii(struct str domain, struct dns_name *name_out)
{
	char utf8[DOMAIN_UTF8_MAX + 1];
	struct dns_name name;
	char *ascii = NULL;

	/* A name in ASCII is what it is: old labels that IDNA would not admit are in use. */
	if (is_ascii(domain)) {
		if (!dns_name_parse(domain, &name) || name.len == 0)
			return false;
		*name_out = name;
		return true;
	}
	if (!str_copy_c(domain, utf8, sizeof(utf8)))
		return false;
	bool is_good = idn2_to_ascii_8z(utf8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) ==
			       IDN2_OK &&
		       dns_name_parse(str_from_c(ascii), &name) && name.len > 0;
	idn2_free(ascii);
	if (is_good)
		*name_out = name;
	return is_good;
}
