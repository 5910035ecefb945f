/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses private keys on behalf of a process that has none.
 *
 * The key provider (tls/provider.h) asks a source; in a front that is the keys
 * role behind an ipc channel (key_source_remote_*), in tests and in `init` it
 * can be a ring of keys in the same process (tls/key_ring.h).
 */
#ifndef POSTERN_TLS_KEY_SOURCE_H
#define POSTERN_TLS_KEY_SOURCE_H

#include "ipc/client.h"
#include "tls/scheme.h"

/* Both functions are thread safe and may block on the keys role, never on a peer. */
struct key_source {
	/*
	 * Signs a digest of the scheme's length. Stores at most SIGN_SIGNATURE_MAX
	 * bytes. FAULT_NOT_FOUND: no such key; FAULT_UNSUPPORTED: the scheme does
	 * not fit it.
	 */
	enum fault (*sign)(struct key_source *source, uint32_t key, uint32_t scheme,
			   struct str digest, unsigned char *signature_out, size_t *len_out);
	/*
	 * Decrypts the premaster secret of a static RSA suite (RFC 5246 section
	 * 7.4.7.1). `version` is the ClientHello's. Always gives 48 bytes: where the
	 * ciphertext was wrong they are random, and nothing tells so.
	 */
	enum fault (*premaster)(struct key_source *source, uint32_t key, uint32_t version,
				struct str ciphertext,
				unsigned char premaster_out[PREMASTER_BYTES]);
};

/* The keys role as a source. */
struct key_source_remote {
	struct key_source source;
	struct role_client *client;
};

/* Borrows the client, which must outlive the source and every context made with it. */
void key_source_remote_init(struct key_source_remote *remote, struct role_client *client);

#endif
