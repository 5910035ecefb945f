/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of deliver/own: which host is this server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#include "deliver/own.h"

enum { SMTP_PORT = 25 };

static struct config *config;
static struct own own;

/* A server that listens at these addresses. */
static void server_make(const struct str *addresses, size_t count, uint16_t port)
{
	struct service_config *smtp = &config->services[SERVICE_SMTP];

	config->server.hostname = STR("Mail.Example.org");
	smtp->enabled = true;
	smtp->port = port;
	smtp->addresses = addresses;
	smtp->address_count = count;
	own_init(&own, config, SMTP_PORT);
}

static int begin(void **state)
{
	config = calloc(1, sizeof(*config));
	return config == NULL ? 1 : 0;
}

static int end(void **state)
{
	free(config);
	return 0;
}

static bool is_own(const char *text)
{
	struct network address;

	assert_true(network_parse(str_from_c(text), &address));
	return own_address_check(&own, address.address);
}

static void test_the_name(void **state)
{
	server_make(NULL, 0, SMTP_PORT);
	assert_true(own_name_check(&own, STR("mail.example.org")));
	assert_false(own_name_check(&own, STR("example.org")));
	assert_false(own_name_check(&own, STR("")));
}

static void test_the_machine_s_name_where_none_is_set(void **state)
{
	struct dns_name machine;
	char name[DNS_NAME_MAX + 1] = "";

	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	server_make(NULL, 0, SMTP_PORT);
	config->server.hostname = STR("");
	own_init(&own, config, SMTP_PORT);
	if (!dns_name_parse(str_from_c(name), &machine))
		skip();
	assert_true(own_name_check(&own, dns_name_str(&machine)));
}

static void test_named_addresses(void **state)
{
	const struct str addresses[] = {STR_INIT("192.0.2.1"), STR_INIT("2001:db8::1")};

	server_make(addresses, 2, SMTP_PORT);
	assert_true(is_own("192.0.2.1") && is_own("::ffff:192.0.2.1") && is_own("2001:db8::1"));
	/* It stands on this machine, and does not lead to our service. */
	assert_false(is_own("127.0.0.1"));
	assert_false(is_own("192.0.2.2"));
}

static void test_every_address(void **state)
{
	const struct str any[] = {STR_INIT("0.0.0.0")};

	for (int i = 0; i < 2; i++) {
		server_make(any, (size_t)i, SMTP_PORT);
		assert_true(is_own("127.0.0.1") && is_own("127.1.2.3"));
		/* A connection to it comes here, too. */
		assert_true(is_own("0.0.0.0"));
		assert_false(is_own("192.0.2.1"));
	}
}

static void test_another_port_is_another_server(void **state)
{
	server_make(NULL, 0, 2525);
	assert_false(is_own("127.0.0.1"));
	server_make(NULL, 0, SMTP_PORT);
	config->services[SERVICE_SMTP].enabled = false;
	assert_false(is_own("127.0.0.1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_the_name),
		TEST(test_the_machine_s_name_where_none_is_set),
		TEST(test_named_addresses),
		TEST(test_every_address),
		TEST(test_another_port_is_another_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
