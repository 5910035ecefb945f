/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as JSON: the same facts wherever a command tells of one. The caller frees what is
 * given.
 */
#ifndef POSTERN_CTL_CERTIFICATE_JSON_H
#define POSTERN_CTL_CERTIFICATE_JSON_H

#include "ctl/ctl.h"
#include "policy/finding.h"
#include "tls/certificate.h"

/* Names, subject, issuer, key, dates: an object. */
json_t *certificate_json(const struct tls_certificate *certificate, bool is_public, int64_t now_s);

/* Each certificate of the chain, the leaf first: subject, issuer, until when. */
json_t *certificate_chain_json(const struct tls_certificate *certificate);

/* The SHA-256 of the chain, in hexadecimal digits, as the status of a server has it. */
json_t *certificate_digest_json(const struct tls_certificate *certificate);

/* The identity of a key, in such digits; a date in the form of ISO 8601. */
json_t *certificate_key_id_json(const unsigned char id[TLS_KEY_ID_BYTES]);
json_t *certificate_date_json(int64_t real_s);

/* What there is to say, each with its file. */
json_t *certificate_findings_json(const struct findings *findings);

/* The names of the services that are on and speak TLS: each of them has all the pairs. Blocks on the disk. */
json_t *certificate_services_json(const struct ctl *ctl);

#endif
