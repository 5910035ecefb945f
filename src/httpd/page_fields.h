/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser is told with each answer of the page and its API: to load nothing but from this server, to
 * allow no frame around it, to guess nothing, and where the certificates are good for it, to come by HTTPS alone.
 */
#ifndef POSTERN_HTTPD_PAGE_FIELDS_H
#define POSTERN_HTTPD_PAGE_FIELDS_H

#include "proto/http.h"
#include "session/session.h"

/* Appends the lines; `request` may be NULL, when nothing is known of it. */
void page_fields_append(const struct session *session, const struct http_request *request,
			struct buf *to);

/* The name of the host in the field Host: without the port; an IPv6 address stays in its brackets. */
struct str page_host_name(struct str host);

#endif
