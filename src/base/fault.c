/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <errno.h>

static const char *const texts[FAULT_COUNT] = {
#define X(name, text) text,
	FAULT_TABLE(X)
#undef X
};

const char *fault_text(enum fault fault)
{
	CHECK(fault < FAULT_COUNT);
	return texts[fault];
}

static const char *const names[FAULT_COUNT] = {
#define X(name, text) #name,
	FAULT_TABLE(X)
#undef X
};

const char *fault_name(enum fault fault)
{
	CHECK(fault < FAULT_COUNT);
	return names[fault];
}

enum fault fault_from_number(uint32_t number)
{
	return number < FAULT_COUNT ? (enum fault)number : FAULT_INVALID;
}

enum fault fault_from_errno(int error)
{
	switch (error) {
	case 0:
		return FAULT_NONE;
	case ENOENT:
		return FAULT_NOT_FOUND;
	case EEXIST:
		return FAULT_EXISTS;
	case EACCES:
	case EPERM:
		return FAULT_DENIED;
	case ENOSPC:
	case EDQUOT:
		return FAULT_NO_SPACE;
	case ENOMEM:
		return FAULT_MEMORY;
	case EFBIG:
	case E2BIG:
		return FAULT_TOO_LARGE;
	default:
		return FAULT_IO;
	}
}
