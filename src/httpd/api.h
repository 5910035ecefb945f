/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front's part of the API below /api/: takes the body in, hands the request to the admin role
 * (session/admin_client.h) and its answer to the client. It decides nothing about either. A body that
 * is no JSON may be large: the role is asked before it is read, and it goes into a file of the
 * role's, never into memory.
 */
#ifndef POSTERN_HTTPD_API_H
#define POSTERN_HTTPD_API_H

#include "proto/http.h"
#include "session/session.h"

/* What a request may bring along in JSON, and how long anything else may be on its way. */
enum { API_BODY_MAX = 1024 * 1024, API_UPLOAD_S = 2 * 3600 };

enum api_state {
	API_NONE,
	API_BODY,   /* the body comes in */
	API_UPLOAD, /* one that is no JSON comes in, into a file */
	API_ASKED,  /* the admin role has the request */
	API_PIECES, /* a large answer goes out */
	API_STREAM  /* an answer without end goes out, part by part */
};

/* Of one session; zeroed at its start. */
struct api {
	enum api_state state;
	const struct http_request *request; /* lives as long as the command */
	uint64_t ticket;
	bool keep_alive;
	uint64_t upload_bytes; /* announced, and not read yet; 0: none */
	bool is_flushed; /* the part at hand has gone out */
	bool is_last;	 /* and it was the last one */
	char *map;	 /* the answer, from a memory file */
	size_t map_len;
	size_t sent;
};

/* True for what api_begin is to be called with. */
bool api_is_path(struct str path);

/* True from api_begin until the answer has gone out: `more` of the command is api_more. */
bool api_is_active(const struct api *api);

/* Begins and goes on; to be returned from the command's `run` and `more`. */
enum command_step api_begin(struct session *session, struct api *api,
			    const struct http_request *request);
enum command_step api_more(struct session *session, struct api *api);

/* The connection ends: nobody waits for an answer any more. */
void api_end(struct session *session, struct api *api);

#endif
