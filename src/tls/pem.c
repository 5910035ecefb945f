/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/pem.h"

static bool holds(struct str file, const char *text)
{
	return str_find(file, str_from_c(text)) != STR_NONE;
}

bool pem_has_private_key(struct str file)
{
	return holds(file, "PRIVATE KEY-----");
}

/* A sequence, whose length stands in further bytes, or is that of the file. */
static bool is_der(struct str file)
{
	if (file.len < 4 || (unsigned char)file.ptr[0] != 0x30)
		return false;
	unsigned char length = (unsigned char)file.ptr[1];
	return (length & 0x80) != 0 || length == file.len - 2;
}

bool pem_is_pkcs12(struct str file)
{
	if (!is_der(file))
		return false;
	size_t length_bytes = (file.ptr[1] & 0x80) != 0 ? (unsigned char)file.ptr[1] & 0x7f : 0;

	return str_equals(str_sub(file, 2 + length_bytes, 3), STR("\x02\x01\x03"));
}

static bool is_utf16(struct str file)
{
	return str_has_prefix(file, STR("\xff\xfe")) || str_has_prefix(file, STR("\xfe\xff"));
}

/* What is in the file whose form is wrong altogether; NULL when it looks like a text. */
static const char *form_fault(struct str file)
{
	if (file.len == 0)
		return "it is empty";
	if (pem_is_pkcs12(file))
		return "it is a PKCS#12 file; `postern cert import NAME FILE` reads it";
	if (is_der(file))
		return "it is in binary form (DER); `openssl x509 -inform der` or `openssl pkey "
		       "-inform der` turns it into PEM";
	if (is_utf16(file))
		return "it is a text in UTF-16; store it as plain ASCII";
	return NULL;
}

struct misplaced {
	const char *mark;
	const char *words;
};

static const char *misplaced_find(struct str file, const struct misplaced *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (holds(file, rows[i].mark))
			return rows[i].words;
	return NULL;
}

static const char *instead_of_certificate(struct str file)
{
	static const struct misplaced rows[] = {
		{"BEGIN CERTIFICATE REQUEST",
		 "it holds a request (CSR); the certificate is what the CA makes of it"},
		{"BEGIN NEW CERTIFICATE REQUEST",
		 "it holds a request (CSR); the certificate is what the CA makes of it"},
		{"BEGIN PKCS7", "it is in PKCS#7 form; `openssl pkcs7 -print_certs` turns it into PEM"},
		{"PRIVATE KEY-----",
		 "it holds a private key and no certificate; are the two files exchanged?"},
		{"BEGIN CERTIFICATE", "it is cut off: its END CERTIFICATE line is missing"},
	};
	const char *words = misplaced_find(file, rows, sizeof(rows) / sizeof(rows[0]));

	return words == NULL ? "it holds no certificate in PEM form (BEGIN CERTIFICATE)" : words;
}

static const char *instead_of_key(struct str file)
{
	static const struct misplaced rows[] = {
		{"BEGIN OPENSSH PRIVATE KEY", "it is a key of OpenSSH, which is not one for TLS"},
		{"END EC PRIVATE KEY", "its private key is damaged"},
		{"END RSA PRIVATE KEY", "its private key is damaged"},
		{"END PRIVATE KEY", "its private key is damaged"},
		{"PRIVATE KEY-----", "it is cut off: the END line of the private key is missing"},
		{"BEGIN PUBLIC KEY", "it holds a public key; the private one is needed"},
		{"BEGIN CERTIFICATE",
		 "it holds a certificate and no private key; are the two files exchanged?"},
	};

	return misplaced_find(file, rows, sizeof(rows) / sizeof(rows[0]));
}

void pem_explain(struct str file, enum pem_wanted wanted, struct buf *why)
{
	const char *words = form_fault(file);

	if (words == NULL && wanted == PEM_WANTS_CERTIFICATE)
		words = instead_of_certificate(file);
	else if (words == NULL)
		words = instead_of_key(file);
	if (wanted == PEM_WANTS_KEY)
		buf_append_c(why, "there is no readable private key in PEM form");
	if (words != NULL)
		buf_printf(why, "%s%s", wanted == PEM_WANTS_KEY ? ": " : "", words);
}
