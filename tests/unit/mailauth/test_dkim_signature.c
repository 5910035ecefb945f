/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of mailauth/dkim_signature: the signatures of RFC 8463 appendix A hold for
 * our canonical forms; which fields are signed; that what we make verifies, with both
 * algorithms, and does not when something was changed or added.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "crypto/library.h"
#include "mailauth/dkim_signature.h"

/* ---- RFC 8463 appendix A ---- */

#define FROM "From: Joe SixPack <joe@football.example.com>\r\n"
#define TO "To: Suzie Q <suzie@shopping.example.net>\r\n"
#define SUBJECT "Subject: Is dinner ready?\r\n"
#define DATE "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
#define MESSAGE_ID "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
#define HEADER FROM TO SUBJECT DATE MESSAGE_ID
#define BODY "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

#define ED25519_PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define ED25519_SIGNATURE                                                                          \
	"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
#define RSA_PUBLIC                                                                                 \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi" \
	"Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZy" \
	"VYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define RSA_SIGNATURE                                                                              \
	"F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tF" \
	"OeS9mPYQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="
#define TAGS(algorithm, selector)                                                                  \
	" v=1; a=" algorithm "; c=relaxed/relaxed;\r\n d=football.example.com; "                   \
	"i=@football.example.com;\r\n q=dns/txt; s=" selector "; t=1528637909; h=from : to :\r\n " \
	"subject : date : message-id : from : subject : date;\r\n "                                \
	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="

/* Reads base64 into a buffer of the test. */
static struct str decoded(struct buf *to, const char *text)
{
	buf_reset(to);
	assert_true(base64_decode(to, str_from_c(text)));
	return buf_str(to);
}

static bool ed25519_verify(struct str public_key, struct str message, struct str signature)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(crypto_library(), "ED25519", NULL,
						       (const unsigned char *)public_key.ptr,
						       public_key.len);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool holds = EVP_DigestVerifyInit_ex(context, NULL, NULL, crypto_library(), NULL, key,
					     NULL) == 1 &&
		     EVP_DigestVerify(context, (const unsigned char *)signature.ptr, signature.len,
				      (const unsigned char *)message.ptr, message.len) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return holds;
}

static bool rsa_verify(struct str public_key, struct str digest, struct str signature)
{
	const unsigned char *at = (const unsigned char *)public_key.ptr;
	EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &at, (long)public_key.len, crypto_library(), NULL);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_library(), key, NULL);
	bool holds = EVP_PKEY_verify_init(context) == 1 &&
		     EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_signature_md(context, crypto_sha256()) == 1 &&
		     EVP_PKEY_verify(context, (const unsigned char *)signature.ptr, signature.len,
				     (const unsigned char *)digest.ptr, digest.len) == 1;

	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(key);
	return holds;
}

static void field_add(struct buf *to, const char *field)
{
	struct str rest = str_from_c(field);
	struct message_field parsed;

	assert_true(message_field_next(&rest, &parsed));
	dkim_field_append(to, parsed.name, parsed.value);
	buf_append_c(to, "\r\n");
}

/* What the RFC's signature covers, by our canonical forms. */
static void example_digest(const char *tags, unsigned char digest[SHA256_BYTES])
{
	struct buf text = BUF_INIT(4096);

	field_add(&text, FROM);
	field_add(&text, TO);
	field_add(&text, SUBJECT);
	field_add(&text, DATE);
	field_add(&text, MESSAGE_ID);
	dkim_field_append(&text, STR("DKIM-Signature"), str_from_c(tags));
	sha256(buf_str(&text), digest);
	buf_done(&text);
}

static void test_example(void **state)
{
	struct buf key = BUF_INIT(1024), signature = BUF_INIT(1024);
	unsigned char digest[SHA256_BYTES];
	struct dkim_body body;

	example_digest(TAGS("ed25519-sha256", "brisbane"), digest);
	decoded(&key, ED25519_PUBLIC);
	decoded(&signature, ED25519_SIGNATURE);
	assert_true(ed25519_verify(buf_str(&key), str_make(digest, SHA256_BYTES),
				   buf_str(&signature)));
	example_digest(TAGS("rsa-sha256", "test"), digest);
	decoded(&key, RSA_PUBLIC);
	decoded(&signature, RSA_SIGNATURE);
	assert_true(
		rsa_verify(buf_str(&key), str_make(digest, SHA256_BYTES), buf_str(&signature)));
	dkim_body_init(&body);
	dkim_body_update(&body, STR(BODY));
	dkim_body_final(&body, digest);
	decoded(&key, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
	assert_memory_equal(digest, key.data, SHA256_BYTES);
	buf_done(&key);
	buf_done(&signature);
}

/* ---- ours ---- */

static void names_are(struct str first, struct str second, const char *expected)
{
	struct dkim_header header;
	struct buf names = BUF_INIT(DKIM_FIELD_MAX);

	assert_int_equal(dkim_header_init(&header, first, second), FAULT_NONE);
	for (size_t i = 0; i < header.names.len; i++)
		if (!ascii_is_space(header.names.data[i]))
			buf_append_char(&names, header.names.data[i]);
	assert_true(str_equals(buf_str(&names), str_from_c(expected)));
	buf_done(&names);
	dkim_header_done(&header);
}

static void test_names(void **state)
{
	names_are(STR(""), STR(HEADER "\r\n"),
		  "From:From:To:To:Cc:Subject:Subject:Date:Date:Reply-To:Message-ID:Message-ID");
	names_are(STR(MESSAGE_ID), STR("Received: x\r\n" FROM "mime-version: 1.0\r\nX-Y: z\r\n\r\nTo: body\r\n"),
		  "From:From:To:Cc:Subject:Date:Reply-To:Message-ID:Message-ID:MIME-Version:MIME-Version");
	names_are(STR(""), STR("List-Id: <l>\r\n" FROM FROM),
		  "From:From:From:To:Cc:Subject:Date:Reply-To:Message-ID:List-Id");
}

/* The last of several comes first (RFC 6376 section 5.4.2). */
static void test_order(void **state)
{
	struct dkim_header header;

	assert_int_equal(dkim_header_init(&header, STR("To: 1\r\n"), STR("To: 2\r\nTo: 3\r\n\r\n")),
			 FAULT_NONE);
	assert_int_equal(header.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(header.fields[i].value.ptr[1], "321"[i]);
	dkim_header_done(&header);
}

static void test_too_many(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	struct dkim_header header;

	for (int i = 0; i < DKIM_NAMES_MAX - 7; i++)
		buf_append_c(&text, "To: x\r\n");
	assert_int_equal(dkim_header_init(&header, buf_str(&text), STR("")), FAULT_NONE);
	dkim_header_done(&header);
	for (int i = 0; i < 1000; i++)
		buf_append_c(&text, "To: x\r\n");
	assert_int_equal(dkim_header_init(&header, buf_str(&text), STR("")), FAULT_TOO_LARGE);
	buf_done(&text);
}

/* The text: lines of a length that mail may have, tags in their order, and its own digest. */
static void test_text(void **state)
{
	struct dkim_header header;
	struct buf field = BUF_INIT(DKIM_FIELD_MAX), all = BUF_INIT(DKIM_FIELD_MAX);
	unsigned char digest[SHA256_BYTES], again[SHA256_BYTES];
	char long_signature[512];

	assert_int_equal(dkim_header_init(&header, STR(""), STR(HEADER)), FAULT_NONE);
	struct dkim_signature signature = {.algorithm = DKIM_ED25519,
					   .domain = STR("football.example.com"),
					   .selector = STR("brisbane"),
					   .time_s = 1528637909,
					   .header = &header,
					   .body_digest = (const unsigned char *)
						   "0123456789abcdef0123456789abcdef"};
	dkim_signature_begin(&field, &signature, digest);
	for (size_t i = 0; i < header.count; i++) {
		dkim_field_append(&all, header.fields[i].name, header.fields[i].value);
		buf_append_c(&all, "\r\n");
	}
	dkim_field_append(&all, STR("DKIM-Signature"),
			  str_from(buf_str(&field), strlen("DKIM-Signature:")));
	sha256(buf_str(&all), again);
	assert_memory_equal(digest, again, SHA256_BYTES);
	memset(long_signature, 's', sizeof(long_signature));
	dkim_signature_end(&field, str_make(long_signature, sizeof(long_signature)));
	assert_true(str_has_prefix(buf_str(&field),
				   STR("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
				       "\td=football.example.com;\r\n\ts=brisbane; t=1528637909;\r\n\tbh=")));
	for (struct str rest = buf_str(&field); rest.len > 0;) {
		struct str line = message_line_strip(message_line_take(&rest));
		assert_in_range(line.len, 1, 78);
	}
	buf_done(&field);
	buf_done(&all);
	dkim_header_done(&header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
