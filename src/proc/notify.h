/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the service manager how far we are (the protocol of sd_notify(3)).
 */
#ifndef POSTERN_PROC_NOTIFY_H
#define POSTERN_PROC_NOTIFY_H

/* Sends "READY=1", "STOPPING=1" or the like, if a service manager listens ($NOTIFY_SOCKET). */
void notify_service_manager(const char *state);

#endif
