/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of routes of the API: each row names one row of the table of commands (ctl/commands.c)
 * and how a request becomes its words and options. Its answer is the command's --json document.
 * The description in OpenAPI's form comes from the same rows (admin/openapi.h).
 */
#ifndef POSTERN_ADMIN_ROUTE_H
#define POSTERN_ADMIN_ROUTE_H

#include "base/str.h"
#include "ctl/command.h"

#define ROUTE_PREFIX "/api/v1"

enum route_place {
	PLACE_PATH,  /* a piece of the path, "{name}" in the row's */
	PLACE_QUERY, /* "?name=value" */
	PLACE_BODY,  /* a member of the JSON object that was sent */
	/*
	 * Of who asks, never of what he sent: "address", his account, and "session", the name of his
	 * session (auth/web_sessions.h). No part of the description.
	 */
	PLACE_SESSION
};

enum route_target {
	TARGET_WORD,	    /* the command's next word */
	TARGET_WORDS,	    /* an array of texts: so many words */
	TARGET_ASSIGNMENTS, /* an object: a word "name=value" each */
	TARGET_OPTION,	    /* the value of an option */
	TARGET_FLAG,	    /* an option without a value, given where it is true */
	TARGET_TEXT,	    /* the command's input, as it is */
	TARGET_BYTES,	    /* the same, in base64: what need not be a text */
	TARGET_UPLOAD,	    /* the request's whole body, no JSON: the command's input, which "-" names */
	TARGET_INPUT,	    /* the first line of the command's input: a password */
	TARGET_PROOF	    /* his password: asked for and checked before the command (admin/login.h) */
};

struct route_parameter {
	const char *name; /* NULL ends the list */
	enum route_place place;
	enum route_target target;
	enum option option; /* of OPTION and FLAG */
	bool is_required;
	const char *about;
};

enum route_access {
	ACCESS_ALL,   /* without a session */
	ACCESS_READ,  /* administrators and auditors */
	ACCESS_CHANGE, /* administrators */
	ACCESS_OWN     /* administrators and auditors, of what is their own */
};

/* What no command answers. */
enum route_own {
	OWN_NONE,
	OWN_LOGIN,
	OWN_SESSION,
	OWN_LOGOUT,
	OWN_OPENAPI,
	OWN_HISTORY, /* of the counters: admin/samples.h */
};

enum { ROUTE_PARAMETERS_MAX = 12 };

struct route {
	const char *method;
	const char *path; /* behind ROUTE_PREFIX */
	const char *command;
	enum route_access access;
	const char *answer; /* the schema of the answer in admin/schemas.json */
	const char *about;
	uint64_t always; /* options that are given each time, beside --json */
	unsigned limit_s; /* how long the command may take; 0: a minute */
	enum route_own own;
	struct route_parameter parameters[ROUTE_PARAMETERS_MAX];
	bool is_stream; /* the command's lines are sent one by one, as server-sent events */
	/* The command tells how far it is (ctl/progress.h): sent as events to whoever wants them. */
	bool may_be_followed;
	bool takes_upload; /* has a parameter TARGET_UPLOAD */
};

extern const struct route admin_routes[];
extern const size_t admin_route_count;

/* What was asked for, and the pieces of its path that stand for parameters, as sent. */
struct route_match {
	const struct route *route; /* NULL: there is none */
	bool is_other_method;	   /* but the path has others */
	struct str pieces[4];
	size_t piece_count;
	/* Who asks, once that is known; his session's name is empty where he has none. */
	struct str account;
	struct str session;
};

/* Finds the row of a request. Pure. */
void route_find(struct str method, struct str path, struct route_match *match_out);

#endif
