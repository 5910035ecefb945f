/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of suites and keywords that exist, whether or not the TLS library at
 * hand has them: so that "not in this build" can be told from a typing error.
 *
 * Sources: the IANA registry "TLS Cipher Suites", and the names and keywords
 * of the OpenSSL releases 0.9.8 to 3.x (ciphers(1)).
 */
#ifndef POSTERN_POLICY_SUITE_NAMES_H
#define POSTERN_POLICY_SUITE_NAMES_H

#include "policy/nearest.h"

/* An IANA name of any TLS version, in any case. */
bool suite_name_is_iana(struct str name);

/* An IANA name of TLS 1.3: those have no `_WITH_`. */
bool suite_name_is_tls13(struct str name);

/* The IANA name of a number, whether or not this OpenSSL has the suite; NULL when there is none. */
const char *suite_name_from_number(uint16_t number);

/* The name of a suite that some OpenSSL release had and Debian's build may lack; exact. */
bool suite_name_is_historical(struct str name);

/* A keyword of a cipher string that OpenSSL 3 knows; exact, as OpenSSL compares. */
bool cipher_keyword_is_known(struct str name);

/* A keyword that only earlier releases knew (EXPORT, kECDH, ...); today's ignore it. */
bool cipher_keyword_is_historical(struct str name);

/* A name, present or not, of a suite or keyword without authentication or encryption. */
bool cipher_name_is_anonymous(struct str name);

/* Offers every name of this page. */
void suite_names_offer(struct nearest *nearest);

#endif
