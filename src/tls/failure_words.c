/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of failure.h. */
#include "tls/failure.h"

static const struct tls_failure_row failures[TLS_FAILURE_COUNT] = {
#define X(id, what, cure) {what, cure},
	TLS_FAILURE_TABLE(X)
#undef X
};

static const char *const names[TLS_FAILURE_COUNT] = {
#define X(id, what, cure) #id,
	TLS_FAILURE_TABLE(X)
#undef X
};

static const struct tls_alert_row alerts[] = {
#define X(number, name, meaning, cure) {number, name, meaning, cure},
	TLS_ALERT_TABLE(X)
#undef X
};

const struct tls_failure_row *tls_failure_row(enum tls_failure failure)
{
	CHECK(failure < TLS_FAILURE_COUNT);
	return &failures[failure];
}

const char *tls_failure_name(enum tls_failure failure)
{
	CHECK(failure < TLS_FAILURE_COUNT);
	return names[failure];
}

size_t tls_alert_count(void)
{
	return sizeof(alerts) / sizeof(alerts[0]);
}

const struct tls_alert_row *tls_alert_at(size_t index)
{
	CHECK(index < tls_alert_count());
	return &alerts[index];
}

const struct tls_alert_row *tls_alert_row(int alert)
{
	for (size_t i = 0; i < tls_alert_count(); i++) {
		if (alerts[i].alert == alert)
			return &alerts[i];
	}
	return NULL;
}
