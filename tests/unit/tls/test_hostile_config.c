/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of crypto/library and tls/context under an openssl.cnf that means ill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "tls/catalog.h"
#include "tls/client.h"

static const char hostile[] = "openssl_conf = start\n"
			      "[start]\nssl_conf = ssl\nalg_section = algorithms\n"
			      "[algorithms]\ndefault_properties = provider=none\n"
			      "[ssl]\nsystem_default = defaults\n"
			      "[defaults]\nMinProtocol = TLSv1.3\nMaxProtocol = TLSv1.3\n"
			      "CipherString = NULL-SHA256:@SECLEVEL=0\n"
			      "Ciphersuites = TLS_AES_128_CCM_8_SHA256\n"
			      "Groups = P-521\nOptions = -SessionTicket\n";

/* Runs a function in a child, which has its own OpenSSL; gives its exit code. */
static int in_child(int (*run)(void))
{
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(run());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 0 when a program that does not mind the file falls for it: else the test would prove nothing. */
static int is_file_hostile(void)
{
	SSL_CTX *careless = SSL_CTX_new(TLS_method());

	return careless == NULL || SSL_CTX_get_min_proto_version(careless) == TLS1_3_VERSION ? 0
											     : 1;
}

static void test_the_file_is_hostile(void **state)
{
	assert_int_equal(in_child(is_file_hostile), 0);
}

/* cmocka's checks cannot be used in the child; the code tells which step failed. */
static int every_version_still_shakes(void)
{
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
				       TLS1_3_VERSION};

	(void)world_make(NULL);
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	for (int i = 0; i < 4; i++) {
		SSL_CTX *client = client_make(versions[i], versions[i]);
		struct handshake shake;
		SSL_CTX_set_ciphersuites(client, "TLS_AES_256_GCM_SHA384");
		SSL_CTX_set1_groups_list(client, "X25519");
		SSL_CTX_clear_options(client, SSL_OP_NO_TICKET);
		handshake_run(&shake, context, client, NULL, NULL);
		if (!handshake_is_good(&shake) || !handshake_talk(&shake))
			return 1 + i;
		handshake_done(&shake);
		SSL_CTX_free(client);
	}
	SSL_CTX *openssl = tls_context_openssl(context);
	if (SSL_CTX_get_security_level(openssl) != 2)
		return 10;
	if (SSL_CTX_get_min_proto_version(openssl) != TLS1_VERSION)
		return 11;
	tls_context_unref(&context);
	(void)world_drop(NULL);
	return 0;
}

static void test_a_context_does_not_mind_it(void **state)
{
	assert_int_equal(in_child(every_version_still_shakes), 0);
}

static int client_still_shakes(void)
{
	struct buf why = BUF_INIT(1024);
	struct tls_demand demand = demand_may();
	struct tls_connection *client = NULL;
	enum io ours = IO_WANT_OUTPUT, theirs = IO_WANT_INPUT;
	int fds[2];

	(void)world_make(NULL);
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT), client_policy = policy;
	policy_set_protocols(&policy, ONLY(1_2));
	client_policy.direction = TLS_CLIENT;
	struct tls_context *listener = context_make(&policy, WITH_RSA, NULL);
	struct tls_context *context = context_make(&client_policy, 0, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		return 1;
	struct tls_client_parts parts = {
		.context = context, .fd = fds[0], .host = STR("mail.example.test"), .demand = &demand};
	if (tls_client_new(&parts, &why, &client) != FAULT_NONE)
		return 2;
	struct tls_connection *server = tls_connection_new(listener, fds[1]);
	for (int i = 0; i < 10; i++) {
		ours = ours == IO_DONE ? IO_DONE : tls_handshake(client);
		theirs = theirs == IO_DONE ? IO_DONE : tls_handshake(server);
	}
	if (theirs != IO_DONE || SSL_CTX_get_security_level(tls_context_openssl(context)) != 2)
		return 3;
	tls_connection_free(&client);
	tls_connection_free(&server);
	tls_context_unref(&context);
	tls_context_unref(&listener);
	(void)world_drop(NULL);
	return 0;
}

static void test_a_client_does_not_mind_it(void **state)
{
	assert_int_equal(in_child(client_still_shakes), 0);
}

static int catalog_is_whole(void)
{
	const struct suite_catalog *catalog = tls_catalog_new();
	bool is_whole = catalog->protocols == TLS_PROTOCOLS_DEFAULT && catalog->tls13_count == 3 &&
			catalog->tls13[0] == 0x1302 && catalog->suite_count > 100;

	tls_catalog_free(&catalog);
	return is_whole ? 0 : 1;
}

static void test_the_catalog_does_not_mind_it(void **state)
{
	assert_int_equal(in_child(catalog_is_whole), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_file_is_hostile),
		cmocka_unit_test(test_a_context_does_not_mind_it),
		cmocka_unit_test(test_a_client_does_not_mind_it),
		cmocka_unit_test(test_the_catalog_does_not_mind_it),
	};
	char path[] = "/tmp/postern-openssl-cnf-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, hostile, sizeof(hostile) - 1) != (ssize_t)sizeof(hostile) - 1)
		return 1;
	close(fd);
	setenv("OPENSSL_CONF", path, 1);
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return result;
}
