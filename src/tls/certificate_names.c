/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate_names.h"

#include <openssl/x509.h>

enum { HOST_MAX = 253, COMMON_NAME_MAX = 64 };

/* What goes into a list of names must not hold the list's own marks. */
static bool name_is_usable(struct str name)
{
	if (str_has_prefix(name, STR("*.")))
		name = str_from(name, 2);
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alnum(name.ptr[i]) &&
		    str_find_char(STR("-._"), name.ptr[i]) == STR_NONE)
			return false;
	}
	return name.len > 0 && name.len <= HOST_MAX;
}

bool tls_names_check(const struct str *names, size_t count, struct buf *why)
{
	for (size_t i = 0; i < count; i++) {
		if (name_is_usable(names[i]))
			continue;
		buf_printf(why, "\"%.*s\" is no host name that a certificate can be made for",
			   STR_ARG(names[i]));
		return false;
	}
	if (count == 0)
		buf_append_c(why, "there is no host name to make a certificate for");
	return count > 0;
}

void tls_names_append(struct buf *to, const struct str *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_append_c(to, i == 0 ? "DNS:" : ",DNS:");
		buf_append_str(to, names[i]);
	}
}

bool tls_subject_set(X509_NAME *subject, struct str name)
{
	/* The field has a limit (RFC 5280 appendix A.1); longer names stand in the SAN alone. */
	struct str shown = str_sub(name, 0, COMMON_NAME_MAX);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					  (const unsigned char *)shown.ptr, (int)shown.len, -1,
					  0) == 1;
}
