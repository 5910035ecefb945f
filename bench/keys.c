/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the keys role signs, without TLS around it: whether it is the limit.
 *
 *   bench_keys [SIGNATURES]     20000 with ECDSA P-256, a tenth of them with RSA-2048
 *
 * Each of 1, 4, 16 and 64 clients waits for its answer before it asks again, as the workers of
 * fronts do.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "role.h"
#include "tls/certificate.h"
#include "tls/key_source.h"
#include "tls/keys.h"

enum { KEY_EC = 1, KEY_RSA = 2, CLIENTS_MAX = 64 };

static int role_main(void)
{
	struct keys *keys = keys_new((unsigned)get_nprocs());
	struct role_server server;
	struct log log;

	log_init(&log, true);
	role_server_init(&server, &keys_ops, ROLE_KEYS, BENCH_PARENT_FD, &log, keys);
	role_server_run(&server);
	role_server_done(&server);
	keys_free(&keys);
	return 0;
}

static void key_give(const struct bench_role *role, uint32_t number, struct str pem)
{
	struct msg_key_given given = {.generation = 1, .key = number, .pem = pem, .is_last = number == KEY_RSA};
	struct packet answer;

	packet_init(&answer);
	CHECK(channel_send(&role->parent, MSG_key_given, 1, &given) == FAULT_NONE);
	CHECK(channel_receive(&role->parent, &answer) == FAULT_NONE);
	CHECK(answer.header.kind == MSG_done && answer.message.done.fault == FAULT_NONE);
	packet_done(&answer);
}

struct work {
	struct key_source_remote source;
	uint32_t key;
	uint32_t scheme;
	long left; /* atomic: signatures still to make */
};

static void *client_run(void *argument)
{
	struct work *work = argument;
	struct key_source *source = &work->source.source;
	unsigned char signature[SIGN_SIGNATURE_MAX];
	char digest[32] = "something of thirty-two bytes..";
	size_t len;

	while (__atomic_sub_fetch(&work->left, 1, __ATOMIC_RELAXED) >= 0)
		CHECK(source->sign(source, work->key, work->scheme,
				   str_make(digest, sizeof(digest)), signature,
				   &len) == FAULT_NONE);
	return NULL;
}

static void measure(const struct bench_role *role, struct work *work, const char *name,
		    unsigned clients, long signatures)
{
	pthread_t threads[CLIENTS_MAX];
	double cpu = bench_role_cpu_s(role);
	double began = bench_seconds(CLOCK_MONOTONIC);

	work->left = signatures;
	for (unsigned i = 0; i < clients; i++)
		CHECK(pthread_create(&threads[i], NULL, client_run, work) == 0);
	for (unsigned i = 0; i < clients; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	double took = bench_seconds(CLOCK_MONOTONIC) - began;
	cpu = bench_role_cpu_s(role) - cpu;
	printf("%s: %2u clients: %.0f/s, %.1f us CPU of the role each, %.2f processors\n", name,
	       clients, (double)signatures / took, cpu * 1e6 / (double)signatures, cpu / took);
}

int main(int argc, char **argv)
{
	struct tls_pair rsa, ec;
	struct buf why = BUF_INIT(1024);
	struct bench_role role;
	struct role_client client;
	struct work work = {.key = KEY_EC, .scheme = 0x0403};

	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return role_main();
	long signatures = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
	CHECK(tls_pairs_make(STR("localhost"), &rsa, &ec, &why) == FAULT_NONE);
	bench_role_start(&role, ROLE_KEYS, "keys");
	key_give(&role, KEY_EC, buf_str(&ec.key));
	key_give(&role, KEY_RSA, buf_str(&rsa.key));
	role_client_init(&client, &role.connector, ROLE_KEYS, 5000);
	key_source_remote_init(&work.source, &client);
	for (unsigned clients = 1; clients <= CLIENTS_MAX; clients *= 4)
		measure(&role, &work, "ECDSA P-256", clients, signatures);
	work.key = KEY_RSA;
	work.scheme = 0x0804;
	for (unsigned clients = 1; clients <= CLIENTS_MAX; clients *= 4)
		measure(&role, &work, "RSA-2048", clients, signatures / 10);
	role_client_done(&client);
	bench_role_end(&role);
	tls_pair_done(&rsa);
	tls_pair_done(&ec);
	return 0;
}
