/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of evidence.log: one JSON object on one line, its members always in
 * the same order.
 *
 *   {"sequence":7,"time":"2026-11-21T14:03:59Z","who":"root","uid":0,
 *    "from":"control socket","kind":"config change","text":"",
 *    "changes":[{"variable":"Security/ServerTlsProtocols","old":null,"new":"TLSv1.2"}],
 *    "file_sha256":"...","before":"...","hash":"..."}
 *
 * `before` is the hash of the entry before, 64 zeros in the first; `hash` is
 * the SHA-256 of all bytes of the line in front of `,"hash"`, in hexadecimal.
 * Writing is pure; reading a chain is evidence/chain.h.
 */
#ifndef POSTERN_EVIDENCE_ENTRY_H
#define POSTERN_EVIDENCE_ENTRY_H

#include "base/buf.h"

/* X(identifier, text) */
#define EVIDENCE_KIND_TABLE(X)                                                                     \
	X(START, "start")                                                                          \
	X(CONFIG_CHANGE, "config change")                                                          \
	X(HAND_EDIT, "reload of a hand edit")                                                      \
	X(CONFIRMATION, "confirmation")                                                            \
	X(CERTIFICATE_CHANGE, "certificate change")                                                \
	X(DKIM_CHANGE, "dkim change")                                                              \
	X(SELF_CHECK_FAILURE, "self-check failure")                                                \
	X(RECORD_FAULT, "fault of the record")

enum evidence_kind {
#define X(id, text) EVIDENCE_##id,
	EVIDENCE_KIND_TABLE(X)
#undef X
	EVIDENCE_KIND_COUNT
};

const char *evidence_kind_name(enum evidence_kind kind);

enum {
	EVIDENCE_HASH_CHARS = 64,
	EVIDENCE_VALUE_MAX = 4096, /* of a value; what is longer is cut and ends in "..." */
	EVIDENCE_CHANGES_MAX = 256,
	EVIDENCE_LINE_MAX = 32 << 20,
};

/* A SHA-256 in hexadecimal, terminated. */
struct evidence_hash {
	char text[EVIDENCE_HASH_CHARS + 1];
};

/* The hash of bytes; and 64 zeros, which stand before the first entry. */
struct evidence_hash evidence_hash_of(struct str bytes);
struct evidence_hash evidence_hash_none(void);

/* A value without a pointer was, or is, not set. */
struct evidence_change {
	struct str variable; /* "Security/ServerTlsProtocols", "sslcert/server.crt" */
	struct str old_value;
	struct str new_value;
};

/* All borrowed. */
struct evidence_entry {
	uint64_t sequence; /* from 1 */
	int64_t time_s;
	struct str who; /* a local user's name, "hand edit" or "postern" */
	int64_t uid;	/* -1: nobody's */
	struct str from;
	enum evidence_kind kind;
	struct str text;
	const struct evidence_change *changes;
	size_t change_count; /* beyond EVIDENCE_CHANGES_MAX the text says how many more */
	struct str file;     /* whose hash is recorded: mailserver.cfg as it is in force */
};

/* Appends the line without its end; gives its hash. Foreign bytes are escaped. */
struct evidence_hash evidence_entry_append(struct buf *to, const struct evidence_entry *entry,
					   const struct evidence_hash *before);

#endif
