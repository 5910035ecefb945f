/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/self_check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/library.h"

enum {
	DIFFERENCES_MAX = 4 * 1024,
	ROUNDS_MAX = 64,
	CONTEXTS_MAX = 5,
	REASON_MAX = 256,
	/* Of ports. On our own machine a connection takes no time unless something swallows it. */
	CONNECT_MS = 1000,
	ANSWER_MS = 15 * 1000,
	/* So long goes on what was given up. */
	SLICE_MS = 100,
	REPLY_LINE_MAX = 1024,
};

#define EVERY_SUITE "ALL:COMPLEMENTOFALL"
#define EVERY_SUITE13                                                                              \
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"              \
	"TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"

/* One context in examination. */
struct subject {
	struct self_check *check;
	const char *service;
	const struct tls_policy *policy;
	struct tls_context *context;
	struct self_check_port *port; /* NULL: through memory */
	/* What can be negotiated with the certificates at hand, TLS 1.3 first. */
	const struct suite *suites[SUITE_CATALOG_MAX];
	size_t suite_count;
};

void self_check_init(struct self_check *check)
{
	*check = (struct self_check){.differences = BUF_INIT(DIFFERENCES_MAX),
				     .unreached = BUF_INIT(DIFFERENCES_MAX)};
}

void self_check_done(struct self_check *check)
{
	buf_done(&check->differences);
	buf_done(&check->unreached);
}

static void difference_add(const struct subject *subject, const char *format, ...)
	format_printf(2, 3);
static void difference_add(const struct subject *subject, const char *format, ...)
{
	struct buf *to = &subject->check->differences;
	va_list args;

	buf_printf(to, "%s: ", subject->service);
	va_start(args, format);
	buf_vprintf(to, format, args);
	va_end(args);
	buf_append_char(to, '\n');
}

/* ---- a handshake through memory ---- */

struct ends {
	SSL_CTX *client_context;
	SSL *client;
	SSL *server; /* NULL: at the other end of a socket */
	int fd;	     /* -1: through memory */
	char reason[REASON_MAX]; /* why it failed, in OpenSSL's words */
};

/* Speaks one version and admits whatever there is: level 0, every suite. */
static SSL_CTX *client_context_begin(enum tls_protocol version)
{
	SSL_CTX *context = SSL_CTX_new_ex(crypto_library(), NULL, TLS_client_method());
	int wire = tls_protocol_wire(version);

	CHECK(context != NULL);
	SSL_CTX_set_security_level(context, 0);
	CHECK(SSL_CTX_set_min_proto_version(context, wire) == 1 &&
	      SSL_CTX_set_max_proto_version(context, wire) == 1);
	CHECK(SSL_CTX_set_cipher_list(context, EVERY_SUITE) == 1 &&
	      SSL_CTX_set_ciphersuites(context, EVERY_SUITE13) == 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	return context;
}

/* Without finite-field groups of its own list it could not follow a policy without curves. */
static bool groups_set(SSL_CTX *context, const struct tls_policy *policy)
{
	return str_is_empty(policy->groups_string) ||
	       SSL_CTX_set1_groups_list(context, policy->groups_string.ptr) == 1;
}

/*
 * A new context looks up which groups there are, while other threads fetch algorithms; one was once seen
 * without a group that the policy, by such a look, knows. It says nothing of the policy: another look does.
 */
static SSL_CTX *client_context_new(const struct tls_policy *policy, enum tls_protocol version)
{
	SSL_CTX *context = NULL;
	bool is_taken = false;

	for (int i = 0; i < CONTEXTS_MAX && !is_taken; i++) {
		SSL_CTX_free(context);
		context = client_context_begin(version);
		is_taken = groups_set(context, policy);
	}
	CHECK(is_taken);
	ERR_clear_error();
	return context;
}

static void pipe_between(SSL *from, SSL *to)
{
	BIO *pipe = BIO_new(BIO_s_mem());

	CHECK(pipe != NULL && BIO_up_ref(pipe) == 1);
	SSL_set0_wbio(from, pipe);
	SSL_set0_rbio(to, pipe);
}

static void ends_begin(struct ends *ends, const struct subject *subject, enum tls_protocol version)
{
	*ends = (struct ends){.client_context = client_context_new(subject->policy, version),
			      .fd = -1};
	ends->client = SSL_new(ends->client_context);
	CHECK(ends->client != NULL);
	SSL_set_connect_state(ends->client);
}

static void ends_join(struct ends *ends, const struct subject *subject)
{
	ends->server = SSL_new(tls_context_openssl(subject->context));
	CHECK(ends->server != NULL);
	pipe_between(ends->client, ends->server);
	pipe_between(ends->server, ends->client);
	SSL_set_accept_state(ends->server);
}

static void ends_close(struct ends *ends)
{
	SSL_free(ends->client);
	SSL_free(ends->server);
	SSL_CTX_free(ends->client_context);
	fd_close(&ends->fd);
	ERR_clear_error();
}

/* One step of one end; false when it has failed. */
static bool end_step(struct ends *ends, SSL *end)
{
	ERR_clear_error();
	int result = SSL_do_handshake(end);
	if (result == 1)
		return true;
	int error = SSL_get_error(end, result);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return true;
	const char *words = ERR_reason_error_string(ERR_peek_error());
	if (ends->reason[0] == '\0')
		snprintf(ends->reason, sizeof(ends->reason), "%s",
			 words == NULL ? "closed" : words);
	return false;
}

/* ---- through a port ---- */

static void unreached_add(const struct subject *subject, const char *reason)
{
	struct buf *to = &subject->check->unreached;

	buf_printf(to, "%s: %s\n", subject->service, reason);
	subject->port->is_dead = true;
}

static bool is_given_up(const struct subject *subject)
{
	const bool *flag = subject->port->is_given_up;

	return flag != NULL && __atomic_load_n(flag, __ATOMIC_RELAXED);
}

/* False at the end of the time, or when the check is given up. */
static bool fd_await(const struct subject *subject, int fd, short events, int64_t until_ms)
{
	struct pollfd waiting = {.fd = fd, .events = events};

	while (!is_given_up(subject)) {
		int64_t left = until_ms - clock_mono_ms();
		if (poll(&waiting, 1, left < 0 ? 0 : left < SLICE_MS ? (int)left : SLICE_MS) > 0)
			return true;
		if (left <= SLICE_MS)
			return false;
	}
	return false;
}

static bool is_connected(const struct subject *subject, int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (!fd_await(subject, fd, POLLOUT, clock_mono_ms() + CONNECT_MS))
		unreached_add(subject, "no answer: something on the way, a firewall perhaps, "
				       "swallows connections");
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
		unreached_add(subject, strerror(error));
	else
		return true;
	return false;
}

/* One line into `line`, its end taken away; false at the end of the time, or of the connection. */
static bool line_read(const struct subject *subject, int fd, char line[REPLY_LINE_MAX],
		      int64_t until_ms)
{
	size_t len = 0;

	while (len < REPLY_LINE_MAX - 1 && fd_await(subject, fd, POLLIN, until_ms)) {
		/* Byte by byte: what stands behind the last line is TLS. */
		if (recv(fd, line + len, 1, 0) != 1)
			return false;
		if (line[len++] != '\n')
			continue;
		line[len > 1 && line[len - 2] == '\r' ? len - 2 : len - 1] = '\0';
		return true;
	}
	return false;
}

/* "250-" before "250 ", and what IMAP says beside the answer. */
static bool is_before(const char *line, const char *begin)
{
	return (strncmp(line, begin, 3) == 0 && line[3] == '-') || strncmp(line, "* ", 2) == 0;
}

/* Reads until a line begins as it has to; false when another answer comes. */
static bool line_await(const struct subject *subject, int fd, const char *begin, int64_t until_ms)
{
	char line[REPLY_LINE_MAX];

	for (int i = 0; i < ROUNDS_MAX && line_read(subject, fd, line, until_ms); i++) {
		if (strncmp(line, begin, strlen(begin)) == 0)
			return true;
		if (!is_before(line, begin))
			return false;
	}
	return false;
}

static bool line_say(int fd, const char *line)
{
	return send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
}

const struct self_check_dialogue self_check_smtp = {"220 ", "EHLO localhost\r\n", "250 ",
						    "STARTTLS\r\n", "220 "};
const struct self_check_dialogue self_check_imap = {"* OK", NULL, NULL, "a STARTTLS\r\n", "a OK"};
const struct self_check_dialogue self_check_pop3 = {"+OK", NULL, NULL, "STLS\r\n", "+OK"};

/* An answer that does not come is no other policy; who is slow is not checked. */
static bool dialogue_hold(const struct subject *subject, int fd)
{
	const struct self_check_dialogue *dialogue = subject->port->dialogue;
	int64_t until = clock_mono_ms() + ANSWER_MS;

	if (dialogue == NULL)
		return true;
	bool is_held = line_await(subject, fd, dialogue->greeting, until) &&
		       (dialogue->hello == NULL ||
			(line_say(fd, dialogue->hello) &&
			 line_await(subject, fd, dialogue->hello_end, until))) &&
		       line_say(fd, dialogue->starttls) &&
		       line_await(subject, fd, dialogue->starttls_end, until);
	if (!is_held)
		unreached_add(subject, "STARTTLS was not answered as it should be");
	return is_held;
}

/* Takes the next socket as far as TLS begins. */
static bool ends_connect(struct ends *ends, const struct subject *subject)
{
	struct self_check_port *port = subject->port;

	if (port->is_dead || port->fds_used == port->fd_count)
		return false;
	ends->fd = port->fds[port->fds_used];
	port->fds[port->fds_used++] = -1;
	return is_connected(subject, ends->fd) && dialogue_hold(subject, ends->fd) &&
	       SSL_set_fd(ends->client, ends->fd) == 1;
}

/* Opens both ends, or ours; false when the port could not be reached. */
static bool ends_open(struct ends *ends, const struct subject *subject, enum tls_protocol version)
{
	ends_begin(ends, subject, version);
	if (subject->port == NULL)
		ends_join(ends, subject);
	else if (!ends_connect(ends, subject)) {
		ends_close(ends);
		return false;
	}
	subject->check->handshakes++;
	return true;
}

/* A server that refuses says so by an alert; one that just goes was stopped, or is no server of ours. */
static bool is_gone(void)
{
	unsigned long error = ERR_peek_error();

	return error == 0 || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static bool port_shake(struct ends *ends, const struct subject *subject)
{
	int64_t until = clock_mono_ms() + ANSWER_MS;

	while (end_step(ends, ends->client)) {
		if (SSL_is_init_finished(ends->client))
			return true;
		short events = SSL_want_write(ends->client) ? POLLOUT : POLLIN;
		if (!fd_await(subject, ends->fd, events, until)) {
			unreached_add(subject, "a handshake was not answered in time");
			return false;
		}
	}
	if (is_gone())
		unreached_add(subject, "the connection was closed within a handshake");
	return false;
}

/* Nothing can be said of what did not answer. */
static bool is_unreached(const struct subject *subject)
{
	return subject->port != NULL && subject->port->is_dead;
}

/* True when both ends are done. */
static bool ends_shake(struct ends *ends, const struct subject *subject)
{
	if (subject->port != NULL)
		return port_shake(ends, subject);

	for (int i = 0; i < ROUNDS_MAX; i++) {
		bool goes_on = end_step(ends, ends->client) && end_step(ends, ends->server);
		if (!goes_on)
			return false;
		if (SSL_is_init_finished(ends->client) && SSL_is_init_finished(ends->server))
			return true;
	}
	return false;
}

/* ---- what is intended ---- */

static bool suite_fits(const struct suite *suite, enum tls_protocol version)
{
	if (version == TLS_PROTOCOL_1_3)
		return suite->kx == SUITE_KX_TLS13;
	return suite->kx != SUITE_KX_TLS13 && suite->min_protocol <= version;
}

/* The suite that stands first for a version; NULL when none does. */
static const struct suite *suite_first(const struct subject *subject, enum tls_protocol version)
{
	for (size_t i = 0; i < subject->suite_count; i++)
		if (suite_fits(subject->suites[i], version))
			return subject->suites[i];
	return NULL;
}

static bool suite_is_admitted(const struct subject *subject, enum tls_protocol version, uint16_t id)
{
	for (size_t i = 0; i < subject->suite_count; i++)
		if (subject->suites[i]->id == id && suite_fits(subject->suites[i], version))
			return true;
	return false;
}

static bool kind_can_serve(const struct subject *subject, enum tls_protocol version, bool is_rsa)
{
	for (size_t i = 0; i < subject->suite_count; i++) {
		const struct suite *suite = subject->suites[i];
		if (suite_fits(suite, version) &&
		    (suite->auth == SUITE_AUTH_TLS13 ||
		     suite->auth == (is_rsa ? SUITE_AUTH_RSA : SUITE_AUTH_ECDSA)))
			return true;
	}
	return false;
}

/* ---- comparing ---- */

static void suite_compare(const struct subject *subject, enum tls_protocol version, SSL *client)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(client);
	const struct suite *first = suite_first(subject, version);
	uint16_t id = SSL_CIPHER_get_protocol_id(cipher);
	bool is_right = subject->policy->server_preference && first != NULL
				? id == first->id
				: suite_is_admitted(subject, version, id);

	if (!is_right)
		difference_add(subject, "%s came about with the suite %s, where %.*s stands first",
			       tls_protocol_name(version), SSL_CIPHER_standard_name(cipher),
			       STR_ARG(first == NULL ? STR("none") : first->iana_name));
}

static void version_check(const struct subject *subject, enum tls_protocol version)
{
	bool is_admitted = tls_protocols_has(subject->policy->protocols, version);
	const char *name = tls_protocol_name(version);
	struct ends ends;

	if (!ends_open(&ends, subject, version))
		return;
	bool is_done = ends_shake(&ends, subject);
	if (is_admitted && !is_done && !is_unreached(subject))
		difference_add(subject, "%s is admitted, but its handshake fails: %s", name,
			       ends.reason);
	else if (!is_admitted && is_done)
		difference_add(subject, "%s is not admitted, but its handshake succeeds", name);
	else if (is_done && SSL_version(ends.client) != tls_protocol_wire(version))
		difference_add(subject, "%s was asked for, %s came about", name,
			       SSL_get_version(ends.client));
	else if (is_done)
		suite_compare(subject, version, ends.client);
	ends_close(&ends);
}

static bool shows_rsa(SSL *client)
{
	X509 *leaf = SSL_get0_peer_certificate(client);
	EVP_PKEY *key = leaf == NULL ? NULL : X509_get0_pubkey(leaf);

	return key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"));
}

/* A client that can verify one kind of certificate only must be shown that one. */
static void kind_check(const struct subject *subject, enum tls_protocol version, bool is_rsa)
{
	const char *signatures = is_rsa ? "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
					  "RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA1"
					: "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ECDSA+SHA1:"
					  "ed25519:ed448";
	struct ends ends;

	if (!kind_can_serve(subject, version, is_rsa))
		return;
	if (!ends_open(&ends, subject, version))
		return;
	CHECK(SSL_set1_sigalgs_list(ends.client, signatures) == 1);
	CHECK(SSL_set_cipher_list(ends.client, is_rsa ? "aRSA" : "aECDSA") == 1);
	bool is_done = ends_shake(&ends, subject);
	if (!is_done && !is_unreached(subject))
		difference_add(subject, "the %s certificate is not shown to a client that needs it: %s",
			       is_rsa ? "RSA" : "ECDSA", ends.reason);
	else if (is_done && shows_rsa(ends.client) != is_rsa)
		difference_add(subject, "a client that needs the %s certificate is shown another one",
			       is_rsa ? "RSA" : "ECDSA");
	ends_close(&ends);
}

static void subject_check(struct subject *subject, const struct suite_catalog *catalog)
{
	struct tls_certificates certificates = tls_context_certificates(subject->context);
	const struct tls_policy *policy = subject->policy;

	subject->suite_count =
		tls_policy_negotiable(policy, catalog, certificates, subject->suites);
	for (enum tls_protocol version = TLS_PROTOCOL_1_0; version < TLS_PROTOCOL_COUNT; version++)
		if (tls_protocols_has(catalog->protocols, version))
			version_check(subject, version);
	if (certificates.has_rsa)
		kind_check(subject, policy->max, true);
	if (certificates.has_ecdsa)
		kind_check(subject, policy->max, false);
}

static void policy_check(struct self_check *check, const char *service,
			 const struct tls_policy *policy, struct tls_context *context,
			 const struct suite_catalog *catalog)
{
	struct subject subject = {
		.check = check, .service = service, .policy = policy, .context = context};

	subject_check(&subject, catalog);
}

void self_check_through_port(struct self_check *check, struct self_check_port *port,
			     const struct tls_policy *policy, struct tls_context *context,
			     const struct suite_catalog *catalog)
{
	struct subject subject = {.check = check,
				  .service = port->place,
				  .policy = policy,
				  .context = context,
				  .port = port};

	subject_check(&subject, catalog);
	while (port->fds_used < port->fd_count)
		fd_close(&port->fds[port->fds_used++]);
}

/* What the day of a floor will bring is held to its intention before it comes. */
void self_check_context(struct self_check *check, const char *service,
			const struct tls_policy *policy, struct tls_context *context,
			const struct suite_catalog *catalog)
{
	policy_check(check, service, policy, context, catalog);
	if (policy->later != NULL)
		policy_check(check, service, policy->later,
			     tls_context_at(context, policy->later_at_s), catalog);
}
