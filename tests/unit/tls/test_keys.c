/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of tls/key_ring and tls/keys: every scheme, premaster secrets, and the
 * role behind its channels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/random.h"
#include "crypto/library.h"
#include "fixture.h"
#include "tls/keys.h"
#include "tls/provider.h"

static EVP_PKEY *public_key(bool is_rsa)
{
	return X509_get0_pubkey(tls_certificate_leaf(is_rsa ? world.rsa : world.ec));
}

static bool verifies(bool is_rsa, const struct sign_scheme *scheme, struct str digest,
		     const unsigned char *signature, size_t len)
{
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_pkey(crypto_library(), public_key(is_rsa), NULL);
	EVP_MD *md = EVP_MD_fetch(crypto_library(), scheme->digest, NULL);

	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	if (scheme->padding == SIGN_RSA_PSS) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST),
				 1);
	}
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, md), 1);
	bool is_good = EVP_PKEY_verify(context, signature, len, (const unsigned char *)digest.ptr,
				       digest.len) == 1;
	EVP_MD_free(md);
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return is_good;
}

static void test_every_scheme_signs_so_that_it_verifies(void **state)
{
	char digest[SIGN_DIGEST_MAX];
	unsigned char signature[SIGN_SIGNATURE_MAX];

	random_bytes(digest, sizeof(digest));
	/* More than once each: what a signature was prepared with is used again. */
	for (size_t i = 0; i < 3 * sign_scheme_count(); i++) {
		const struct sign_scheme *scheme = sign_scheme_at(i % sign_scheme_count());
		bool is_rsa = scheme->padding != SIGN_ECDSA;
		struct str signed_bytes = str_make(digest, scheme->digest_len);
		size_t len = 0;
		assert_int_equal(key_ring_sign(world.ring, is_rsa ? KEY_RSA : KEY_EC,
					       scheme->number, signed_bytes, signature, &len),
				 FAULT_NONE);
		assert_true(verifies(is_rsa, scheme, signed_bytes, signature, len));
		digest[0] ^= 1;
		assert_false(verifies(is_rsa, scheme, signed_bytes, signature, len));
	}
}

static void test_what_does_not_fit_is_refused(void **state)
{
	char digest[SIGN_DIGEST_MAX] = {0};
	unsigned char out[SIGN_SIGNATURE_MAX];
	size_t len = 0;

	assert_int_equal(key_ring_sign(world.ring, 99, 0x0403, str_make(digest, 32), out, &len),
			 FAULT_NOT_FOUND);
	assert_int_equal(key_ring_sign(world.ring, KEY_EC, 0x0804, str_make(digest, 32), out, &len),
			 FAULT_UNSUPPORTED);
	assert_int_equal(
		key_ring_sign(world.ring, KEY_RSA, 0x0403, str_make(digest, 32), out, &len),
		FAULT_UNSUPPORTED);
	assert_int_equal(
		key_ring_sign(world.ring, KEY_RSA, 0x0804, str_make(digest, 31), out, &len),
		FAULT_UNSUPPORTED);
	assert_int_equal(
		key_ring_sign(world.ring, KEY_RSA, 0x7777, str_make(digest, 32), out, &len),
		FAULT_UNSUPPORTED);
	assert_int_equal(key_ring_premaster(world.ring, KEY_EC, TLS1_2_VERSION, STR("x"), out),
			 FAULT_UNSUPPORTED);
	assert_int_equal(key_ring_premaster(world.ring, 99, TLS1_2_VERSION, STR("x"), out),
			 FAULT_NOT_FOUND);
}

/* Encrypts as a client of a static RSA suite does (RFC 5246 section 7.4.7.1). */
static size_t encrypt(const unsigned char *plain, size_t len, unsigned char *out, size_t size)
{
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_pkey(crypto_library(), public_key(true), NULL);

	assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(context, out, &size, plain, len), 1);
	EVP_PKEY_CTX_free(context);
	return size;
}

static void premaster_make(unsigned char premaster[PREMASTER_BYTES], int version)
{
	random_bytes(premaster, PREMASTER_BYTES);
	premaster[0] = (unsigned char)(version >> 8);
	premaster[1] = (unsigned char)version;
}

static void test_a_good_premaster_is_given_back(void **state)
{
	unsigned char premaster[PREMASTER_BYTES], got[PREMASTER_BYTES], cipher[512];

	premaster_make(premaster, TLS1_2_VERSION);
	size_t len = encrypt(premaster, sizeof(premaster), cipher, sizeof(cipher));
	assert_int_equal(
		key_ring_premaster(world.ring, KEY_RSA, TLS1_2_VERSION, str_make(cipher, len), got),
		FAULT_NONE);
	assert_memory_equal(got, premaster, sizeof(got));
}

static void assert_implicitly_rejected(const unsigned char *cipher, size_t len,
				       const unsigned char *premaster)
{
	unsigned char got[PREMASTER_BYTES] = {0}, none[PREMASTER_BYTES] = {0};

	assert_int_equal(
		key_ring_premaster(world.ring, KEY_RSA, TLS1_2_VERSION, str_make(cipher, len), got),
		FAULT_NONE);
	assert_memory_not_equal(got, premaster, sizeof(got));
	assert_memory_not_equal(got, none, sizeof(got));
}

/* Bleichenbacher: whatever is wrong, the answer is 48 bytes and no word about it. */
static void test_a_bad_premaster_gives_48_random_bytes(void **state)
{
	unsigned char premaster[PREMASTER_BYTES], cipher[512];

	premaster_make(premaster, TLS1_VERSION);
	size_t len = encrypt(premaster, sizeof(premaster), cipher, sizeof(cipher));
	assert_implicitly_rejected(cipher, len, premaster);

	premaster_make(premaster, TLS1_2_VERSION);
	len = encrypt(premaster, sizeof(premaster) - 1, cipher, sizeof(cipher));
	assert_implicitly_rejected(cipher, len, premaster);

	len = encrypt(premaster, sizeof(premaster), cipher, sizeof(cipher));
	assert_implicitly_rejected(cipher, len - 1, premaster);
	cipher[len / 2] ^= 1;
	assert_implicitly_rejected(cipher, len, premaster);
	memset(cipher, 0xff, len);
	assert_implicitly_rejected(cipher, len, premaster);
	assert_implicitly_rejected(cipher, 0, premaster);
	assert_implicitly_rejected(cipher, sizeof(cipher), premaster);
}

static void test_generations_end(void **state)
{
	struct key_ring *ring = key_ring_new();
	struct buf why = BUF_INIT(256), public_key = BUF_INIT(KEY_PEM_MAX);
	unsigned char id[KEY_ID_BYTES];

	assert_int_equal(key_ring_add(ring, 1, 1, buf_str(&world.rsa_pem.key), id, &why),
			 FAULT_NONE);
	assert_int_equal(key_ring_add(ring, 1, 2, buf_str(&world.ec_pem.key), id, &why),
			 FAULT_NONE);
	key_ring_complete(ring, 1);
	assert_int_equal(key_ring_count(ring), 2);
	/* The second names only one of them: the other lives on until the third is complete. */
	assert_int_equal(key_ring_add(ring, 2, 1, buf_str(&world.rsa_pem.key), id, &why),
			 FAULT_NONE);
	key_ring_complete(ring, 2);
	assert_int_equal(key_ring_count(ring), 2);
	assert_int_equal(key_ring_add(ring, 3, 1, buf_str(&world.rsa_pem.key), id, &why),
			 FAULT_NONE);
	key_ring_complete(ring, 3);
	assert_int_equal(key_ring_count(ring), 1);
	/* A working key outlives them all. */
	assert_int_equal(key_ring_work(ring, &(struct working_key){.number = KEY_WORKING_FIRST},
				       buf_str(&world.ec_pem.key), &public_key, &why),
			 FAULT_NONE);
	key_ring_complete(ring, 4);
	key_ring_complete(ring, 5);
	assert_int_equal(key_ring_count(ring), 1);
	key_ring_remove(ring, KEY_WORKING_FIRST);
	assert_int_equal(key_ring_count(ring), 0);
	assert_int_equal(key_ring_add(ring, 6, 1, buf_str(&world.rsa_pem.key), id, &why),
			 FAULT_NONE);
	assert_int_equal(key_ring_add(ring, 4, 1, buf_str(&world.ec_pem.key), id, &why),
			 FAULT_EXISTS);
	buf_done(&why);
	buf_done(&public_key);
	key_ring_free(&ring);
}

static void test_a_key_is_known_by_its_certificate(void **state)
{
	struct key_ring *ring = key_ring_new();
	struct buf why = BUF_INIT(256);
	unsigned char id[KEY_ID_BYTES];

	assert_int_equal(key_ring_add(ring, 1, 1, buf_str(&world.rsa_pem.key), id, &why),
			 FAULT_NONE);
	assert_memory_equal(id, tls_certificate_key_id(world.rsa), sizeof(id));
	assert_memory_not_equal(id, tls_certificate_key_id(world.ec), sizeof(id));
	key_ring_free(&ring);
}

/* PKCS#8 with a passphrase: nobody is asked for it, and the reason is said. */
static const char encrypted_pem[] = "-----BEGIN RSA PRIVATE KEY-----\n"
				    "Proc-Type: 4,ENCRYPTED\n"
				    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
				    "AAAAAAAAAAAAAAAAAAAAAA==\n"
				    "-----END RSA PRIVATE KEY-----\n";

static void test_keys_that_cannot_be_read_are_explained(void **state)
{
	struct key_ring *ring = key_ring_new();
	unsigned char id[KEY_ID_BYTES];
	struct buf why = BUF_INIT(256);

	assert_int_equal(key_ring_add(ring, 1, 1, STR("nonsense"), id, &why), FAULT_INVALID);
	assert_true(str_find(buf_str(&why), STR("no readable private key")) != STR_NONE);
	buf_reset(&why);
	assert_int_equal(key_ring_add(ring, 1, 1, str_from_c(encrypted_pem), id, &why),
			 FAULT_INVALID);
	assert_true(str_find(buf_str(&why), STR("passphrase")) != STR_NONE);
	buf_reset(&why);
	assert_int_equal(key_ring_add(ring, 1, 1, buf_str(&world.rsa_pem.chain), id, &why),
			 FAULT_INVALID);
	assert_int_equal(key_ring_count(ring), 0);
	buf_done(&why);
	key_ring_free(&ring);
}

/* ---- a handle over the ring ---- */

static void test_a_handle_gives_nothing_private(void **state)
{
	EVP_PKEY *handle = tls_key_handle_new(public_key(true), &world.source.source, KEY_RSA);
	BIO *bio = BIO_new(BIO_s_mem());
	BIGNUM *secret = NULL;

	assert_non_null(handle);
	assert_int_equal(EVP_PKEY_eq(handle, public_key(true)), 1);
	assert_int_not_equal(EVP_PKEY_eq(handle, public_key(false)), 1);
	assert_int_not_equal(EVP_PKEY_get_bn_param(handle, "d", &secret), 1);
	assert_int_not_equal(PEM_write_bio_PrivateKey(bio, handle, NULL, NULL, 0, NULL, NULL), 1);
	BIO_free(bio);
	EVP_PKEY_free(handle);
	ERR_clear_error();
}

static void test_a_handle_belongs_to_one_certificate(void **state)
{
	EVP_PKEY *handle = tls_key_handle_new(public_key(false), &world.source.source, KEY_EC);
	EVP_PKEY *other = EVP_PKEY_Q_keygen(crypto_library(), NULL, "EC", "P-256");

	assert_int_equal(EVP_PKEY_eq(handle, public_key(false)), 1);
	assert_int_not_equal(EVP_PKEY_eq(handle, other), 1);
	EVP_PKEY_free(other);
	EVP_PKEY_free(handle);
	ERR_clear_error();
}

/* ---- the role ---- */

struct keys_role {
	struct role_server server;
	struct log log;
	struct keys *keys;
	struct channel parent; /* the parent's end */
	pthread_t thread;
};

static void *role_run(void *argument)
{
	role_server_run(&((struct keys_role *)argument)->server);
	return NULL;
}

static void role_start(struct keys_role *role, unsigned threads)
{
	int fds[2];

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	log_init(&role->log, false);
	role->keys = keys_new(threads);
	role_server_init(&role->server, &keys_ops, ROLE_KEYS, fds[1], &role->log, role->keys);
	role->parent = (struct channel){.fd = fds[0], .self = ROLE_PARENT, .peer = ROLE_KEYS};
	assert_int_equal(pthread_create(&role->thread, NULL, role_run, role), 0);
}

static void role_stop(struct keys_role *role)
{
	channel_close(&role->parent);
	pthread_join(role->thread, NULL);
	keys_free(&role->keys);
	role_server_done(&role->server);
}

static enum fault role_give(struct keys_role *role, uint32_t number, struct str pem,
			    struct buf *text)
{
	struct msg_key_given given = {.generation = 1, .key = number, .pem = pem};
	struct packet answer;

	packet_init(&answer);
	assert_int_equal(channel_send(&role->parent, MSG_key_given, 7, &given), FAULT_NONE);
	assert_int_equal(channel_receive(&role->parent, &answer), FAULT_NONE);
	assert_int_equal(answer.header.kind, MSG_done);
	assert_int_equal(answer.header.id, 7);
	enum fault fault = answer.message.done.fault;
	buf_append_str(text, answer.message.done.text);
	packet_done(&answer);
	return fault;
}

/* A connector that asks nobody: it hands the role the other end itself. */
struct role_connector {
	struct connector connector;
	struct keys_role *role;
	pthread_mutex_t lock;
};

static enum fault role_connect(struct connector *connector, enum role wanted, int *fd_out)
{
	struct role_connector *self = (struct role_connector *)connector;
	int fds[2];

	assert_int_equal(wanted, ROLE_KEYS);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	struct msg_channel_offered offered = {.client = ROLE_FRONT, .fd = fds[1]};
	pthread_mutex_lock(&self->lock);
	assert_int_equal(channel_send(&self->role->parent, MSG_channel_offered, 0, &offered),
			 FAULT_NONE);
	pthread_mutex_unlock(&self->lock);
	close(fds[1]);
	*fd_out = fds[0];
	return FAULT_NONE;
}

static void test_the_role_takes_keys_and_names_them(void **state)
{
	struct keys_role role;
	struct buf text = BUF_INIT(256), id = BUF_INIT(256);

	role_start(&role, 1);
	assert_int_equal(role_give(&role, KEY_RSA, buf_str(&world.rsa_pem.key), &text), FAULT_NONE);
	hex_encode(&id, str_make(tls_certificate_key_id(world.rsa), KEY_ID_BYTES));
	assert_true(str_equals(buf_str(&text), buf_str(&id)));
	buf_reset(&text);
	assert_int_equal(role_give(&role, KEY_EC, STR("nonsense"), &text), FAULT_INVALID);
	assert_true(str_find(buf_str(&text), STR("no readable private key")) != STR_NONE);
	role_stop(&role);
	buf_done(&text);
	buf_done(&id);
}

/* ---- working keys ---- */

/* Asks for a working key, closing `file`; the answer's fault. */
static enum fault role_work(struct keys_role *role, struct msg_working_key_wanted wanted,
			    struct buf *public_key)
{
	struct packet answer;

	packet_init(&answer);
	assert_int_equal(channel_send(&role->parent, MSG_working_key_wanted, 9, &wanted),
			 FAULT_NONE);
	if (wanted.file >= 0)
		close(wanted.file);
	assert_int_equal(channel_receive(&role->parent, &answer), FAULT_NONE);
	assert_int_equal(answer.header.kind, MSG_working_key_given);
	assert_int_equal(answer.header.id, 9);
	enum fault fault = answer.message.working_key_given.fault;
	buf_reset(public_key);
	buf_append_str(public_key, answer.message.working_key_given.public_key);
	assert_true(fault == FAULT_NONE || answer.message.working_key_given.text.len > 0);
	packet_done(&answer);
	return fault;
}

/* What the role answers whoever wants something signed. */
static enum fault role_sign(struct keys_role *role, enum role asker, uint32_t key)
{
	struct msg_channel_offered offered = {.client = asker};
	struct msg_key_sign ask = {.key = key, .scheme = 0x0403, .bytes = str_make(role, 32)};
	struct packet answer;
	int fds[2];

	packet_init(&answer);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	offered.fd = fds[1];
	assert_int_equal(channel_send(&role->parent, MSG_channel_offered, 0, &offered), FAULT_NONE);
	struct channel channel = {.fd = fds[0], .self = asker, .peer = ROLE_KEYS};
	assert_int_equal(channel_send(&channel, MSG_key_sign, 1, &ask), FAULT_NONE);
	assert_int_equal(channel_receive(&channel, &answer), FAULT_NONE);
	enum fault fault = answer.message.key_signed.fault;
	packet_done(&answer);
	close(fds[0]);
	close(fds[1]);
	return fault;
}

enum { WORKING = KEY_WORKING_FIRST + 3 };

static void test_a_working_key_is_made_written_and_read_again(void **state)
{
	char path[] = "/tmp/postern-key-XXXXXX";
	struct buf first = BUF_INIT(KEY_PEM_MAX), second = BUF_INIT(KEY_PEM_MAX);
	struct msg_working_key_wanted wanted = {.key = WORKING,
						.users = 1u << ROLE_MAILQ,
						.kind = KEY_KIND_RSA,
						.is_new = true,
						.file = mkstemp(path)};
	struct keys_role role;

	for (unsigned helpers = 0; helpers < 2; helpers++) {
		role_start(&role, helpers);
		wanted.is_new = helpers == 0;
		if (helpers > 0)
			wanted.file = open(path, O_RDONLY);
		assert_int_equal(role_work(&role, wanted, helpers == 0 ? &first : &second),
				 FAULT_NONE);
		role_stop(&role);
	}
	assert_true(first.len > 256);
	assert_true(str_equals(buf_str(&first), buf_str(&second)));
	unlink(path);
	buf_done(&first);
	buf_done(&second);
}

static void test_only_its_users_sign_with_a_working_key(void **state)
{
	struct buf text = BUF_INIT(256), public_key = BUF_INIT(KEY_PEM_MAX);
	struct msg_working_key_wanted wanted = {
		.key = WORKING, .users = 1u << ROLE_MAILQ, .is_new = true, .file = -1};
	struct keys_role role;

	role_start(&role, 0);
	assert_int_equal(role_give(&role, KEY_EC, buf_str(&world.ec_pem.key), &text), FAULT_NONE);
	assert_int_equal(role_work(&role, wanted, &public_key), FAULT_NONE);
	assert_int_equal(role_sign(&role, ROLE_MAILQ, WORKING), FAULT_NONE);
	assert_int_equal(role_sign(&role, ROLE_FRONT, WORKING), FAULT_DENIED);
	assert_int_equal(role_sign(&role, ROLE_FRONT, KEY_EC), FAULT_NONE);
	/* Whoever takes mailq over cannot pose as this server. */
	assert_int_equal(role_sign(&role, ROLE_MAILQ, KEY_EC), FAULT_DENIED);
	struct msg_working_key_ended ended = {.key = WORKING};
	assert_int_equal(channel_send(&role.parent, MSG_working_key_ended, 0, &ended), FAULT_NONE);
	/* In order behind it. */
	assert_int_equal(role_give(&role, KEY_EC, buf_str(&world.ec_pem.key), &text), FAULT_NONE);
	assert_int_equal(role_sign(&role, ROLE_MAILQ, WORKING), FAULT_DENIED);
	role_stop(&role);
	buf_done(&text);
	buf_done(&public_key);
}

static void test_working_keys_that_cannot_be_had(void **state)
{
	struct buf public_key = BUF_INIT(KEY_PEM_MAX);
	struct keys_role role;
	const struct msg_working_key_wanted bad[] = {
		{.key = 1, .is_new = true, .file = -1},
		{.key = WORKING, .file = -1},
		{.key = WORKING, .file = open("/dev/null", O_RDONLY)},
		{.key = WORKING, .file = open("/dev/zero", O_RDONLY)},
		{.key = WORKING, .is_new = true, .file = open("/dev/full", O_WRONLY)},
	};

	role_start(&role, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(role_work(&role, bad[i], &public_key), FAULT_NONE);
	/* The number of one that could not be written is free again. */
	struct msg_working_key_wanted good = {.key = WORKING, .is_new = true, .file = -1};
	assert_int_equal(role_work(&role, good, &public_key), FAULT_NONE);
	role_stop(&role);
	buf_done(&public_key);
}

enum { SHAKES = 12 };

static void *shake_often(void *argument)
{
	struct tls_context *context = argument;
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_3_VERSION);
	long failures = 0;

	for (int i = 0; i < SHAKES; i++) {
		struct handshake shake;
		SSL_CTX_set_max_proto_version(client, i % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
		SSL_CTX_set_cipher_list(client, i % 3 == 0   ? "AES128-SHA"
						: i % 3 == 1 ? "ECDHE-RSA-AES128-GCM-SHA256"
							     : "ECDHE-ECDSA-AES128-GCM-SHA256");
		handshake_run(&shake, context, client, NULL, NULL);
		failures += !handshake_is_good(&shake) || !handshake_talk(&shake);
		handshake_done(&shake);
	}
	SSL_CTX_free(client);
	return (void *)failures;
}

/* RSA goes to the helpers, ECDSA is done in the loop; several threads of a front ask at once. */
static void handshakes_through_the_role(unsigned helpers)
{
	struct keys_role role;
	struct buf text = BUF_INIT(256);
	struct role_client client;
	struct key_source_remote remote;
	pthread_t threads[4];

	role_start(&role, helpers);
	assert_int_equal(role_give(&role, KEY_RSA, buf_str(&world.rsa_pem.key), &text), FAULT_NONE);
	assert_int_equal(role_give(&role, KEY_EC, buf_str(&world.ec_pem.key), &text), FAULT_NONE);
	buf_done(&text);
	struct role_connector connector = {
		.connector = {.self = ROLE_FRONT, .connect = role_connect}, .role = &role};
	pthread_mutex_init(&connector.lock, NULL);
	role_client_init(&client, &connector.connector, ROLE_KEYS, 1000);
	key_source_remote_init(&remote, &client);

	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_tickets *tickets = tls_tickets_new();
	assert_int_equal(tls_tickets_refresh(tickets, &client), FAULT_NONE);
	struct tls_context *context =
		context_make_with(&policy, WITH_BOTH, tickets, &remote.source);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shake_often, context), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failures = NULL;
		pthread_join(threads[i], &failures);
		assert_int_equal((long)failures, 0);
	}
	tls_context_unref(&context);
	tls_tickets_free(&tickets);
	role_client_done(&client);
	role_stop(&role);
}

/* ---- many at once ---- */

enum { CROWD = 40, CROWD_BACKLOG = 4 };

static void crowd_ask(struct role_server *server, struct channel channels[CROWD],
		      const char digests[CROWD][32])
{
	int fds[2];

	for (size_t i = 0; i < CROWD; i++) {
		struct msg_key_sign ask = {
			.key = KEY_EC, .scheme = 0x0403, .bytes = str_make(digests[i], 32)};
		assert_int_equal(channel_pair(fds), FAULT_NONE);
		role_server_add(server, ROLE_FRONT, fds[1]);
		channels[i] = (struct channel){
			.fd = fds[0], .self = ROLE_FRONT, .peer = ROLE_KEYS};
		assert_int_equal(channel_send(&channels[i], MSG_key_sign, i, &ask), FAULT_NONE);
	}
}

static void crowd_hear(struct channel channels[CROWD], const char digests[CROWD][32])
{
	const struct sign_scheme *scheme = sign_scheme_by_number(0x0403);
	struct packet answer;

	packet_init(&answer);
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(channel_receive(&channels[i], &answer), FAULT_NONE);
		struct str signature = answer.message.key_signed.signature;
		assert_int_equal(answer.header.id, i);
		assert_true(verifies(false, scheme, str_make(digests[i], 32),
				     (const unsigned char *)signature.ptr, signature.len));
		channel_close(&channels[i]);
	}
	packet_done(&answer);
}

static void test_helpers_take_short_requests_too_when_many_wait(void **state)
{
	struct keys *keys = keys_new(2);
	struct channel channels[CROWD];
	char digests[CROWD][32];
	struct buf text = BUF_INIT(1024);
	struct msg_key_given given = {
		.generation = 1, .key = KEY_EC, .pem = buf_str(&world.ec_pem.key)};
	struct role_server server;
	struct log log;
	int fds[2];

	random_bytes(digests, sizeof(digests));
	log_init(&log, false);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	role_server_init(&server, &keys_ops, ROLE_KEYS, fds[1], &log, keys);
	struct channel parent = {.fd = fds[0], .self = ROLE_PARENT, .peer = ROLE_KEYS};
	assert_int_equal(channel_send(&parent, MSG_key_given, 7, &given), FAULT_NONE);
	assert_true(role_server_take(&server));
	/* All wait before the first is read, so it is known how many stand behind each. */
	crowd_ask(&server, channels, digests);
	assert_true(role_server_take(&server));
	crowd_hear(channels, digests);
	keys_ops.status(&server, &text);
	char wanted[32];
	snprintf(wanted, sizeof(wanted), "\"helped\":%d", CROWD - CROWD_BACKLOG);
	assert_true(str_find(buf_str(&text), str_from_c(wanted)) != STR_NONE);
	channel_close(&parent);
	role_server_done(&server);
	keys_free(&keys);
	buf_done(&text);
}

static void test_handshakes_through_the_role(void **state)
{
	handshakes_through_the_role(2);
	handshakes_through_the_role(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_scheme_signs_so_that_it_verifies),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
		cmocka_unit_test(test_a_good_premaster_is_given_back),
		cmocka_unit_test(test_a_bad_premaster_gives_48_random_bytes),
		cmocka_unit_test(test_generations_end),
		cmocka_unit_test(test_a_key_is_known_by_its_certificate),
		cmocka_unit_test(test_keys_that_cannot_be_read_are_explained),
		cmocka_unit_test(test_a_handle_gives_nothing_private),
		cmocka_unit_test(test_a_handle_belongs_to_one_certificate),
		cmocka_unit_test(test_the_role_takes_keys_and_names_them),
		cmocka_unit_test(test_a_working_key_is_made_written_and_read_again),
		cmocka_unit_test(test_only_its_users_sign_with_a_working_key),
		cmocka_unit_test(test_working_keys_that_cannot_be_had),
		cmocka_unit_test(test_helpers_take_short_requests_too_when_many_wait),
		cmocka_unit_test(test_handshakes_through_the_role),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
