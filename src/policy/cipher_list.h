/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cipher strings of mailserver.cfg: OpenSSL's grammar (ciphers(1)), widened
 * by IANA names and by TLS 1.3 names, and narrowed where a string would weaken
 * more than it says (tls-policy rules 3 to 5).
 *
 * OpenSSL skips what it does not know without a word, and its string never
 * touches the TLS 1.3 list; so each name is looked up here, and the string is
 * written anew for it.
 */
#ifndef POSTERN_POLICY_CIPHER_LIST_H
#define POSTERN_POLICY_CIPHER_LIST_H

#include "policy/policy.h"

/* What an absent or empty cipher string means (rule 2). */
#define CIPHER_STRING_DEFAULT                                                                      \
	"AESGCM:HIGH:+EDH-RSA-DES-CBC3-SHA:+EDH-DSS-DES-CBC3-SHA:+DES-CBC3-SHA"

enum { CIPHER_STRING_MAX = 4096 };

struct cipher_list {
	/*
	 * For TLS 1.2 and older, terminated: IANA names translated, TLS 1.3 names and names that
	 * this build lacks taken out. Empty when nothing is left. Without `!aNULL:!eNULL`, which
	 * cipher_list_expand appends.
	 */
	struct str string;
	/* The TLS 1.3 suites, in order; may be empty. */
	uint16_t suites13[TLS13_SUITES_MAX];
	size_t suite13_count;
};

/*
 * Reads a cipher string; an empty one is an empty list, not the default. Texts
 * are made in the arena. Adds an error for each name or command that is
 * refused, a warning for a name that nobody knows, a note that lists what is
 * not in this build. False when it added an error; `*list_out` is then what
 * the rest of the string means.
 */
bool cipher_list_parse(struct str text, const struct suite_catalog *catalog,
		       struct finding_place place, struct arena *arena, struct findings *findings,
		       struct cipher_list *list_out);

/* What a policy takes from a list besides anonymous and NULL suites. */
struct cipher_limits {
	bool without_dhe;
	bool without_ecdhe;
};

/*
 * Writes the string for OpenSSL with every restriction appended, terminated
 * and made in the arena, and the suites it stands for, in order.
 */
struct str cipher_list_expand(const struct cipher_list *list, struct cipher_limits limits,
			      const struct suite_catalog *catalog, struct arena *arena,
			      uint16_t ids_out[SUITE_CATALOG_MAX], size_t *count_out);

/*
 * Says in words why Postern cannot negotiate a suite whatever the policy, e.g.
 * "needs a pre-shared key, which mail does not use"; NULL when it can.
 */
const char *suite_obstacle(const struct suite *suite);

#endif
