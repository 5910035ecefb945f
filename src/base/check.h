/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions that stay on in production.
 *
 * A CHECK guards what only our own mistake can break. It prints the broken
 * condition and aborts the role; the parent starts it again. A peer's mistake
 * is never a CHECK: it is a value of enum fault.
 */
#ifndef POSTERN_BASE_CHECK_H
#define POSTERN_BASE_CHECK_H

#define CHECK(condition)                                                       \
	((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

#define must_check __attribute__((warn_unused_result))
#define format_printf(format_at, first_at)                                     \
	__attribute__((format(printf, format_at, first_at)))

/* Prints the condition with its place on standard error and aborts. */
__attribute__((noreturn)) void check_failed(const char *condition, const char *file, int line);

#endif
