/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internationalized domain names (IDNA2008, RFC 5891, with the mapping of
 * Unicode TR46): from what people write to what DNS is asked.
 */
#ifndef POSTERN_PROTO_IDN_H
#define POSTERN_PROTO_IDN_H

#include "proto/dns.h"

/*
 * Brings a domain, ASCII or UTF-8, to its A-labels ("xn--..."). False when it is no
 * domain name: empty, the root, with labels that are not admitted, or too long.
 */
must_check bool idn_to_ascii(struct str domain, struct dns_name *name_out);

#endif
