/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/protocol.h"

static const char *const names[TLS_PROTOCOL_COUNT] = {
	"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3",
};

enum tls_protocol tls_protocols_min(tls_protocols set)
{
	enum tls_protocol protocol = TLS_PROTOCOL_SSLV3;

	while (protocol < TLS_PROTOCOL_COUNT && !tls_protocols_has(set, protocol))
		protocol++;
	return protocol;
}

enum tls_protocol tls_protocols_max(tls_protocols set)
{
	for (int protocol = TLS_PROTOCOL_COUNT - 1; protocol >= 0; protocol--) {
		if (tls_protocols_has(set, (enum tls_protocol)protocol))
			return (enum tls_protocol)protocol;
	}
	return TLS_PROTOCOL_COUNT;
}

const char *tls_protocol_name(enum tls_protocol protocol)
{
	CHECK(protocol < TLS_PROTOCOL_COUNT);
	return names[protocol];
}

bool tls_protocol_from_name(struct str name, enum tls_protocol *protocol_out)
{
	if (str_equals_nocase(name, STR("TLSv1.0"))) {
		*protocol_out = TLS_PROTOCOL_1_0;
		return true;
	}
	for (int i = 0; i < TLS_PROTOCOL_COUNT; i++) {
		if (str_equals_nocase(name, str_from_c(names[i]))) {
			*protocol_out = (enum tls_protocol)i;
			return true;
		}
	}
	return false;
}
