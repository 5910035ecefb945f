/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>
#include <time.h>

#include "crypto/library.h"
#include "tls/certificate_facts.h"

enum { RETRY_FIRST_S = 60, RETRY_MOST_S = 3600, REFRESH_LEAST_S = 60 };

const char *tls_ocsp_state_name(enum tls_ocsp_state state)
{
	static const char *const names[] = {
#define X(id, name) name,
		TLS_OCSP_TABLE(X)
#undef X
	};

	return state < TLS_OCSP_STATE_COUNT ? names[state] : names[TLS_OCSP_NONE];
}

/* RFC 5019 section 2.1.1 wants SHA-1 here; nothing depends on its strength. */
static OCSP_CERTID *certificate_id(const struct tls_certificate *certificate)
{
	X509 *issuer = tls_certificate_issuer(certificate);

	return issuer == NULL ? NULL
			      : OCSP_cert_to_id(EVP_sha1(), tls_certificate_leaf(certificate), issuer);
}

enum fault tls_ocsp_request(const struct tls_certificate *certificate, struct buf *der)
{
	OCSP_CERTID *id = certificate_id(certificate);
	OCSP_REQUEST *request = OCSP_REQUEST_new();
	unsigned char *bytes = NULL;
	int len = 0;

	CHECK(request != NULL);
	/* The request owns the id from then on. No nonce: responders answer from a cache. */
	if (id != NULL && OCSP_request_add0_id(request, id) != NULL)
		len = i2d_OCSP_REQUEST(request, &bytes);
	if (len > 0)
		buf_append(der, bytes, (size_t)len);
	OPENSSL_free(bytes);
	OCSP_REQUEST_free(request);
	ERR_clear_error();
	return len > 0 ? FAULT_NONE : FAULT_NOT_FOUND;
}

static int64_t seconds_of(const ASN1_GENERALIZEDTIME *when)
{
	struct tm civil;

	memset(&civil, 0, sizeof(civil));
	return when != NULL && ASN1_TIME_to_tm(when, &civil) == 1 ? (int64_t)timegm(&civil) : 0;
}

/*
 * Only the issuer is trusted: it signed the answer, or the certificate of a responder
 * with the purpose of signing such answers (RFC 6960 section 4.2.2.2).
 */
static bool signature_holds(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_s)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *helpers = sk_X509_new_null();
	X509_VERIFY_PARAM *param = store == NULL ? NULL : X509_STORE_get0_param(store);

	CHECK(param != NULL && helpers != NULL && sk_X509_push(helpers, issuer) > 0);
	CHECK(X509_STORE_add_cert(store, issuer) == 1);
	CHECK(X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1);
	X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
	bool holds = OCSP_basic_verify(basic, helpers, store, 0) == 1;
	sk_X509_free(helpers);
	X509_STORE_free(store);
	return holds;
}

static enum tls_ocsp_state state_of(int status)
{
	switch (status) {
	case V_OCSP_CERTSTATUS_GOOD:
		return TLS_OCSP_GOOD;
	case V_OCSP_CERTSTATUS_REVOKED:
		return TLS_OCSP_REVOKED;
	default:
		return TLS_OCSP_UNKNOWN;
	}
}

static bool times_hold(const struct tls_ocsp_answer *answer, int64_t now_s, struct buf *why)
{
	if (answer->this_update_s == 0 || answer->this_update_s > now_s + TLS_OCSP_SKEW_S)
		buf_append_c(why, "the answer is of the future; check the machine's clock");
	else if (answer->next_update_s <= now_s)
		buf_append_c(why, "the answer has run out");
	else
		return true;
	return false;
}

static bool single_read(const struct tls_certificate *certificate, OCSP_BASICRESP *basic,
			struct tls_ocsp_answer *answer)
{
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *until = NULL;
	OCSP_CERTID *id = certificate_id(certificate);
	int status, reason;

	bool is_found = id != NULL && OCSP_resp_find_status(basic, id, &status, &reason, &revoked,
							    &from, &until) == 1;
	OCSP_CERTID_free(id);
	if (!is_found)
		return false;
	*answer = (struct tls_ocsp_answer){.state = state_of(status),
					   .this_update_s = seconds_of(from),
					   .next_update_s = seconds_of(until),
					   .revoked_s = seconds_of(revoked)};
	if (until == NULL)
		answer->next_update_s = answer->this_update_s + TLS_OCSP_DEFAULT_S;
	return true;
}

static bool basic_check(const struct tls_certificate *certificate, OCSP_BASICRESP *basic,
			int64_t now_s, struct tls_ocsp_answer *answer, struct buf *why)
{
	X509 *issuer = tls_certificate_issuer(certificate);

	if (issuer == NULL) {
		buf_append_c(why, "the issuer's certificate is not in the chain; put it behind the leaf");
		return false;
	}
	if (!signature_holds(basic, issuer, now_s)) {
		buf_append_c(why, "the answer is not signed by the certificate's issuer");
		return false;
	}
	if (!single_read(certificate, basic, answer)) {
		buf_append_c(why, "the answer is about another certificate");
		return false;
	}
	return times_hold(answer, now_s, why);
}

/* What a responder says instead of an answer: "tryLater", "unauthorized". */
static void append_refusal(OCSP_RESPONSE *response, struct buf *why)
{
	buf_printf(why, "the responder says: %s",
		   OCSP_response_status_str(OCSP_response_status(response)));
}

enum fault tls_ocsp_check(const struct tls_certificate *certificate, struct str der, int64_t now_s,
			  struct tls_ocsp_answer *answer_out, struct buf *why)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	struct tls_ocsp_answer answer = {.state = TLS_OCSP_NONE};
	OCSP_RESPONSE *response = der.len == 0 || der.len > TLS_OCSP_RESPONSE_MAX
					  ? NULL
					  : d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
	OCSP_BASICRESP *basic = NULL;
	bool holds = false;

	if (response == NULL)
		buf_append_c(why, "the answer is not one of OCSP");
	else if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		append_refusal(response, why);
	else if ((basic = OCSP_response_get1_basic(response)) == NULL)
		buf_append_c(why, "the answer is of a kind that nobody uses");
	else
		holds = basic_check(certificate, basic, now_s, &answer, why);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	if (!holds)
		return FAULT_INVALID;
	*answer_out = answer;
	return FAULT_NONE;
}

int64_t tls_ocsp_next_s(int64_t now_s, int64_t next_update_s, unsigned failures)
{
	int64_t pause_s = (next_update_s - now_s) / 2;

	if (failures > 0) {
		pause_s = RETRY_FIRST_S;
		for (unsigned i = 1; i < failures && pause_s < RETRY_MOST_S; i++)
			pause_s *= 2;
		if (pause_s > RETRY_MOST_S)
			pause_s = RETRY_MOST_S;
	} else if (pause_s < REFRESH_LEAST_S)
		pause_s = REFRESH_LEAST_S;
	return now_s + pause_s;
}
