/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/snapshot_read.h"

#include "base/file.h"
#include "tls/catalog.h"

struct config *snapshot_config_read(struct packet *packet, const struct log *log)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	struct findings findings;
	struct config *config = NULL;
	CLEANUP_FD int fd = packet_take_fd(packet);
	const struct suite_catalog *catalog = tls_catalog_new();

	findings_init(&findings);
	enum fault fault = fd < 0 ? FAULT_IO : fd_read_file(fd, &text);
	if (fault == FAULT_NONE)
		fault = config_parse(buf_str(&text), "mailserver.cfg", catalog, &findings, &config);
	if (fault != FAULT_NONE)
		log_printf(log, LOG_ERROR, "the configuration from the parent cannot be read: %s",
			   fault_text(fault));
	findings_done(&findings);
	tls_catalog_free(&catalog);
	buf_done(&text);
	return config;
}
