/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes whole sessions: the first byte chooses the service and where the
 * input is cut in two, the rest is what the peer says. Runner, server and
 * grammars are real; store, auth and TLS are the stand-ins of the unit tests.
 */
#include "fixture.h"

#include "httpd/httpd.h"
#include "pop3d/pop3d.h"
#include "smtpd/smtpd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	enum service_id service;
	const struct protocol *protocol;
} targets[] = {
	{SERVICE_SMTP, &smtpd_protocol},  {SERVICE_SUBMISSION, &smtpd_protocol},
	{SERVICE_SMTPS, &smtpd_protocol}, {SERVICE_POP3, &pop3d_protocol},
	{SERVICE_POP3S, &pop3d_protocol}, {SERVICE_HTTPS, &httpd_protocol},
};

enum { TARGET_COUNT = sizeof(targets) / sizeof(targets[0]) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct str text = str_make(data + 1, size - 1);
	size_t cut = text.len * (data[0] / TARGET_COUNT) / 43;

	fixture_setup(NULL);
	fixture.messages[0].body = STR("Subject: one\r\n\r\n.\r\ntext");
	fixture.message_count = 1;
	fixture_connect(targets[data[0] % TARGET_COUNT].service,
			targets[data[0] % TARGET_COUNT].protocol);
	fixture_say_bytes(str_sub(text, 0, cut));
	fixture_say_bytes(str_from(text, cut));
	/* What comes to the store is whole lines for somebody. */
	CHECK(fixture.append_count == 0 || fixture.append_targets > 0);
	fixture_teardown(NULL);
	return 0;
}
