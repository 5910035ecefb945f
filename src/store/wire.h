/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary values as the index and the requests hold them: big-endian numbers,
 * texts with their length, sets of UIDs. Reading is the cursor's work, with its
 * sticky failure.
 */
#ifndef POSTERN_STORE_WIRE_H
#define POSTERN_STORE_WIRE_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/fault.h"
#include "store/store.h"

static inline void wire_store_u32(unsigned char *at, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void wire_store_u64(unsigned char *at, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(at, &value, sizeof(value));
}

static inline uint32_t wire_load_u32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t wire_load_u64(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return __builtin_bswap64(value);
}

void wire_put_u8(struct buf *to, uint8_t value);
void wire_put_u32(struct buf *to, uint32_t value);
void wire_put_u64(struct buf *to, uint64_t value);
/* The length as u32, then the bytes. */
void wire_put_text(struct buf *to, struct str text);
struct str wire_take_text(struct cursor *from);

/* A list of texts is one text after the other, to the end. */
void wire_put_texts(struct buf *to, const struct str *texts, size_t count);

/*
 * A set: for each range the distance from the end of the one before and its
 * length, as numbers of 7 bits a byte; 2 bytes for a common range.
 */
void wire_put_set(struct buf *to, const struct uid_set *set);

/* Adds the ranges of a text made by wire_put_set to an empty set; FAULT_INVALID. */
must_check enum fault wire_take_set(struct str text, struct uid_set *set_out);

#endif
