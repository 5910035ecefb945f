/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about mailboxes as such: RFC 3501 sections 6.3.3 to 6.3.10,
 * NAMESPACE (RFC 2342), CHILDREN (RFC 3348), SPECIAL-USE (RFC 6154).
 */
#ifndef POSTERN_IMAPD_MAILBOXES_H
#define POSTERN_IMAPD_MAILBOXES_H

#include "session/session.h"

enum command_step cmd_create(struct session *session, void *arguments);
enum command_step cmd_delete(struct session *session, void *arguments);
enum command_step cmd_rename(struct session *session, void *arguments);
/* SUBSCRIBE and UNSUBSCRIBE. */
enum command_step cmd_subscribe(struct session *session, void *arguments);
enum command_step cmd_namespace(struct session *session, void *arguments);
enum command_step cmd_mailbox_status(struct session *session, void *arguments);
/* LIST and LSUB, in list.c. */
enum command_step cmd_list(struct session *session, void *arguments);

#endif
