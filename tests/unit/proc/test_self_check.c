/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/self_check: a context that does what is intended, and contexts that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "base/clock.h"
#include "config/config.h"
#include "proc/self_check.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

/* What IMAPS is meant to be under these variables of the table Security. */
static struct config *intention_make(const char *variables)
{
	struct buf text = BUF_INIT(1 << 16);
	struct config *config = NULL;
	struct findings findings;

	findings_init(&findings);
	buf_printf(&text, "<config><table name=\"Security\">%s</table></config>", variables);
	assert_int_equal(config_parse(buf_str(&text), "m.cfg", catalog, &findings, &config),
			 FAULT_NONE);
	findings_done(&findings);
	buf_done(&text);
	return config;
}

/* Checks a context made of some variables against others as the intention. */
static void expect(const char *effective, const char *intended, int with, const char *wanted)
{
	struct config *real = intention_make(effective), *meant = intention_make(intended);
	struct tls_context *context =
		context_make(&real->services[SERVICE_IMAPS].policy, with, NULL);
	struct self_check check;

	self_check_init(&check);
	self_check_context(&check, "IMAPS", &meant->services[SERVICE_IMAPS].policy, context,
			   catalog);
	assert_true(check.handshakes >= 4);
	buf_append_char(&check.differences, '\0');
	if (wanted[0] == '\0' ? check.differences.len > 1
			      : strstr(check.differences.data, wanted) == NULL)
		fail_msg("%s with %d: expected: %s\nis: %s", effective, with, wanted,
			 check.differences.data);
	self_check_done(&check);
	tls_context_unref(&context);
	config_unref(&real);
	config_unref(&meant);
}

#define V(name, value) "<variable name=\"" name "\">" value "</variable>"
#define PROTOCOLS(list) V("ServerTlsProtocols", list)
#define CIPHERS(list) V("ServerTlsCiphers", list)

static void test_as_intended(void **state)
{
	static const char *const policies[] = {
		"",
		PROTOCOLS("TLSv1.2,TLSv1.3"),
		PROTOCOLS("TLSv1.2"),
		PROTOCOLS("TLSv1.3"),
		PROTOCOLS("TLSv1,TLSv1.2"),
		PROTOCOLS("TLSv1"),
		V("EnableEphemeralECDH", "0"),
		V("EnableEphemeralDH", "0"),
		V("EnableEphemeralDH", "0") V("EnableEphemeralECDH", "0"),
		V("EphemeralDHKeySize", "1024") CIPHERS("DHE+AES"),
		V("ServerCipherPreference", "0"),
		CIPHERS("ECDHE+CHACHA20:ECDHE+AESGCM:TLS_CHACHA20_POLY1305_SHA256"),
		CIPHERS("HIGH"),
		V("TlsFloor", "TLSv1.2") V("TlsFloorMode", "handshake"),
		V("TlsFloor", "TLSv1.2") V("TlsFloorDate", "2999-01-01"),
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		expect(policies[i], policies[i], WITH_BOTH, "");
	expect("", "", WITH_RSA, "");
	expect(PROTOCOLS("TLSv1.2,TLSv1.3"), PROTOCOLS("TLSv1.2,TLSv1.3"), WITH_EC, "");
}

static void test_differences_are_named(void **state)
{
	expect("", PROTOCOLS("TLSv1.2,TLSv1.3"), WITH_BOTH,
	       "IMAPS: TLSv1.1 is not admitted, but its handshake succeeds\n");
	expect(PROTOCOLS("TLSv1.2,TLSv1.3"), "", WITH_BOTH,
	       "IMAPS: TLSv1 is admitted, but its handshake fails: ");
	expect(PROTOCOLS("TLSv1.2") CIPHERS("AES128-GCM-SHA256"), PROTOCOLS("TLSv1.2"), WITH_RSA,
	       "IMAPS: TLSv1.2 came about with the suite TLS_RSA_WITH_AES_128_GCM_SHA256, where "
	       "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 stands first\n");
	expect(PROTOCOLS("TLSv1.2") CIPHERS("aRSA"), PROTOCOLS("TLSv1.2"), WITH_BOTH,
	       "IMAPS: the ECDSA certificate is not shown to a client that needs it: ");
	/* Today all is well; on the day of the floor it would not be. */
	expect("", V("TlsFloor", "TLSv1.2") V("TlsFloorDate", "2999-01-01"), WITH_BOTH,
	       "IMAPS: TLSv1.1 is not admitted, but its handshake succeeds\n");
}

/* ---- through a port ---- */

/* A server of its own: POP3 as far as STARTTLS, then the context's handshake. */
struct port_server {
	struct tls_context *context;
	const char *answer; /* to STLS */
	int fd;
};

static void client_serve(const struct port_server *server, int fd)
{
	char line[64];
	SSL *ssl = SSL_new(tls_context_openssl(server->context));

	assert_int_equal(write(fd, "+OK ready\r\n", 11), 11);
	if (read(fd, line, sizeof(line)) > 0 &&
	    write(fd, server->answer, strlen(server->answer)) > 0) {
		SSL_set_fd(ssl, fd);
		(void)!SSL_accept(ssl);
	}
	SSL_free(ssl);
	ERR_clear_error();
	close(fd);
}

static void *port_serve(void *argument)
{
	const struct port_server *server = argument;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0)
		client_serve(server, fd);
	return NULL;
}

static struct sockaddr_in port_listen(int *fd_out)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	*fd_out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*fd_out, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(*fd_out, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(listen(*fd_out, SELF_CHECK_SOCKETS), 0);
	return address;
}

static void port_connect(struct self_check_port *port, const struct sockaddr_in *address)
{
	for (size_t i = 0; i < SELF_CHECK_SOCKETS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(fd, (const struct sockaddr *)address, sizeof(*address));
		port->fds[port->fd_count++] = fd;
	}
}

/* The port serves some variables, others are the intention; NULL: the port says and shows what it should. */
static void expect_port(const char *effective, const char *intended, const char *answer,
			const char *difference, const char *unreached)
{
	struct config *real = intention_make(effective), *meant = intention_make(intended);
	struct port_server server = {
		.context = context_make(&real->services[SERVICE_POP3].policy, WITH_BOTH, NULL),
		.answer = answer};
	struct self_check_port port = {.place = "POP3 here", .dialogue = &self_check_pop3};
	struct self_check check;
	pthread_t thread;

	self_check_init(&check);
	struct sockaddr_in address = port_listen(&server.fd);
	port_connect(&port, &address);
	assert_int_equal(pthread_create(&thread, NULL, port_serve, &server), 0);
	self_check_through_port(&check, &port, &meant->services[SERVICE_POP3].policy,
				server.context, catalog);
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(server.fd);
	buf_append_char(&check.differences, '\0');
	buf_append_char(&check.unreached, '\0');
	if (difference == NULL)
		assert_string_equal(check.differences.data, "");
	else if (strstr(check.differences.data, difference) == NULL)
		fail_msg("expected %s, is %s", difference, check.differences.data);
	if (unreached == NULL)
		assert_string_equal(check.unreached.data, "");
	else if (strstr(check.unreached.data, unreached) == NULL)
		fail_msg("expected %s, is %s", unreached, check.unreached.data);
	self_check_done(&check);
	tls_context_unref(&server.context);
	config_unref(&real);
	config_unref(&meant);
}

static void test_through_a_port(void **state)
{
	expect_port("", "", "+OK\r\n", NULL, NULL);
	expect_port(PROTOCOLS("TLSv1.2"), PROTOCOLS("TLSv1.2"), "+OK\r\n", NULL, NULL);
	expect_port("", PROTOCOLS("TLSv1.2,TLSv1.3"), "+OK\r\n",
		    "POP3 here: TLSv1.1 is not admitted, but its handshake succeeds\n", NULL);
	expect_port(PROTOCOLS("TLSv1.2,TLSv1.3"), "", "+OK\r\n",
		    "POP3 here: TLSv1 is admitted, but its handshake fails: ", NULL);
	/* What does not answer as a server of ours shows nothing of a policy. */
	expect_port("", "", "-ERR\r\n", NULL, "POP3 here: STARTTLS was not answered as it should be\n");
}

static void test_a_port_that_is_closed(void **state)
{
	struct config *meant = intention_make("");
	struct tls_context *context =
		context_make(&meant->services[SERVICE_POP3].policy, WITH_BOTH, NULL);
	struct self_check_port port = {.place = "POP3 here", .dialogue = &self_check_pop3};
	struct self_check check;
	int fd;

	self_check_init(&check);
	struct sockaddr_in address = port_listen(&fd);
	close(fd);
	port_connect(&port, &address);
	self_check_through_port(&check, &port, &meant->services[SERVICE_POP3].policy, context,
				catalog);
	/* Once, however many sockets there were. */
	assert_true(str_equals(buf_str(&check.unreached),
			       STR("POP3 here: Connection refused\n")));
	assert_int_equal(check.differences.len, 0);
	assert_int_equal(check.handshakes, 0);
	self_check_done(&check);
	tls_context_unref(&context);
	config_unref(&meant);
}

/* Its server says nothing; whoever ends meanwhile does not wait for that. */
static void test_a_check_that_is_given_up(void **state)
{
	static const bool is_given_up = true;
	struct config *meant = intention_make("");
	struct tls_context *context =
		context_make(&meant->services[SERVICE_POP3].policy, WITH_BOTH, NULL);
	struct self_check_port port = {.place = "POP3 here",
				       .dialogue = &self_check_pop3,
				       .is_given_up = &is_given_up};
	struct self_check check;
	int fd;

	self_check_init(&check);
	struct sockaddr_in address = port_listen(&fd);
	port_connect(&port, &address);
	int64_t begin = clock_mono_ms();
	self_check_through_port(&check, &port, &meant->services[SERVICE_POP3].policy, context,
				catalog);
	/* A server is given 15 seconds. */
	assert_true(clock_mono_ms() - begin < 10000);
	assert_int_equal(check.differences.len, 0);
	self_check_done(&check);
	tls_context_unref(&context);
	config_unref(&meant);
	close(fd);
}

static int catalog_make(void **state)
{
	catalog = tls_catalog_new();
	/* As roles do. */
	signal(SIGPIPE, SIG_IGN);
	return world_make(state);
}

static int catalog_drop(void **state)
{
	tls_catalog_free(&catalog);
	return world_drop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_intended),
		cmocka_unit_test(test_differences_are_named),
		cmocka_unit_test(test_through_a_port),
		cmocka_unit_test(test_a_port_that_is_closed),
		cmocka_unit_test(test_a_check_that_is_given_up),
	};

	return cmocka_run_group_tests(tests, catalog_make, catalog_drop);
}
