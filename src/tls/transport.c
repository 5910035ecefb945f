/* SPDX-License-Identifier: Apache-2.0 */
/* TLS below a stream: see transport.h. */
#include "tls/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "tls/binding.h"
#include "tls/catalog.h"
#include "tls/connection.h"
#include "tls/user_certificate.h"

/*
 * One read takes so many encrypted bytes: a record and more. OpenSSL would read
 * on as long as none of them is data, and a flood of key updates (RFC 8446
 * section 4.6.3) would hold its thread for ever.
 */
enum { READ_BYTES_MAX = 48 * 1024 };

enum { HELD_MAX = 64 * 1024 };

/* ---- OpenSSL's way to the socket ---- */

/*
 * The end of a handshake (tickets in TLS 1.3, Finished before) is followed at
 * once by what the server says first: both go in one packet. So it is held back
 * until the next write, or until somebody wants to read.
 */
static bool is_handshake_end(SSL *ssl)
{
	OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);

	if (SSL_version(ssl) == TLS1_3_VERSION)
		return state == TLS_ST_SW_SESSION_TICKET;
	return state == TLS_ST_SW_FINISHED && !SSL_session_reused(ssl);
}

/* Four records of a long text go in one call: the kernel's work for each call is half of all. */
static bool may_wait(const struct tls_connection *self, size_t len)
{
	if (!self->is_done)
		return is_handshake_end(self->ssl);
	return self->has_more && self->held.len + len <= HELD_MAX;
}

/* Sends what is held and then `len` bytes; gives how much of those went, or -1 with errno. */
static ssize_t held_send(struct tls_connection *self, const char *from, size_t len)
{
	struct iovec parts[2] = {
		{.iov_base = self->held.data, .iov_len = self->held.len},
		{.iov_base = (void *)(uintptr_t)from, .iov_len = len},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = len > 0 ? 2 : 1};
	ssize_t sent = sendmsg(self->fd, &message, MSG_NOSIGNAL);

	if (sent < 0)
		return -1;
	if ((size_t)sent < self->held.len) {
		buf_consume(&self->held, (size_t)sent);
		errno = EAGAIN;
		return -1;
	}
	sent -= (ssize_t)self->held.len;
	buf_reset(&self->held);
	if (sent == 0 && len > 0) {
		errno = EAGAIN;
		return -1;
	}
	return sent;
}

static int socket_write(BIO *bio, const char *from, int len)
{
	struct tls_connection *self = BIO_get_data(bio);
	ssize_t sent;

	BIO_clear_retry_flags(bio);
	if (may_wait(self, (size_t)len)) {
		buf_append(&self->held, from, (size_t)len);
		CHECK(!self->held.failed);
		return len;
	}
	do {
		sent = self->held.len > 0 ? held_send(self, from, (size_t)len)
					  : send(self->fd, from, (size_t)len, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static int socket_read(BIO *bio, char *to, int len)
{
	struct tls_connection *self = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (self->is_done && self->read_left == 0) {
		BIO_set_retry_read(bio);
		errno = EAGAIN;
		return -1;
	}
	do {
		got = recv(self->fd, to, (size_t)len, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_read(bio);
	if (got > 0 && !self->is_done)
		tls_hello_note_input(&self->hello, to, (size_t)got);
	if (got > 0)
		self->read_left -= self->read_left < (size_t)got ? self->read_left : (size_t)got;
	if (got == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)got;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default:
		return 0;
	}
}

static BIO_METHOD *socket_method;
static pthread_once_t socket_method_once = PTHREAD_ONCE_INIT;

static void socket_method_make(void)
{
	socket_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "postern socket");
	CHECK(socket_method != NULL);
	CHECK(BIO_meth_set_write(socket_method, socket_write) == 1);
	CHECK(BIO_meth_set_read(socket_method, socket_read) == 1);
	CHECK(BIO_meth_set_ctrl(socket_method, socket_control) == 1);
}

static BIO *socket_bio_new(struct tls_connection *connection)
{
	CHECK(pthread_once(&socket_method_once, socket_method_make) == 0);
	BIO *bio = BIO_new(socket_method);
	CHECK(bio != NULL);
	BIO_set_data(bio, connection);
	BIO_set_init(bio, 1);
	return bio;
}

/* ---- life of a connection ---- */

struct tls_connection *tls_connection_make(struct tls_context *context, int fd, bool is_client)
{
	struct tls_connection *self = calloc(1, sizeof(*self));

	CHECK(self != NULL);
	self->fd = fd;
	/* The rung of a floor moves without a restart: the clock decides, here. */
	context = tls_context_at(context, clock_real_s());
	self->context = tls_context_ref(context);
	tls_hello_init(&self->hello);
	buf_init(&self->held, HELD_MAX);
	self->ssl = SSL_new(tls_context_openssl(context));
	CHECK(self->ssl != NULL);
	CHECK(SSL_set_app_data(self->ssl, &self->hello) == 1);
	BIO *bio = socket_bio_new(self);
	SSL_set_bio(self->ssl, bio, bio);
	if (is_client)
		SSL_set_connect_state(self->ssl);
	else
		SSL_set_accept_state(self->ssl);
	return self;
}

struct tls_connection *tls_connection_new(struct tls_context *context, int fd)
{
	return tls_connection_make(context, fd, false);
}

void tls_connection_free(struct tls_connection **connection)
{
	struct tls_connection *self = *connection;

	if (self == NULL)
		return;
	SSL_free(self->ssl);
	tls_hello_rest(&self->hello);
	tls_client_free(&self->client);
	tls_context_unref(&self->context);
	buf_done(&self->held);
	free(self);
	*connection = NULL;
}

/* OpenSSL's own word for what went wrong, not "a library below had an error". */
static bool is_telling(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_SSL && (ERR_GET_REASON(error) & ERR_RFLAG_COMMON) == 0;
}

/*
 * Takes what OpenSSL says of a failure off its queue: a fault of our key (tls/provider.h), else
 * its own word, else whatever came first, which is the library below. 0: nothing.
 */
static unsigned long error_take(void)
{
	unsigned long taken = 0;

	for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
		bool is_ours = ERR_GET_LIB(error) == ERR_LIB_USER;
		if (taken == 0 || is_ours || (is_telling(error) && !is_telling(taken)))
			taken = error;
		if (is_ours)
			break;
	}
	ERR_clear_error();
	return taken;
}

/* What OpenSSL's result means to a stream; notes why when it is bad. */
static enum io io_of(struct tls_connection *self, int result)
{
	int system_error = errno;

	switch (SSL_get_error(self->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return IO_WANT_INPUT;
	case SSL_ERROR_WANT_WRITE:
		return IO_WANT_OUTPUT;
	case SSL_ERROR_ZERO_RETURN:
		return IO_CLOSED;
	default:
		self->error = error_take();
		self->system_error = self->error == 0 ? system_error : 0;
		return IO_BROKEN;
	}
}

/*
 * Takes what the peer had said when the handshake failed: the log tells how it began, and unread
 * input would make the kernel reset the connection and take our alert with it. (OpenSSL from 3.2
 * on reads no more than five bytes of whoever speaks no TLS.)
 */
static void input_drain(struct tls_connection *self)
{
	enum { CHUNK = 4096, CHUNKS_MAX = 16 };
	char chunk[CHUNK];

	for (int i = 0; i < CHUNKS_MAX; i++) {
		ssize_t got = recv(self->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (got <= 0)
			return;
		tls_hello_note_input(&self->hello, chunk, (size_t)got);
	}
}

enum io tls_handshake(struct tls_connection *connection)
{
	if (connection->is_done)
		return IO_DONE;
	ERR_clear_error();
	errno = 0;
	int result = SSL_do_handshake(connection->ssl);
	if (result != 1) {
		enum io io = io_of(connection, result);
		if (io == IO_BROKEN)
			input_drain(connection);
		return io;
	}
	connection->is_done = true;
	SSL_set_msg_callback(connection->ssl, NULL);
	tls_hello_rest(&connection->hello);
	return IO_DONE;
}

void tls_handshake_expire(struct tls_connection *connection)
{
	connection->is_expired = true;
}

/* ---- the transport ---- */

/* An idle connection keeps no buffer. */
static void held_rest(struct tls_connection *self)
{
	if (self->held.len > 0)
		return;
	buf_done(&self->held);
	buf_init(&self->held, HELD_MAX);
}

/*
 * Sends what is held when nothing else is going to; a socket that is full gets it
 * with the next write.
 */
static void held_push(struct tls_connection *self)
{
	if (self->held.len > 0)
		(void)held_send(self, NULL, 0);
	held_rest(self);
}

static enum io tls_read(void *state, int fd, char *to, size_t cap, size_t *got_out)
{
	struct tls_connection *self = state;

	held_push(self);
	ERR_clear_error();
	errno = 0;
	self->read_left = READ_BYTES_MAX;
	int result = SSL_read_ex(self->ssl, to, cap, got_out);
	self->is_drained = result != 1;
	return result == 1 ? IO_DONE : io_of(self, result);
}

static enum io tls_write(void *state, int fd, const char *from, size_t len, size_t *done_out)
{
	struct tls_connection *self = state;

	/* OpenSSL makes one record, behind the one that the socket did not take before. */
	size_t at_most = (self->is_write_due ? 2 : 1) * SSL3_RT_MAX_PLAIN_LENGTH;

	ERR_clear_error();
	errno = 0;
	/* Who wants to write more than that comes again for the rest. */
	self->has_more = len > at_most;
	int result = SSL_write_ex(self->ssl, from, len, done_out);
	self->is_write_due = result != 1;
	if (!self->has_more)
		held_rest(self);
	self->has_more = false;
	return result == 1 ? IO_DONE : io_of(self, result);
}

/* A part of a record in OpenSSL's buffer is no input yet: hence `is_drained`. */
static bool tls_has_pending(void *state)
{
	const struct tls_connection *self = state;

	return self->held.len > 0 || (!self->is_drained && SSL_has_pending(self->ssl) == 1);
}

static void tls_close(void *state, int fd)
{
	struct tls_connection *self = state;

	if (!self->is_done || self->error != 0)
		return;
	ERR_clear_error();
	/* close_notify (RFC 8446 section 6.1); nobody waits for the peer's. */
	(void)SSL_shutdown(self->ssl);
	ERR_clear_error();
}

static void tls_free(void *state)
{
	struct tls_connection *self = state;

	tls_connection_free(&self);
}

const struct transport transport_tls = {
	.read = tls_read,
	.write = tls_write,
	.has_pending = tls_has_pending,
	.close = tls_close,
	.free = tls_free,
};

/* ---- facts ---- */

/* Names as the logs write them. */
static const struct {
	int nid;
	const char *name;
} group_names[] = {
	{NID_X25519, "x25519"},	      {NID_X448, "x448"},	    {NID_X9_62_prime256v1, "P-256"},
	{NID_secp384r1, "P-384"},     {NID_secp521r1, "P-521"},	    {NID_ffdhe2048, "ffdhe2048"},
	{NID_ffdhe3072, "ffdhe3072"}, {NID_ffdhe4096, "ffdhe4096"},
};

/* Groups that OpenSSL has no number of its own for come as IANA's with this mark. */
static const char *group_name_from_id(int id)
{
	for (size_t i = 0; i < tls_group_count(); i++) {
		if (tls_group_at(i)->id == (id & 0xffff))
			return tls_group_at(i)->name;
	}
	return "";
}

static const char *group_name(const struct tls_connection *self)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(self->ssl);
	int kx = cipher == NULL ? NID_undef : SSL_CIPHER_get_kx_nid(cipher);

	if (kx == NID_kx_dhe)
		return self->client == NULL ? tls_context_dh_name(self->context)
					    : tls_client_dh_name(self);
	if (kx == NID_kx_rsa)
		return "";
	int nid = (int)SSL_get_negotiated_group(self->ssl);
	for (size_t i = 0; i < sizeof(group_names) / sizeof(group_names[0]); i++) {
		if (group_names[i].nid == nid)
			return group_names[i].name;
	}
	return (nid & TLSEXT_nid_unknown) != 0 ? group_name_from_id(nid) : "";
}

static bool has_user(const struct tls_connection *connection)
{
	struct tls_user_certificate certificate;

	tls_user_certificate_read(connection, &certificate);
	return certificate.is_good;
}

void tls_connection_facts(const struct tls_connection *connection, struct tls_facts *facts_out)
{
	const char *server_name = SSL_get_servername(connection->ssl, TLSEXT_NAMETYPE_host_name);

	*facts_out = (struct tls_facts){
		.is_active = connection->is_done,
		.version = TLS_PROTOCOL_COUNT,
		.version_name = "",
		.suite = "",
		.group = "",
		.server_name = server_name == NULL ? "" : server_name,
		.peer_highest = connection->hello.highest,
		.peer_listed_versions = connection->hello.listed_versions,
		.is_challenge = connection->hello.gets_challenge,
		.alert_sent = connection->hello.alert_sent,
		.alert_received = connection->hello.alert_received,
	};
	if (!connection->is_done)
		return;
	facts_out->is_resumed = SSL_session_reused(connection->ssl) == 1;
	facts_out->has_binding = tls_connection_has_binding(connection);
	facts_out->has_user = connection->client == NULL && has_user(connection);
	facts_out->version = tls_protocol_from_wire(SSL_version(connection->ssl));
	facts_out->version_name = SSL_get_version(connection->ssl);
	facts_out->suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(connection->ssl));
	facts_out->suite_id = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(connection->ssl));
	facts_out->group = group_name(connection);
	const struct tls_floor *floor = &tls_context_words(connection->context)->floor;
	if (floor->rung != TLS_RUNG_NONE && facts_out->version < floor->protocol) {
		facts_out->below_floor = floor->rung;
		facts_out->floor = floor->protocol;
	}
}

void tls_facts_append(const struct tls_facts *facts, struct buf *to)
{
	if (!facts->is_active)
		return;
	buf_printf(to, "%s %s", facts->version_name, facts->suite);
	if (facts->group[0] != '\0')
		buf_printf(to, " %s", facts->group);
}
