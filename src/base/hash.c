/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/random.h"

void hash_key_init(struct hash_key *key)
{
	random_bytes(key, sizeof(*key));
}

static inline uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

struct sip {
	uint64_t a, b, c, d;
};

static void sip_round(struct sip *v)
{
	v->a += v->b;
	v->b = rotate(v->b, 13) ^ v->a;
	v->a = rotate(v->a, 32);
	v->c += v->d;
	v->d = rotate(v->d, 16) ^ v->c;
	v->a += v->d;
	v->d = rotate(v->d, 21) ^ v->a;
	v->c += v->b;
	v->b = rotate(v->b, 17) ^ v->c;
	v->c = rotate(v->c, 32);
}

static void sip_absorb(struct sip *v, uint64_t word)
{
	v->d ^= word;
	sip_round(v);
	sip_round(v);
	v->a ^= word;
}

static uint64_t little_endian(const char *bytes, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
	return word;
}

uint64_t hash_keyed(const struct hash_key *key, struct str bytes)
{
	struct sip v = {key->half[0] ^ 0x736f6d6570736575, key->half[1] ^ 0x646f72616e646f6d,
			key->half[0] ^ 0x6c7967656e657261, key->half[1] ^ 0x7465646279746573};
	size_t whole = bytes.len / 8 * 8;

	for (size_t i = 0; i < whole; i += 8)
		sip_absorb(&v, little_endian(bytes.ptr + i, 8));
	uint64_t last = (uint64_t)bytes.len << 56;
	if (bytes.len > whole)
		last |= little_endian(bytes.ptr + whole, bytes.len - whole);
	sip_absorb(&v, last);
	v.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&v);
	return v.a ^ v.b ^ v.c ^ v.d;
}

/* One row a value of the low nibble: small, for processors without the instruction. */
static uint32_t crc32c_portable(uint32_t crc, const char *at, size_t len)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)at[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const char *at,
								size_t len)
{
	uint64_t wide = crc;

	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; len > 0; at++, len--)
		crc = __builtin_ia32_crc32qi(crc, (unsigned char)*at);
	return crc;
}

static uint32_t crc32c_best(uint32_t crc, const char *at, size_t len)
{
	return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, at, len)
						: crc32c_portable(crc, at, len);
}
#else
static uint32_t crc32c_best(uint32_t crc, const char *at, size_t len)
{
	return crc32c_portable(crc, at, len);
}
#endif

uint32_t crc32c(uint32_t seed, struct str bytes)
{
	return ~crc32c_best(~seed, bytes.ptr, bytes.len);
}
