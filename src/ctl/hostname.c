/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/hostname.h"

#include <unistd.h>

void hostname_of(const struct config *config, char hostname[HOSTNAME_BYTES])
{
	if (config->server.hostname.len > 0 &&
	    str_copy_c(config->server.hostname, hostname, HOSTNAME_BYTES))
		return;
	if (gethostname(hostname, HOSTNAME_BYTES - 1) != 0 || hostname[0] == '\0')
		CHECK(str_copy_c(STR("localhost"), hostname, HOSTNAME_BYTES));
	hostname[HOSTNAME_BYTES - 1] = '\0';
}
