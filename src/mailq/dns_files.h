/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files outside of mailserver.cfg say about DNS: which servers this machine
 * asks, and by which keys DNSSEC is checked.
 *
 * They are read with the rights of whoever starts the role, which itself reaches
 * none of them. Blocks on the disk.
 */
#ifndef POSTERN_MAILQ_DNS_FILES_H
#define POSTERN_MAILQ_DNS_FILES_H

#include "base/fault.h"
#include "config/config.h"

enum { DNS_FILES_SERVERS_MAX = 1024, DNS_FILES_ANCHORS_MAX = 48 * 1024 };

struct dns_files {
	struct buf servers; /* addresses, a line each */
	struct buf anchors; /* records as they stand in the file; empty without one */
};

void dns_files_init(struct dns_files *files);
void dns_files_done(struct dns_files *files);

/* True when both say the same. */
bool dns_files_equal(const struct dns_files *a, const struct dns_files *b);

/*
 * Reads what the configuration leaves to files. A file that it names itself must
 * be there and hold at least one record: else a fault, and why in words, as one
 * sentence. /etc/resolv.conf or the distribution's trust anchors may be missing.
 */
must_check enum fault dns_files_read(struct dns_files *files, const char *home,
				     const struct config_resolver *resolver, struct buf *why);

#endif
