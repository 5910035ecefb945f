/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/anchors.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "crypto/library.h"

struct tls_anchors {
	int references; /* atomic */
	size_t count;
	X509_STORE *store;
};

struct tls_anchors *tls_anchors_new(void)
{
	struct tls_anchors *self = calloc(1, sizeof(*self));

	CHECK(self != NULL);
	self->references = 1;
	self->store = X509_STORE_new();
	CHECK(self->store != NULL);
	/* Whoever puts an intermediate or a server's own certificate into sslca means it. */
	CHECK(X509_STORE_set_flags(self->store,
				   X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST) == 1);
	return self;
}

/* The next one; NULL at the end, or with an error in OpenSSL's queue. */
static X509 *certificate_read(BIO *bio)
{
	X509 *certificate = X509_new_ex(crypto_library(), NULL);

	CHECK(certificate != NULL);
	if (PEM_read_bio_X509_AUX(bio, &certificate, NULL, NULL) != NULL)
		return certificate;
	X509_free(certificate);
	return NULL;
}

enum fault tls_anchors_add(struct tls_anchors *anchors, struct str pem, size_t *count_out)
{
	BIO *bio = BIO_new_mem_buf(pem.len == 0 ? "" : pem.ptr, (int)pem.len);
	X509 *certificate;
	size_t count = 0;

	CHECK(bio != NULL && pem.len <= TLS_ANCHORS_FILE_MAX);
	ERR_clear_error();
	while ((certificate = certificate_read(bio)) != NULL) {
		CHECK(X509_STORE_add_cert(anchors->store, certificate) == 1);
		X509_free(certificate);
		count++;
	}
	unsigned long error = ERR_peek_last_error();
	bool is_end = error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM &&
				     ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
	ERR_clear_error();
	BIO_free(bio);
	anchors->count += count;
	if (count_out != NULL)
		*count_out = count;
	return is_end ? FAULT_NONE : FAULT_INVALID;
}

static void file_load(struct tls_anchors *anchors, const char *path, struct buf *notes)
{
	struct buf pem = BUF_INIT(TLS_ANCHORS_FILE_MAX);
	size_t count = 0;
	enum fault fault = file_read(path, &pem);

	if (fault != FAULT_NONE)
		buf_printf(notes, "%s is left out: %s\n", path, fault_text(fault));
	else if (tls_anchors_add(anchors, buf_str(&pem), &count) != FAULT_NONE)
		buf_printf(notes, "%s: certificate number %zu in it is damaged; it and what follows are left out\n",
			   path, count + 1);
	else if (count == 0)
		buf_printf(notes, "%s holds no certificate in PEM form (BEGIN CERTIFICATE)\n", path);
	buf_done(&pem);
}

static bool is_certificate_name(struct str name)
{
	return str_has_suffix_nocase(name, STR(".crt")) || str_has_suffix_nocase(name, STR(".pem"));
}

static void folder_load(struct tls_anchors *anchors, const char *path, struct buf *notes)
{
	DIR *folder = folder_open(path);
	const struct dirent *entry;
	int files = 0;

	if (folder == NULL) {
		buf_printf(notes, "%s is left out: %s\n", path,
			   fault_text(fault_from_errno(errno)));
		return;
	}
	while ((entry = readdir(folder)) != NULL && files < TLS_ANCHORS_FILES_MAX) {
		if (!is_certificate_name(str_from_c(entry->d_name)))
			continue;
		char *file = path_join(path, entry->d_name);
		file_load(anchors, file, notes);
		free(file);
		files++;
	}
	closedir(folder);
}

void tls_anchors_load(struct tls_anchors *anchors, const char *path, struct buf *notes)
{
	struct stat found;

	if (stat(path, &found) != 0) {
		if (errno != ENOENT)
			buf_printf(notes, "%s is left out: %s\n", path,
				   fault_text(fault_from_errno(errno)));
	} else if (S_ISDIR(found.st_mode))
		folder_load(anchors, path, notes);
	else
		file_load(anchors, path, notes);
}

size_t tls_anchors_count(const struct tls_anchors *anchors)
{
	return anchors->count;
}

struct tls_anchors *tls_anchors_ref(struct tls_anchors *anchors)
{
	__atomic_add_fetch(&anchors->references, 1, __ATOMIC_RELAXED);
	return anchors;
}

void tls_anchors_unref(struct tls_anchors **anchors)
{
	struct tls_anchors *self = *anchors;

	*anchors = NULL;
	if (self == NULL || __atomic_sub_fetch(&self->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	X509_STORE_free(self->store);
	free(self);
}

X509_STORE *tls_anchors_openssl(const struct tls_anchors *anchors)
{
	return anchors->store;
}
