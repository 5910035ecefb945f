/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/user_anchors.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "tls/anchors.h"
#include "tls/connection.h"

enum {
	FILES_MAX = 256,
	/* What a peer may send: some certificates of a usual size. */
	CHAIN_BYTES_MAX = 16 * 1024,
	CHAIN_DEPTH_MAX = 8,
	NAME_MAX_BYTES = 16 * 1024,
	NAME_SHOWN_BYTES = 256,
};

struct tls_user_anchors {
	int references; /* atomic */
	struct tls_anchors *anchors;
	STACK_OF(X509_NAME) *names;
	unsigned char digest[SHA256_BYTES];
};

/* ---- reading ---- */

/* True when the PEM reader stopped because there was no more. */
static bool pem_is_at_end(void)
{
	unsigned long error = ERR_peek_last_error();
	bool is_end = error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM &&
				     ERR_GET_REASON(error) == PEM_R_NO_START_LINE);

	ERR_clear_error();
	return is_end;
}

static BIO *text_open(struct str text)
{
	BIO *bio = BIO_new_mem_buf(text.len == 0 ? "" : text.ptr, (int)text.len);

	CHECK(bio != NULL && text.len <= TLS_USER_ANCHORS_MAX);
	ERR_clear_error();
	return bio;
}

/* With a list at hand a certificate of its issuer must not stand in it. */
static enum fault lists_add(X509_STORE *store, struct str pem, size_t *count_out)
{
	BIO *bio = text_open(pem);
	X509_CRL *list;

	*count_out = 0;
	while ((list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		CHECK(X509_STORE_add_crl(store, list) == 1);
		X509_CRL_free(list);
		++*count_out;
	}
	BIO_free(bio);
	if (*count_out > 0)
		CHECK(X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
							  X509_V_FLAG_CRL_CHECK_ALL) == 1);
	return pem_is_at_end() ? FAULT_NONE : FAULT_INVALID;
}

/* The anchors' names, which tell a client which of its certificates is wanted. */
static STACK_OF(X509_NAME) *names_make(X509_STORE *store)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	STACK_OF(X509) *all = X509_STORE_get1_all_certs(store);

	CHECK(names != NULL && all != NULL);
	for (int i = 0; i < sk_X509_num(all); i++) {
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(all, i)));
		CHECK(name != NULL && sk_X509_NAME_push(names, name) > 0);
	}
	sk_X509_pop_free(all, X509_free);
	return names;
}

enum fault tls_user_anchors_parse(struct str pem, struct buf *why, struct tls_user_anchors **out)
{
	struct tls_user_anchors *self = calloc(1, sizeof(*self));
	size_t certificates = 0, lists = 0;

	CHECK(self != NULL);
	self->references = 1;
	self->anchors = tls_anchors_new();
	sha256(pem, self->digest);
	enum fault fault = tls_anchors_add(self->anchors, pem, &certificates);
	if (fault != FAULT_NONE)
		buf_printf(why, "certificate number %zu is damaged", certificates + 1);
	else {
		fault = lists_add(tls_anchors_openssl(self->anchors), pem, &lists);
		if (fault != FAULT_NONE)
			buf_printf(why, "revocation list number %zu is damaged", lists + 1);
	}
	self->names = names_make(tls_anchors_openssl(self->anchors));
	if (fault == FAULT_NONE)
		*out = self;
	else
		tls_user_anchors_unref(&self);
	return fault;
}

/* A list as CAs give it out: in DER form. False when it is none. */
static bool der_list_convert(struct buf *file)
{
	const unsigned char *at = (const unsigned char *)file->data;
	X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)file->len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	CHECK(bio != NULL);
	bool is_list = list != NULL && PEM_write_bio_X509_CRL(bio, list) == 1;
	if (is_list) {
		long len = BIO_get_mem_data(bio, &text);
		buf_reset(file);
		buf_append(file, text, (size_t)len);
	}
	BIO_free(bio);
	X509_CRL_free(list);
	ERR_clear_error();
	return is_list && !file->failed;
}

static bool has_wanted(const struct buf *file, bool is_list)
{
	return str_find(buf_str(file), is_list ? STR("-----BEGIN X509 CRL-----")
					       : STR("-----BEGIN ")) != STR_NONE;
}

static enum fault file_take(const char *path, bool is_list, struct buf *pem, struct buf *why)
{
	struct buf file = BUF_INIT(TLS_USER_ANCHORS_MAX), reason = BUF_INIT(200);
	struct tls_user_anchors *parsed = NULL;
	enum fault fault = file_read(path, &file);

	if (fault != FAULT_NONE)
		buf_append_c(&reason, fault_text(fault));
	else if (!has_wanted(&file, is_list) && !(is_list && der_list_convert(&file))) {
		buf_append_c(&reason, is_list ? "it holds no revocation list"
					      : "it holds no certificate in PEM form");
		fault = FAULT_INVALID;
	} else
		fault = tls_user_anchors_parse(buf_str(&file), &reason, &parsed);
	tls_user_anchors_unref(&parsed);
	buf_append_str(pem, buf_str(&file));
	buf_append_char(pem, '\n');
	if (fault == FAULT_NONE && pem->failed) {
		buf_append_c(&reason, "the files of this folder are too long together");
		fault = FAULT_TOO_LARGE;
	}
	if (fault != FAULT_NONE)
		buf_printf(why, "%s: %.*s; correct or remove it", path, STR_ARG(buf_str(&reason)));
	buf_done(&file);
	buf_done(&reason);
	return fault == FAULT_NONE ? FAULT_NONE : FAULT_INVALID;
}

static bool is_list_name(const char *name)
{
	return str_has_suffix_nocase(str_from_c(name), STR(".crl"));
}

static int is_wanted_name(const struct dirent *entry)
{
	struct str name = str_from_c(entry->d_name);

	return entry->d_name[0] != '.' &&
	       (is_list_name(entry->d_name) || str_has_suffix_nocase(name, STR(".crt")) ||
		str_has_suffix_nocase(name, STR(".pem")));
}

enum fault tls_user_anchors_load(const char *folder, struct buf *pem, struct buf *why)
{
	struct dirent **names;
	/* In the order of their names, so that the same files give the same digest. */
	int count = scandir(folder, &names, is_wanted_name, alphasort);
	enum fault fault = FAULT_NONE;

	if (count < 0) {
		if (errno == ENOENT)
			return FAULT_NONE;
		buf_printf(why, "%s: %s", folder, fault_text(fault_from_errno(errno)));
		return FAULT_INVALID;
	}
	if (count > FILES_MAX) {
		buf_printf(why, "%s: more than %d files", folder, FILES_MAX);
		fault = FAULT_INVALID;
	}
	for (int i = 0; i < count; i++) {
		char *path = path_join(folder, names[i]->d_name);
		if (fault == FAULT_NONE)
			fault = file_take(path, is_list_name(names[i]->d_name), pem, why);
		free(path);
		free(names[i]);
	}
	free(names);
	return fault;
}

/* ---- life ---- */

struct tls_user_anchors *tls_user_anchors_ref(struct tls_user_anchors *anchors)
{
	__atomic_add_fetch(&anchors->references, 1, __ATOMIC_RELAXED);
	return anchors;
}

void tls_user_anchors_unref(struct tls_user_anchors **anchors)
{
	struct tls_user_anchors *self = *anchors;

	*anchors = NULL;
	if (self == NULL || __atomic_sub_fetch(&self->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	tls_anchors_unref(&self->anchors);
	sk_X509_NAME_pop_free(self->names, X509_NAME_free);
	free(self);
}

size_t tls_user_anchors_count(const struct tls_user_anchors *anchors)
{
	return tls_anchors_count(anchors->anchors);
}

static void certificate_check(const X509 *certificate, const char *name, struct findings *findings)
{
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
		finding_add(findings, FINDING_WARNING, (struct finding_place){0},
			    "%s has expired: nobody whose certificate it vouches for can log in by it",
			    name);
}

static void list_check(const X509_CRL *list, const char *name, struct findings *findings)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);

	if (next != NULL && X509_cmp_current_time(next) <= 0)
		finding_add(findings, FINDING_WARNING, (struct finding_place){0},
			    "the revocation list of %s is out of date: nobody with a certificate of it "
			    "can log in by it; put a new list there",
			    name);
}

void tls_user_anchors_check(const struct tls_user_anchors *anchors, struct findings *findings)
{
	/* Nobody else has the store, which is not changed any more. */
	const STACK_OF(X509_OBJECT) *all =
		X509_STORE_get0_objects(tls_anchors_openssl(anchors->anchors));

	for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
		X509_OBJECT *object = sk_X509_OBJECT_value(all, i);
		X509 *certificate = X509_OBJECT_get0_X509(object);
		X509_CRL *list = X509_OBJECT_get0_X509_CRL(object);
		struct buf name = BUF_INIT(NAME_MAX_BYTES), shown = BUF_INIT(NAME_MAX_BYTES);
		if (certificate != NULL)
			tls_name_append(&name, X509_get_subject_name(certificate));
		else if (list != NULL)
			tls_name_append(&name, X509_CRL_get_issuer(list));
		text_append_phrase(&shown, str_sub(buf_str(&name), 0, NAME_SHOWN_BYTES));
		buf_append_char(&shown, '\0');
		if (certificate != NULL)
			certificate_check(certificate, shown.data, findings);
		else if (list != NULL)
			list_check(list, shown.data, findings);
		buf_done(&name);
		buf_done(&shown);
	}
}

const unsigned char *tls_user_anchors_digest(const struct tls_user_anchors *anchors)
{
	return anchors->digest;
}

/* ---- judging ---- */

/* An issuer of whom the administrator has no list revokes nothing. */
static int list_may_be_missing(int is_good, X509_STORE_CTX *context)
{
	if (is_good == 1 || X509_STORE_CTX_get_error(context) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return is_good;
	X509_STORE_CTX_set_error(context, X509_V_OK);
	return 1;
}

/*
 * OpenSSL's callback in place of its own judgement. The outcome stays in the session
 * (SSL_get_verify_result); the handshake goes on whatever it is, for whoever shows a bad
 * certificate can still log in by password.
 */
static int certificate_judge(X509_STORE_CTX *context, void *nothing)
{
	X509_STORE_CTX_set_verify_cb(context, list_may_be_missing);
	if (X509_verify_cert(context) == 1)
		X509_STORE_CTX_set_error(context, X509_V_OK);
	else if (X509_STORE_CTX_get_error(context) == X509_V_OK)
		X509_STORE_CTX_set_error(context, X509_V_ERR_UNSPECIFIED);
	ERR_clear_error();
	return 1;
}

void tls_user_anchors_attach(const struct tls_user_anchors *anchors, SSL_CTX *openssl)
{
	STACK_OF(X509_NAME) *names = SSL_dup_CA_list(anchors->names);

	CHECK(names != NULL);
	SSL_CTX_set_client_CA_list(openssl, names);
	CHECK(SSL_CTX_set1_verify_cert_store(openssl, tls_anchors_openssl(anchors->anchors)) == 1);
	SSL_CTX_set_verify(openssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(openssl, certificate_judge, NULL);
	SSL_CTX_set_verify_depth(openssl, CHAIN_DEPTH_MAX);
	SSL_CTX_set_max_cert_list(openssl, CHAIN_BYTES_MAX);
}
