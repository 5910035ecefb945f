/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMTP server: port 25 takes mail for local recipients from anybody,
 * Submission and SMTPS take it from users who have logged in.
 *
 * RFC 5321 with PIPELINING 2920, SIZE 1870, 8BITMIME 6152, CHUNKING 3030,
 * ENHANCEDSTATUSCODES 2034, STARTTLS 3207, AUTH 4954, DSN 3461, SMTPUTF8 6531;
 * Submission 6409. A 250 to a message means that the store has it on the disk
 * in every mailbox it goes to, and in the queue for recipients elsewhere. Only
 * for users who have logged in is anything relayed.
 */
#ifndef POSTERN_SMTPD_SMTPD_H
#define POSTERN_SMTPD_SMTPD_H

#include "session/session.h"

/* For the services SMTP, Submission and SMTPS. */
extern const struct protocol smtpd_protocol;

#endif
