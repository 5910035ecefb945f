/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closed set of ways in which an operation can fail.
 *
 * Every function that can fail for a reason that its caller must tell apart
 * returns one of these; each server maps them once to its own replies.
 */
#ifndef POSTERN_BASE_FAULT_H
#define POSTERN_BASE_FAULT_H

#include <stdint.h>

#include "base/check.h"

/* X(name, text for people) */
#define FAULT_TABLE(X)                                                         \
	X(NONE, "done")                                                        \
	X(NOT_FOUND, "there is no such thing")                                 \
	X(EXISTS, "it exists already")                                         \
	X(INVALID, "the request is not well formed")                           \
	X(DENIED, "not allowed")                                               \
	X(TOO_LARGE, "larger than the limit")                                  \
	X(OVER_QUOTA, "the quota is used up")                                  \
	X(CONFLICT, "it was changed meanwhile")                                \
	X(BUSY, "too busy now, try again")                                     \
	X(UNAVAILABLE, "a part of the server does not answer")                 \
	X(NO_SPACE, "the disk is full")                                        \
	X(IO, "reading or writing failed")                                     \
	X(CORRUPT, "stored data is damaged")                                   \
	X(VERSION, "made by a newer version")                                  \
	X(MEMORY, "out of memory")                                             \
	X(UNSUPPORTED, "not available here")

enum fault {
#define X(name, text) FAULT_##name,
	FAULT_TABLE(X)
#undef X
	FAULT_COUNT
};

/* Names a fault in words for people; never NULL, static. */
const char *fault_text(enum fault fault);

/* Its identifier: "NOT_FOUND"; static. */
const char *fault_name(enum fault fault);

/* The fault that another process tells as a number; INVALID for one that stands for none. */
enum fault fault_from_number(uint32_t number);

/* Maps an errno value to the fault it stands for; unknown ones are FAULT_IO. */
enum fault fault_from_errno(int error);

#endif
