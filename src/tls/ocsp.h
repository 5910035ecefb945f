/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a certificate was revoked, as its CA says (OCSP, RFC 6960, in the profile of
 * RFC 5019): the question as bytes, and the judgement of an answer. Pure.
 */
#ifndef POSTERN_TLS_OCSP_H
#define POSTERN_TLS_OCSP_H

#include "tls/certificate.h"

/* X(identifier, name) */
#define TLS_OCSP_TABLE(X)                                                                          \
	X(NONE, "none")           /* not asked, or the certificate names no responder */           \
	X(GOOD, "good")                                                                            \
	X(REVOKED, "revoked")                                                                      \
	X(UNKNOWN, "unknown")     /* the responder does not know the certificate */                \
	X(UNREACHABLE, "no answer")                                                                \
	X(UNUSABLE, "unusable")   /* an answer that does not hold */

enum tls_ocsp_state {
#define X(id, name) TLS_OCSP_##id,
	TLS_OCSP_TABLE(X)
#undef X
	TLS_OCSP_STATE_COUNT
};

const char *tls_ocsp_state_name(enum tls_ocsp_state state);

enum {
	TLS_OCSP_REQUEST_MAX = 4096,
	TLS_OCSP_RESPONSE_MAX = 32 * 1024,
	/* How far clocks may be apart. */
	TLS_OCSP_SKEW_S = 300,
	/* How long an answer holds that does not say until when. */
	TLS_OCSP_DEFAULT_S = 3600,
};

/* What an answer says. */
struct tls_ocsp_answer {
	enum tls_ocsp_state state; /* GOOD, REVOKED or UNKNOWN */
	int64_t this_update_s;
	int64_t next_update_s;
	int64_t revoked_s; /* 0: it was not */
};

/*
 * Appends the question about the leaf in DER form. NOT_FOUND when its issuer is not
 * in the chain: nothing can be asked then.
 */
must_check enum fault tls_ocsp_request(const struct tls_certificate *certificate, struct buf *der);

/*
 * Judges an answer in DER form: its signature (by the issuer, or by whom the issuer
 * charged with it), that it is about this certificate, and its times. INVALID with
 * the reason in `why` when it does not hold.
 */
must_check enum fault tls_ocsp_check(const struct tls_certificate *certificate, struct str der,
				     int64_t now_s, struct tls_ocsp_answer *answer_out,
				     struct buf *why);

/*
 * When to ask again: half way through the life of an answer that was got at `now_s`;
 * after `failures` in a row, in one minute, then two, four, ... an hour.
 */
int64_t tls_ocsp_next_s(int64_t now_s, int64_t next_update_s, unsigned failures);

#endif
