/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailserver.cfg of a new home: what `postern init` writes. Pure.
 */
#ifndef POSTERN_CONFIG_INITIAL_H
#define POSTERN_CONFIG_INITIAL_H

#include "config/config.h"

/* Suites that `postern init` writes: forward secret, authenticated encryption only. */
#define CONFIG_INITIAL_CIPHERS                                                                     \
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"              \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                               \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256"

enum config_ports {
	CONFIG_PORTS_STANDARD,	  /* 25, 587, ...; all addresses */
	CONFIG_PORTS_UNPRIVILEGED /* 2525, 2587, ...; loopback only */
};

/*
 * Appends the file of a fresh home: strong in both tables, every service, each
 * with its port. From a host name that is none comes a file that config_parse
 * refuses.
 */
void config_initial_append(struct buf *to, struct str hostname, enum config_ports ports);

/*
 * Appends a file brought from elsewhere (`init --from`) as it is, except that
 * Server/Hostname is put in when `hostname` is not empty, and the Service list
 * when `ports` are not the standard ones: what stands in the file already is
 * overridden by neither. Faults as config_set_variable's.
 */
must_check enum fault config_adopted_append(struct buf *to, struct str text, struct str hostname,
					    enum config_ports ports, struct findings *findings);

#endif
