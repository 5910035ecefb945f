/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTPS service: GET and HEAD of /healthz ("ok", or 503 when the store cannot be read) and
 * /metrics (Prometheus' text format), and the files of the administration page (httpd/assets.h).
 * HTTP/1.1 with keep-alive, strict (proto/http.h).
 */
#ifndef POSTERN_HTTPD_HTTPD_H
#define POSTERN_HTTPD_HTTPD_H

#include "session/session.h"

/* For the service HTTPS. */
extern const struct protocol httpd_protocol;

#endif
