/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of messages. Each row: X(name, senders, receivers); its fields
 * stand in FIELDS_name as F(type, name). A request and its answer carry the
 * same request id. `fault` is an enum fault as U32.
 */
#ifndef POSTERN_IPC_MESSAGES_DEF_H
#define POSTERN_IPC_MESSAGES_DEF_H

#define FROM(role) (1u << ROLE_##role)
#define ANY_CLIENT (FROM(FRONT) | FROM(MAILQ) | FROM(CTL))
#define ANY_ROLE                                                                                   \
	(FROM(KEYS) | FROM(AUTH) | FROM(STORE) | FROM(FRONT) | FROM(MAILQ) | FROM(ADMIN) | FROM(CTL))

/* ---- every role and the parent ---- */

/* The answer to a request that has nothing else to say. */
#define FIELDS_done(F) F(U32, fault) F(STR, text)
/* Asks the parent for a channel to a role; answered by channel_given. */
#define FIELDS_channel_wanted(F) F(U32, role)
#define FIELDS_channel_given(F) F(U32, fault) F(FD, fd)
/* The parent hands a role the other end of such a channel. */
#define FIELDS_channel_offered(F) F(U32, client) F(FD, fd)
/* The role finished its start; the parent waits for all before it says ready. */
#define FIELDS_role_ready(F) F(STR, sandbox)
/*
 * A new configuration: its text as a memory file, already found good by the
 * parent. It ends a generation: the certificates and listeners of the same
 * generation came before it, and a front puts all of it in force at once,
 * answering done.
 */
#define FIELDS_config_changed(F) F(U64, generation) F(FD, text)
/*
 * A certificate chain (PEM) that the numbered key signs for; whether a public CA vouches for it
 * (tls/trust.h), which a role without files cannot find out.
 */
#define FIELDS_certificate_given(F)                                                                \
	F(U64, generation) F(U32, key) F(U8, is_default) F(U8, is_public) F(STR, name) F(STR, chain)
/*
 * What users' certificates are judged by (tls/user_anchors.h), in PEM form as a memory file;
 * empty: nobody is asked for one.
 */
#define FIELDS_user_anchors_given(F) F(U64, generation) F(FD, pem)
/* A listening socket of a service; the number tells those apart that a front has already. */
#define FIELDS_listener_given(F) F(U64, generation) F(U32, listener) F(U32, service) F(FD, fd)
/*
 * A front has shaken hands with itself under a generation; `differences` between
 * effective and intended, a sentence a line.
 */
#define FIELDS_self_checked(F) F(U64, generation) F(U32, handshakes) F(STR, differences)
/*
 * A socket that is being connected to a port of the server, for a handshake with
 * ourselves; `place` names the port. The last message of a generation has no socket.
 */
#define FIELDS_port_check_given(F)                                                                 \
	F(U64, generation) F(U32, service) F(STR, place) F(STR, address) F(U8, is_last) F(FD, fd)
/* What came of them; sentences a line each. */
#define FIELDS_ports_checked(F) F(U64, generation) F(U32, handshakes) F(STR, differences) F(STR, unreached)
/* A role's new descriptor for a log file after rotation. */
#define FIELDS_log_rotated(F) F(U32, file) F(FD, fd)
/* Numbers and texts for `status` and /metrics, as JSON. */
#define FIELDS_status_wanted(F)
#define FIELDS_status_given(F) F(STR, json)

/*
 * What the CA says of a certificate (its fingerprint): a state of tls/ocsp.h, and the answer to
 * staple until then. A failure, UNREACHABLE or UNUSABLE, comes without one and with its reason:
 * what was stapled before goes on. From mailq to the parent, from there to every front.
 */
#define FIELDS_staple_given(F) F(STR, certificate) F(U32, state) F(U64, until_s) F(STR, response) F(STR, text)

/* ---- keys ---- */

/* The parent gives a private key (PEM) under a number; answered by done. */
#define FIELDS_key_given(F) F(U64, generation) F(U32, key) F(STR, pem) F(U8, is_last)
/* Signs `bytes` (a digest or a message, as the scheme says); answered by key_signed. */
#define FIELDS_key_sign(F) F(U32, key) F(U32, scheme) F(STR, bytes)
#define FIELDS_key_signed(F) F(U32, fault) F(STR, signature)
/* Static RSA: always answers 48 bytes (implicit rejection). */
#define FIELDS_key_premaster(F) F(U32, key) F(U32, version) F(STR, ciphertext)
#define FIELDS_key_premastered(F) F(U32, fault) F(STR, premaster)
/* The keys that seal session tickets, the same for all fronts; newest first. */
#define FIELDS_ticket_keys_wanted(F)
#define FIELDS_ticket_keys_given(F) F(STR, keys)

/* The key (PEM) that signs exports of evidence.log; not answered. */
#define FIELDS_evidence_key_given(F) F(STR, pem)
/* Signs a statement with it; answered by evidence_signed. Never for a front. */
#define FIELDS_evidence_sign(F) F(STR, bytes)
#define FIELDS_evidence_signed(F) F(U32, fault) F(STR, signature) F(STR, public_key)

/* ---- certificates of a CA (RFC 8555): see acme/job.h ---- */

/*
 * A working key (tls/key_ring.h) under a number, for `users` (bits of 1 << enum
 * role): made of `kind` (enum key_kind) and written into `file`, or read from
 * it. Without a file it is made and written nowhere. Answered by
 * working_key_given, whose public key is in DER form.
 */
#define FIELDS_working_key_wanted(F) F(U32, key) F(U32, users) F(U8, kind) F(U8, is_new) F(FD, file)
#define FIELDS_working_key_given(F) F(U32, fault) F(STR, public_key) F(STR, text)
#define FIELDS_working_key_ended(F) F(U32, key)

/* A command asks for a certificate: domains separated by commas; answered by acme_told, in the end done. */
#define FIELDS_acme_wanted(F) F(STR, name) F(STR, domains) F(STR, challenge) F(STR, key_type)
/* How far it is, for people. */
#define FIELDS_acme_told(F) F(STR, text)
/*
 * The job wants a key of the parent: `use` is an enum acme_key_use, `name` that
 * of the pair, or of the account's file. Answered by acme_key_given.
 */
#define FIELDS_acme_key_wanted(F) F(U8, use) F(U8, kind) F(STR, name)
#define FIELDS_acme_key_given(F) F(U32, fault) F(U32, key) F(STR, public_key) F(STR, text)
/*
 * A challenge for every front to answer, in the place of the one before; without
 * a token it is taken back. The job is answered by done when all fronts have it.
 */
#define FIELDS_acme_challenge(F) F(STR, domain) F(STR, token) F(STR, authorization) F(STR, chain) F(U32, key)
#define FIELDS_acme_challenge_taken(F) F(U32, fault)
/* The chain that belongs to the key; answered by done when it is served, or with what hinders. */
#define FIELDS_acme_pair(F) F(STR, name) F(STR, chain)
/* The job is over: keys and files that did not come in force are forgotten. Not answered. */
#define FIELDS_acme_ended(F)
/* How a certificate of the list stands, for `status`: failures in a row, and when it is asked for next. */
#define FIELDS_acme_state(F) F(STR, name) F(U32, failures) F(U64, next_s) F(STR, text)

/* ---- auth ---- */

/* Verifies a password; answered by login_answered, perhaps after a delay. */
#define FIELDS_login_check(F) F(STR, account) F(STR, password) F(STR, address)
/*
 * `message` and `seal` are SCRAM's: the server's next message, and what the front gives
 * back with the client's (both empty elsewhere).
 */
#define FIELDS_login_answered(F) F(U32, fault) F(U32, verdict) F(U32, flags) F(U32, wait_s) F(STR, message) F(STR, seal)
/*
 * A login by a certificate, which the front has judged: `found` is a verdict of auth/auth.h,
 * GRANTED or the refusal to be counted; answered by login_answered, perhaps after a delay.
 */
#define FIELDS_certificate_login(F) F(STR, account) F(U32, found) F(STR, address)
/* The client's first message of a SCRAM exchange; answered by login_answered. */
#define FIELDS_scram_begin(F) F(STR, account) F(STR, first) F(STR, address)
/*
 * Its last, with what went before and the data of the channel binding that it asked for;
 * answered by login_answered, perhaps after a delay.
 */
#define FIELDS_scram_finish(F) \
	F(STR, account) F(STR, first) F(STR, challenge) F(STR, seal) F(STR, last) F(STR, binding) F(STR, address)
/*
 * Sets, replaces or removes an account's password (an empty one removes); answered by done. Its sessions
 * of the page end, but for the one of that name (auth/web_sessions.h).
 */
#define FIELDS_password_set(F) F(STR, account) F(STR, password) F(U32, flags) F(STR, session)
/* Sets those of an account's flags that `mask` names, its password kept; answered by done. */
#define FIELDS_login_flags_set(F) F(STR, account) F(U32, flags) F(U32, mask)
/*
 * Lists accounts that have a password, those that follow `after`; answered by
 * done with a JSON array of {"account","admin","auditor","disabled","totp"}; empty at the end.
 */
#define FIELDS_password_list(F) F(STR, after)
/*
 * What one account's login is beside its password; answered by done with a JSON object: "totp",
 * "totp_since", "sessions" of the page.
 */
#define FIELDS_login_wanted(F) F(STR, account)
/*
 * A password for another server: kept, or with an empty one forgotten; answered by
 * done. The list of the names comes as the text of done, a line each.
 */
#define FIELDS_remote_password_set(F) F(STR, name) F(STR, password)
#define FIELDS_remote_password_list(F)
/*
 * A second factor (auth/second_factor.h) is begun, switched on with a code, or forgotten; answered by
 * done, the first one with the secret in base32. With the latter two the account's sessions end as
 * with password_set.
 */
#define FIELDS_second_factor_begin(F) F(STR, account)
#define FIELDS_second_factor_confirm(F) F(STR, account) F(STR, code) F(STR, session)
#define FIELDS_second_factor_off(F) F(STR, account) F(STR, session)
/* What this server logs in elsewhere with; answered by remote_password_given. */
#define FIELDS_remote_password_wanted(F) F(STR, name)
#define FIELDS_remote_password_given(F) F(U32, fault) F(STR, password)

/* ---- store: see store/operations.h for the meaning of `operation` ---- */

/*
 * One or more operations on one account, encoded by store/; answered by
 * store_answered after they are durable. `transaction` identifies the request,
 * so that one whose fate is unknown can be looked up.
 */
#define FIELDS_store_asked(F) F(U64, transaction) F(STR, operation) F(FD, body)
#define FIELDS_store_answered(F) F(U32, fault) F(STR, result)
/* A front or mailq wants the change feed of the store on this channel. */
#define FIELDS_feed_wanted(F)
/* Something changed in an account; `sequence` 0 means: look at everything again. */
#define FIELDS_feed_changed(F) F(U64, account) F(U64, sequence)

/* ---- mailq ---- */

/* What files of the machine say about DNS (mailq/dns_files.h); comes before each config_changed. */
#define FIELDS_dns_files_given(F) F(STR, servers) F(STR, anchors)
/*
 * The names of an address (16 bytes, IPv6 or IPv6-mapped) that forward and
 * reverse DNS agree on (mailq/peer_names.h); answered by peer_name_given. `fault`:
 * NONE, and `names` sorted and separated by blanks; NOT_FOUND: none is
 * confirmed; UNAVAILABLE, BUSY: not known now.
 */
#define FIELDS_peer_name_wanted(F) F(STR, address)
#define FIELDS_peer_name_given(F) F(U32, fault) F(STR, names)
/* A question to DNS; `type` as on the wire. Answered by dns_given, with `records` as text, a line each. */
#define FIELDS_dns_wanted(F) F(STR, name) F(U32, type)
#define FIELDS_dns_given(F)                                                                        \
	F(U32, outcome) F(U8, is_secure) F(U32, ttl_s) F(STR, canonical) F(STR, records) F(STR, why)
/* The counters of mailq in Prometheus' text format, for /metrics; answered by metrics_given. */
#define FIELDS_metrics_wanted(F)
#define FIELDS_metrics_given(F) F(STR, text)
/* An administrator has ordered something about entries of the queue, a u64 each; answered by done. */
#define FIELDS_queue_ordered(F) F(STR, entries)

/*
 * Fetches the mail of a row of Pop3Account now; answered by done when the visit is over,
 * with what came of it as text. NOT_FOUND: no such row; DENIED: it is disabled;
 * UNAVAILABLE: the visit failed.
 */
#define FIELDS_pop3_run_wanted(F) F(STR, name)
/* How far that is, or a probe: `total` 0, nobody knows. Any number of these come before the answer. */
#define FIELDS_step_told(F) F(U64, done) F(U64, total) F(STR, text)

/*
 * The hosts that take a domain's mail (deliver/route.h), for the domain of an
 * address. Answered by route_given: `hosts` a line each, in the order in which they
 * are tried: preference, name (- for an address literal), secure or insecure,
 * addresses; separated by blanks.
 */
#define FIELDS_route_wanted(F) F(STR, domain)
#define FIELDS_route_given(F)                                                                      \
	F(U32, verdict) F(STR, domain) F(U8, has_mx) F(U8, is_mx_secure) F(STR, hosts) F(STR, why)

/*
 * Looks at a destination as a client of ours would (mailq/probe.h); `service` is "SMTP",
 * "POP3", ... Answered by step_told, then probe_given: what was seen, a JSON object; INVALID: no such
 * service, or no such target.
 */
#define FIELDS_probe_wanted(F) F(STR, target) F(STR, service)
#define FIELDS_probe_given(F) F(U32, fault) F(STR, json)

/* ---- DKIM (proc/dkim_desk.h, mailq/dkim.h) ---- */

/* The keys that mail is signed with, and those whose record is awaited: a table (mailq/dkim.h) as a memory file. */
#define FIELDS_dkim_given(F) F(FD, table)
/* The record of a key that waits was seen in DNS. Not answered. */
#define FIELDS_dkim_seen(F) F(STR, domain) F(STR, selector)
/* Asks how what is published stands to a record of ours; `published` is an enum dkim_published. */
#define FIELDS_dkim_look_wanted(F) F(STR, domain) F(STR, selector) F(STR, record)
#define FIELDS_dkim_looked(F) F(U32, published) F(STR, text)
/*
 * A command has changed what stands in HOME/dkim; `text` is what was done there, for
 * config.log. Answered by done when mail is signed so.
 */
#define FIELDS_dkim_changed(F) F(STR, text)

/* ---- ctl: what the command line asks the parent of a running server ---- */
#define FIELDS_reload_wanted(F)
#define FIELDS_stop_wanted(F)
/* The configuration in force; answered by config_changed. */
#define FIELDS_config_wanted(F)
/*
 * A new text of mailserver.cfg, made of that of `generation`; answered by done
 * when it is in force. Not confirmed within confirm_s seconds (0: none) it is undone.
 */
#define FIELDS_config_set(F) F(U64, generation) F(U32, confirm_s) F(U8, is_revert) F(FD, text)
/*
 * Puts the pairs in sslcert/ in force as they are now, with the configuration in force; `text`
 * is what was done there, for config.log. Answered by done.
 */
#define FIELDS_certificates_changed(F) F(STR, text)
/* What a command changed elsewhere, for config.log; not answered. */
#define FIELDS_config_told(F) F(STR, text)
/* Keeps the change that waits for its confirmation; answered by done. */
#define FIELDS_config_confirm(F)
/*
 * A file or folder of the home that is no secret, by its name from there ("history/00000001.cfg"):
 * for a command of the page, which may open none. Answered by home_file_given.
 */
#define FIELDS_home_file_wanted(F) F(STR, name)
#define FIELDS_home_file_given(F) F(U32, fault) F(FD, fd)
/*
 * A file of the home to be replaced as a whole by what stands in a memory file: one of a pair of
 * certificates ("sslcert/server.crt", "sslcert/server.key"), a key that waits for its certificate and
 * the request for that ("sslcert/requests/server.key", ".csr"), a private key of DKIM or the list of a
 * domain's ("dkim/example.org/s1.key", "dkim/example.org/keys"). Answered by done.
 */
#define FIELDS_home_file_put(F) F(STR, name) F(FD, content)
/*
 * The key that waits under the name of a request becomes the key of a pair; it is not seen by who asks.
 * Answered by done.
 */
#define FIELDS_request_key_taken(F) F(STR, request) F(STR, name)
/* A private key of DKIM ("dkim/example.org/s1.key"), or a request, to be removed; answered by done. */
#define FIELDS_home_file_remove(F) F(STR, name)
/*
 * The lock over dkim/ (mailauth/dkim_folder.h), which whoever asks holds until he closes its
 * descriptor. Answered by home_file_given: BUSY when another has it.
 */
#define FIELDS_dkim_lock_wanted(F)
/*
 * A page of the sessions of the front of that index, and how many there are (session/connections.h):
 * at most `limit` behind the one of number `after`; of one service and with a text in them, unless
 * these are empty. The front writes it to `answer`, a stream socket, and closes that. The parent,
 * which hands it on, answers a command with done: NOT_FOUND when there is no such front.
 */
#define FIELDS_connections_wanted(F)                                                               \
	F(U32, front) F(U64, after) F(U32, limit) F(STR, service) F(STR, search) F(FD, answer)

/* ---- admin: the API of the administration page; see admin/admin.h ---- */

/*
 * A request that came to a front, as proto/http.h read it: `token` is what its cookie held, the
 * next six are its header fields, empty where there is none. A body is in `body` or, larger, in
 * the memory file. Answered by api_answered.
 */
#define FIELDS_api_asked(F)                                                                        \
	F(STR, peer) F(STR, method) F(STR, path) F(STR, query) F(STR, token) F(STR, csrf)          \
	F(STR, host) F(STR, origin) F(STR, fetch_site) F(STR, content_type) F(STR, accept)         \
	F(U64, upload_bytes) F(STR, body) F(FD, file)
/*
 * A body that is no JSON was announced by its length alone: it is wanted, in that file. Answered by
 * api_uploaded, under the same id, when all of it stands there; then the answer comes.
 */
#define FIELDS_api_upload_given(F) F(FD, file)
#define FIELDS_api_uploaded(F)
/* Asks the parent for an unnamed file in the home for an upload; answered by upload_file_given. */
#define FIELDS_upload_file_wanted(F) F(U64, bytes)
/* TOO_LARGE: above `limit_bytes` (Limits/ImportBytes); NO_SPACE. */
#define FIELDS_upload_file_given(F) F(U32, fault) F(U64, limit_bytes) F(FD, fd)
/*
 * `fields` are whole lines of the head. After a stream's head its parts follow, the next one when
 * the one before was taken.
 */
#define FIELDS_api_answered(F)                                                                     \
	F(U32, status) F(STR, content_type) F(STR, fields) F(U8, is_stream) F(STR, body) F(FD, file)
#define FIELDS_api_part(F) F(STR, bytes) F(U8, is_last)
#define FIELDS_api_part_taken(F)
/* The client has gone. Not answered. */
#define FIELDS_api_cancelled(F)
/*
 * Asks the parent for a control channel like that of a command line, for a command that `author`
 * gave from `address`; answered by control_given.
 */
#define FIELDS_control_wanted(F) F(STR, author) F(STR, address)
#define FIELDS_control_given(F) F(U32, fault) F(FD, fd)

/* ---- auth: sessions of the page; see auth/web_sessions.h ---- */

/*
 * Checks a login and begins a session; answered by web_session_given, perhaps after a delay.
 * `code` is that of RFC 6238, where the account wants one.
 */
#define FIELDS_web_login(F) F(STR, account) F(STR, password) F(STR, code) F(STR, address)
/* The session of a token, which is used by this; answered by web_session_given. */
#define FIELDS_web_session_wanted(F) F(STR, token)
/*
 * `verdict`, `flags` and `wait_s` as in login_answered; a session that does not live is NOT_FOUND.
 * The token comes with a new session alone.
 */
#define FIELDS_web_session_given(F)                                                                \
	F(U32, fault) F(U32, verdict) F(U32, flags) F(U32, wait_s) F(STR, account) F(STR, token)   \
	F(U64, created_s) F(U64, ends_s)
/*
 * Whether a password is that of who is logged in; answered by web_session_given without a session,
 * perhaps after a delay. A wrong one counts as a failed login.
 */
#define FIELDS_web_proof(F) F(STR, account) F(STR, password) F(STR, address)
/* Ends it; answered by done. */
#define FIELDS_web_session_end(F) F(STR, token)
/* Ends those of an account, but for the one named, if any; answered by done. */
#define FIELDS_web_sessions_end(F) F(STR, account) F(STR, session)

#define MESSAGE_TABLE(X)                                                                      \
	X(done, ANY_ROLE | FROM(PARENT), ANY_ROLE | FROM(PARENT))                             \
	X(channel_wanted, ANY_ROLE, FROM(PARENT))                                             \
	X(channel_given, FROM(PARENT), ANY_ROLE)                                              \
	X(channel_offered, FROM(PARENT), FROM(KEYS) | FROM(AUTH) | FROM(STORE) | FROM(MAILQ) | FROM(ADMIN)) \
	X(role_ready, ANY_ROLE, FROM(PARENT))                                                 \
	X(config_changed, FROM(PARENT), ANY_ROLE)                                             \
	X(certificate_given, FROM(PARENT), FROM(FRONT) | FROM(MAILQ))                         \
	X(user_anchors_given, FROM(PARENT), FROM(FRONT))                                      \
	X(staple_given, FROM(MAILQ) | FROM(PARENT), FROM(PARENT) | FROM(FRONT))               \
	X(listener_given, FROM(PARENT), FROM(FRONT))                                          \
	X(self_checked, FROM(FRONT), FROM(PARENT))                                            \
	X(port_check_given, FROM(PARENT), FROM(FRONT))                                        \
	X(ports_checked, FROM(FRONT), FROM(PARENT))                                           \
	X(log_rotated, FROM(PARENT), ANY_ROLE)                                                \
	X(status_wanted, FROM(PARENT) | FROM(CTL) | FROM(FRONT), ANY_ROLE | FROM(PARENT))     \
	X(status_given, FROM(PARENT) | ANY_ROLE, FROM(PARENT) | FROM(CTL) | FROM(FRONT))      \
	X(key_given, FROM(PARENT), FROM(KEYS))                                                \
	X(key_sign, ANY_CLIENT, FROM(KEYS))                                                   \
	X(key_signed, FROM(KEYS), ANY_CLIENT)                                                 \
	X(key_premaster, FROM(FRONT) | FROM(CTL), FROM(KEYS))                                 \
	X(key_premastered, FROM(KEYS), FROM(FRONT) | FROM(CTL))                               \
	X(ticket_keys_wanted, FROM(FRONT), FROM(KEYS))                                        \
	X(ticket_keys_given, FROM(KEYS), FROM(FRONT))                                         \
	X(working_key_wanted, FROM(PARENT), FROM(KEYS))                                       \
	X(working_key_given, FROM(KEYS), FROM(PARENT))                                        \
	X(working_key_ended, FROM(PARENT), FROM(KEYS))                                        \
	X(acme_wanted, FROM(CTL), FROM(MAILQ))                                                \
	X(acme_told, FROM(MAILQ), FROM(CTL))                                                  \
	X(acme_key_wanted, FROM(MAILQ), FROM(PARENT))                                         \
	X(acme_key_given, FROM(PARENT), FROM(MAILQ))                                          \
	X(acme_challenge, FROM(MAILQ) | FROM(PARENT), FROM(PARENT) | FROM(FRONT))             \
	X(acme_challenge_taken, FROM(FRONT), FROM(PARENT))                                    \
	X(acme_pair, FROM(MAILQ), FROM(PARENT))                                               \
	X(acme_ended, FROM(MAILQ), FROM(PARENT))                                              \
	X(acme_state, FROM(MAILQ), FROM(PARENT))                                              \
	X(evidence_key_given, FROM(PARENT), FROM(KEYS))                                       \
	X(evidence_sign, FROM(CTL) | FROM(PARENT), FROM(KEYS))                                \
	X(evidence_signed, FROM(KEYS), FROM(CTL) | FROM(PARENT))                              \
	X(login_check, FROM(FRONT) | FROM(CTL), FROM(AUTH))                                   \
	X(login_answered, FROM(AUTH), FROM(FRONT) | FROM(CTL))                                \
	X(certificate_login, FROM(FRONT), FROM(AUTH))                                         \
	X(scram_begin, FROM(FRONT), FROM(AUTH))                                               \
	X(scram_finish, FROM(FRONT), FROM(AUTH))                                              \
	X(password_set, FROM(CTL), FROM(AUTH))                                                \
	X(login_flags_set, FROM(CTL), FROM(AUTH))                                             \
	X(password_list, FROM(CTL), FROM(AUTH))                                               \
	X(login_wanted, FROM(CTL), FROM(AUTH))                                                \
	X(web_sessions_end, FROM(CTL), FROM(AUTH))                                            \
	X(remote_password_set, FROM(CTL), FROM(AUTH))                                         \
	X(remote_password_list, FROM(CTL), FROM(AUTH))                                        \
	X(second_factor_begin, FROM(CTL), FROM(AUTH))                                         \
	X(second_factor_confirm, FROM(CTL), FROM(AUTH))                                       \
	X(second_factor_off, FROM(CTL), FROM(AUTH))                                           \
	X(remote_password_wanted, FROM(MAILQ), FROM(AUTH))                                    \
	X(remote_password_given, FROM(AUTH), FROM(MAILQ))                                     \
	X(store_asked, ANY_CLIENT, FROM(STORE))                                               \
	X(store_answered, FROM(STORE), ANY_CLIENT)                                            \
	X(feed_wanted, FROM(FRONT) | FROM(MAILQ), FROM(STORE))                                \
	X(feed_changed, FROM(STORE), FROM(FRONT) | FROM(MAILQ))                               \
	X(dns_files_given, FROM(PARENT), FROM(MAILQ))                                         \
	X(peer_name_wanted, FROM(FRONT) | FROM(CTL), FROM(MAILQ))                             \
	X(peer_name_given, FROM(MAILQ), FROM(FRONT) | FROM(CTL))                              \
	X(dns_wanted, FROM(CTL), FROM(MAILQ))                                                 \
	X(dns_given, FROM(MAILQ), FROM(CTL))                                                  \
	X(probe_wanted, FROM(CTL), FROM(MAILQ))                                               \
	X(step_told, FROM(MAILQ), FROM(CTL))                                                  \
	X(probe_given, FROM(MAILQ), FROM(CTL))                                                \
	X(metrics_wanted, FROM(FRONT), FROM(MAILQ))                                           \
	X(metrics_given, FROM(MAILQ), FROM(FRONT))                                            \
	X(queue_ordered, FROM(CTL), FROM(MAILQ))                                              \
	X(pop3_run_wanted, FROM(CTL), FROM(MAILQ))                                            \
	X(route_wanted, FROM(CTL), FROM(MAILQ))                                               \
	X(route_given, FROM(MAILQ), FROM(CTL))                                                \
	X(dkim_given, FROM(PARENT), FROM(MAILQ))                                              \
	X(dkim_seen, FROM(MAILQ), FROM(PARENT))                                               \
	X(dkim_look_wanted, FROM(CTL), FROM(MAILQ))                                           \
	X(dkim_looked, FROM(MAILQ), FROM(CTL))                                                \
	X(dkim_changed, FROM(CTL), FROM(PARENT))                                              \
	X(reload_wanted, FROM(CTL), FROM(PARENT))                                             \
	X(stop_wanted, FROM(CTL), FROM(PARENT))                                               \
	X(config_wanted, FROM(CTL), FROM(PARENT))                                             \
	X(config_set, FROM(CTL), FROM(PARENT))                                                \
	X(certificates_changed, FROM(CTL), FROM(PARENT))                                      \
	X(config_told, FROM(CTL), FROM(PARENT))                                               \
	X(config_confirm, FROM(CTL), FROM(PARENT)) \
	X(home_file_wanted, FROM(CTL), FROM(PARENT))                                               \
	X(home_file_put, FROM(CTL), FROM(PARENT))                                                  \
	X(request_key_taken, FROM(CTL), FROM(PARENT))                                              \
	X(home_file_remove, FROM(CTL), FROM(PARENT))                                               \
	X(dkim_lock_wanted, FROM(CTL), FROM(PARENT))                                               \
	X(connections_wanted, FROM(CTL) | FROM(PARENT), FROM(PARENT) | FROM(FRONT))                \
	X(home_file_given, FROM(PARENT), FROM(CTL))                                                \
	X(api_asked, FROM(FRONT), FROM(ADMIN))                                                     \
	X(api_answered, FROM(ADMIN), FROM(FRONT))                                                  \
	X(api_upload_given, FROM(ADMIN), FROM(FRONT))                                              \
	X(api_uploaded, FROM(FRONT), FROM(ADMIN))                                                  \
	X(upload_file_wanted, FROM(ADMIN), FROM(PARENT))                                           \
	X(upload_file_given, FROM(PARENT), FROM(ADMIN))                                            \
	X(api_part, FROM(ADMIN), FROM(FRONT))                                                      \
	X(api_part_taken, FROM(FRONT), FROM(ADMIN))                                                \
	X(api_cancelled, FROM(FRONT), FROM(ADMIN))                                                 \
	X(control_wanted, FROM(ADMIN), FROM(PARENT))                                               \
	X(control_given, FROM(PARENT), FROM(ADMIN))                                                \
	X(web_login, FROM(ADMIN), FROM(AUTH))                                                      \
	X(web_session_wanted, FROM(ADMIN), FROM(AUTH))                                             \
	X(web_session_given, FROM(AUTH), FROM(ADMIN))                                              \
	X(web_session_end, FROM(ADMIN), FROM(AUTH))                                                \
	X(web_proof, FROM(ADMIN), FROM(AUTH))

#endif
