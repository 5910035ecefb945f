/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view of bytes that somebody else owns.
 *
 * A struct str never owns and is not terminated. It is passed by value. An
 * empty view may have a NULL pointer. Comparisons without case are ASCII only,
 * as the mail protocols want them.
 */
#ifndef POSTERN_BASE_STR_H
#define POSTERN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

struct str {
	const char *ptr;
	size_t len;
};

/* A view of a string literal. */
#define STR(literal) ((struct str){.ptr = (literal), .len = sizeof(literal) - 1})
#define STR_INIT(literal) {.ptr = (literal), .len = sizeof(literal) - 1}

/* The two arguments that "%.*s" wants. */
#define STR_ARG(view) (int)(view).len, (view).ptr == NULL ? "" : (view).ptr

static inline struct str str_make(const void *ptr, size_t len)
{
	return (struct str){.ptr = ptr, .len = len};
}

/* Borrows a terminated string; NULL is the empty view. */
static inline struct str str_from_c(const char *text)
{
	return str_make(text, text == NULL ? 0 : strlen(text));
}

static inline bool str_is_empty(struct str text)
{
	return text.len == 0;
}

static inline bool str_equals(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case mapping, blind to the locale. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline char ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

/* Space and horizontal tab: the white space inside a line of mail. */
static inline bool ascii_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Blank, CR, LF, form feed or vertical tab. */
static inline bool ascii_is_space(char c)
{
	return ascii_is_blank(c) || (c >= '\n' && c <= '\r');
}

/* C0 controls and DEL. */
static inline bool ascii_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

bool str_equals_nocase(struct str a, struct str b);
int str_compare(struct str a, struct str b);        /* bytewise, shorter first */
int str_compare_nocase(struct str a, struct str b); /* after ASCII lowering */
bool str_has_prefix(struct str text, struct str prefix);
bool str_has_prefix_nocase(struct str text, struct str prefix);
bool str_has_suffix_nocase(struct str text, struct str suffix);

#define STR_NONE SIZE_MAX

/* Returns the offset of the first such byte or text, or STR_NONE. */
size_t str_find_char(struct str text, char wanted);
size_t str_find_last_char(struct str text, char wanted);
size_t str_find(struct str text, struct str wanted);
size_t str_find_nocase(struct str text, struct str wanted);

/* The part from `from`, at most `len` bytes; clamped to the text. */
struct str str_sub(struct str text, size_t from, size_t len);
struct str str_from(struct str text, size_t from);

/* Without white space (ascii_is_space) at both ends. */
struct str str_trim(struct str text);

/*
 * Splits at the first `separator`: returns what stands before it and leaves in
 * `*rest` what follows. Without a separator all is returned and `*rest` is
 * empty with a NULL pointer, which ends a loop over items:
 *     for (struct str rest = text; rest.ptr != NULL;) item = str_cut(&rest, ',');
 */
struct str str_cut(struct str *rest, char separator);

/* Parses a whole decimal number without sign; false on anything else or when above `max`. */
must_check bool str_parse_u64(struct str text, uint64_t max, uint64_t *value_out);

/* Copies into `to` of `size` bytes and terminates; false (and an empty string) if it does not fit or holds a NUL. */
must_check bool str_copy_c(struct str text, char *to, size_t size);

/* Gives a terminated heap copy; aborts when memory runs out. */
char *str_dup_c(struct str text);

#endif
