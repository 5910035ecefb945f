/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One binary: a role when the parent starts it as one, the command line otherwise.
 */
#include <string.h>

#include "admin/openapi.h"
#include "ctl/ctl.h"
#include "proc/parent.h"
#include "proc/role.h"

static const struct ctl_above above = {.serve = proc_serve, .openapi = openapi_append};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "role") == 0)
		return role_main(argc, argv);
	return ctl_main(argc, argv, &above);
}
