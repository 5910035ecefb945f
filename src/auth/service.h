/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The auth role: passwords verified and set, by hashing threads behind a
 * bounded queue that is fair by peer address.
 *
 * What it promises: a change is durable before it is answered; an unknown user
 * costs the same hash as a wrong password; an answer that refuses is delayed by
 * a timer, not by a sleeping thread; no password outlives its answer; a verifier of
 * SCRAM never leaves it. It speaks through a role_server (ipc/server.h) whose
 * role_data is the service; the messages are login_check, certificate_login, scram_begin,
 * scram_finish, password_set, password_list, those of second_factor.h and of
 * web_sessions.h. It does not log: session/ knows protocol and peer.
 */
#ifndef POSTERN_AUTH_SERVICE_H
#define POSTERN_AUTH_SERVICE_H

#include "auth/attempts.h"
#include "ipc/server.h"

struct auth_service;

/*
 * Messages of the parent are ignored; whoever applies configuration copies the
 * table and puts his own parent_message in.
 */
extern const struct role_server_ops auth_ops;

/*
 * Opens the credentials in `folder` (HOME/store/auth) and starts the hashing
 * threads: `threads`, or one a core when 0. To be called after the sandbox was
 * entered. Faults are those of credentials_open. Blocks.
 */
must_check enum fault auth_service_new(const char *folder, size_t threads,
				       struct auth_service **service_out);

/*
 * Ends the threads; questions without an answer are dropped. To be called
 * after role_server_run has returned, before role_server_done.
 */
void auth_service_free(struct auth_service **service);

/*
 * Server/AllowScram. True: verifiers are made when a password is set and when one was
 * right. False, as at the start: those that are kept are removed before it
 * returns; a fault says that they could not be. Thread safe; blocks.
 */
must_check enum fault auth_service_set_scram(struct auth_service *service, bool is_allowed);

/* Replaces the limits; after the return the former `context` is not used any more. Thread safe. */
void auth_service_set_limits(struct auth_service *service, const struct attempt_limits *limits);

#endif
