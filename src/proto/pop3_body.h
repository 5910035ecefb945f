/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as a POP3 server sends it (RFC 1939 section 3), taken apart as the bytes
 * arrive: dots at the beginning of lines go, the line that is a dot ends it.
 *
 * Servers are forgiven what SMTP does not forgive, for nothing can be refused here: a
 * line ends with LF, whatever CRs stand before it, and comes out with CR LF. A CR
 * elsewhere becomes a blank, so that nobody reads a line end where this saw none.
 */
#ifndef POSTERN_PROTO_POP3_BODY_H
#define POSTERN_PROTO_POP3_BODY_H

#include "base/str.h"

struct pop3_body {
	int state;
	bool is_done; /* the end was read */
};

void pop3_body_init(struct pop3_body *body);

/*
 * Takes bytes from the front of `*input` and returns the next run of message bytes: a
 * view into the input, or into static text. Empty when the input is used up or
 * `is_done` is set; what then stands in `*input` is the next answer.
 */
struct str pop3_body_step(struct pop3_body *body, struct str *input);

#endif
