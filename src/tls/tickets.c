/* SPDX-License-Identifier: Apache-2.0 */
/* Session-ticket keys: see tickets.h. */
#include "tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/random.h"
#include "crypto/library.h"

enum { NEXT, CURRENT, PREVIOUS };

void ticket_ring_init(struct ticket_ring *ring, int64_t now_ms)
{
	random_bytes(ring->bytes, sizeof(ring->bytes));
	ring->rotated_ms = now_ms;
}

bool ticket_ring_tick(struct ticket_ring *ring, int64_t now_ms)
{
	if (now_ms - ring->rotated_ms < TICKET_ROTATION_MS)
		return false;
	memmove(ring->bytes + TICKET_KEY_BYTES, ring->bytes, TICKET_RING_BYTES - TICKET_KEY_BYTES);
	random_bytes(ring->bytes, TICKET_KEY_BYTES);
	ring->rotated_ms = now_ms;
	return true;
}

void ticket_ring_wipe(struct ticket_ring *ring)
{
	explicit_bzero(ring, sizeof(*ring));
}

struct ticket_key {
	unsigned char name[TICKET_NAME_BYTES];
	unsigned char cipher_key[32];
	unsigned char mac_key[32];
};

struct tls_tickets {
	pthread_rwlock_t lock;
	struct ticket_key keys[TICKET_KEYS];
	EVP_CIPHER *cipher;
};

_Static_assert(sizeof(struct ticket_key) == TICKET_KEY_BYTES, "as it travels");

struct tls_tickets *tls_tickets_new(void)
{
	struct tls_tickets *tickets = calloc(1, sizeof(*tickets));

	CHECK(tickets != NULL);
	CHECK(pthread_rwlock_init(&tickets->lock, NULL) == 0);
	tickets->cipher = EVP_CIPHER_fetch(crypto_library(), "AES-256-CBC", NULL);
	CHECK(tickets->cipher != NULL);
	random_bytes(tickets->keys, sizeof(tickets->keys));
	return tickets;
}

void tls_tickets_free(struct tls_tickets **tickets)
{
	if (*tickets == NULL)
		return;
	EVP_CIPHER_free((*tickets)->cipher);
	pthread_rwlock_destroy(&(*tickets)->lock);
	explicit_bzero(*tickets, sizeof(**tickets));
	free(*tickets);
	*tickets = NULL;
}

enum fault tls_tickets_set(struct tls_tickets *tickets, struct str keys)
{
	if (keys.len != TICKET_RING_BYTES)
		return FAULT_INVALID;
	pthread_rwlock_wrlock(&tickets->lock);
	memcpy(tickets->keys, keys.ptr, TICKET_RING_BYTES);
	pthread_rwlock_unlock(&tickets->lock);
	return FAULT_NONE;
}

enum fault tls_tickets_refresh(struct tls_tickets *tickets, struct role_client *keys)
{
	struct msg_ticket_keys_wanted wanted;
	struct packet answer;

	memset(&wanted, 0, sizeof(wanted));
	packet_init(&answer);
	enum fault fault = role_client_call(keys, MSG_ticket_keys_wanted, &wanted,
					    MSG_ticket_keys_given, &answer);
	if (fault == FAULT_NONE)
		fault = tls_tickets_set(tickets, answer.message.ticket_keys_given.keys);
	packet_done(&answer);
	return fault;
}

/* Copies the key to seal with, or the one of that name; false when there is none. */
static bool ticket_key_find(struct tls_tickets *tickets, const unsigned char *name,
			    struct ticket_key *key_out, int *index_out)
{
	bool is_found = false;

	pthread_rwlock_rdlock(&tickets->lock);
	for (int i = 0; i < TICKET_KEYS && !is_found; i++) {
		is_found = name == NULL
				   ? i == CURRENT
				   : memcmp(tickets->keys[i].name, name, TICKET_NAME_BYTES) == 0;
		if (is_found) {
			*key_out = tickets->keys[i];
			*index_out = i;
		}
	}
	pthread_rwlock_unlock(&tickets->lock);
	return is_found;
}

static bool ticket_mac_init(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA2-256"}, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_init(mac, key->mac_key, sizeof(key->mac_key), params) == 1;
}

/*
 * OpenSSL's callback (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)): 0 opens or seals
 * nothing (a full handshake follows), 1 did, 2 did and asks for a new ticket
 * under the current key, -1 is an error. A TLS 1.3 client uses a ticket once
 * (RFC 8446 appendix C.4), and OpenSSL gives another at resumption only when asked.
 */
static int ticket_key_use(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
			  EVP_MAC_CTX *mac, int is_sealing)
{
	struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct ticket_key key;
	bool is_used_up = SSL_version(ssl) == TLS1_3_VERSION;
	int index, result = -1;

	if (!ticket_key_find(tickets, is_sealing ? NULL : name, &key, &index))
		return 0;
	if (is_sealing) {
		memcpy(name, key.name, TICKET_NAME_BYTES);
		random_bytes(iv, 16);
	}
	if (EVP_CipherInit_ex2(cipher, tickets->cipher, key.cipher_key, iv, is_sealing, NULL) ==
		    1 &&
	    ticket_mac_init(mac, &key))
		result = is_sealing || (index == CURRENT && !is_used_up) ? 1 : 2;
	explicit_bzero(&key, sizeof(key));
	return result;
}

void tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context)
{
	CHECK(SSL_CTX_set_app_data(context, tickets) == 1);
	CHECK(SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key_use) == 1);
}
