/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of DNS that we read and write ourselves: names, and the data of a
 * few kinds of records, as a resolver hands them out (RFC 1035 section 3.3,
 * names not compressed).
 *
 * Names come out in lower case, without a final dot, and hold letters, digits,
 * hyphens and underscores only: what a stranger writes into his zone can
 * neither confuse a log nor a comparison. A name with other bytes is refused.
 */
#ifndef POSTERN_PROTO_DNS_H
#define POSTERN_PROTO_DNS_H

#include "base/buf.h"

/* The kinds of records that we ask for, by their numbers on the wire. */
enum dns_type {
	DNS_A = 1,
	DNS_MX = 15,
	DNS_PTR = 12,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
	DNS_CAA = 257,
};

/* "A", "MX", ...; "?" for a number that is not above. */
const char *dns_type_name(enum dns_type type);
/* The number of a name in any case; false when it is none of those above. */
must_check bool dns_type_parse(struct str name, enum dns_type *type_out);

enum { DNS_NAME_MAX = 253, DNS_LABEL_MAX = 63 };

/* A name as text, terminated; that of the root is empty. */
struct dns_name {
	char text[DNS_NAME_MAX + 1];
	size_t len;
};

static inline struct str dns_name_str(const struct dns_name *name)
{
	return str_make(name->text, name->len);
}

struct dns_mx {
	uint16_t preference;
	struct dns_name host; /* empty: no mail is taken (RFC 7505) */
};

/*
 * Reads a name given as text, with or without its final dot; "." is the root.
 * False when it is none, or has bytes that are refused.
 */
must_check bool dns_name_parse(struct str text, struct dns_name *name_out);

/* Reads the data of a PTR or CNAME record. */
must_check bool dns_name_read(struct str data, struct dns_name *name_out);

/* Reads the data of an MX record. */
must_check bool dns_mx_read(struct str data, struct dns_mx *mx_out);

/* Reads the data of an A or AAAA record; IPv4 comes in its IPv6-mapped form. */
must_check bool dns_address_read(struct str data, enum dns_type type, uint8_t address_out[16]);

/* Appends the strings of a TXT record, joined; false when the data is not well formed. */
must_check bool dns_text_append(struct str data, struct buf *to);

/* The name whose PTR records tell an address's names (RFC 1035 section 3.5, RFC 3596 section 2.5). */
void dns_reverse_name(const uint8_t address[16], struct dns_name *name_out);

/*
 * Appends the data of a record as zone files write it, foreign texts escaped; data
 * that is not well formed comes as `\# LENGTH HEX` (RFC 3597 section 5).
 */
void dns_record_append_text(struct buf *to, enum dns_type type, struct str data);

/* Appends an address in numbers. */
void dns_address_append(struct buf *to, const uint8_t address[16]);

/* True for an IPv4 address in its IPv6-mapped form. */
bool dns_address_is_ipv4(const uint8_t address[16]);

#endif
