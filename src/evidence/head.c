/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/head.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "crypto/signing_key.h"
#include "evidence/chain.h"

enum { SENTENCE_MAX = 512, FILE_MODE = 0600 };

#define HEAD "postern evidence head, 1"
#define NAME "evidence.head"

void evidence_head_statement(struct buf *to, const struct evidence *evidence)
{
	buf_printf(to, HEAD "\nentry %llu\nhash %s\n", (unsigned long long)evidence->sequence,
		   evidence->hash.text);
}

enum fault evidence_head_write(const char *home, struct str statement, struct str signature,
			       struct str public_key)
{
	struct buf text = BUF_INIT(EVIDENCE_HEAD_MAX);
	char *path = path_join(home, NAME);

	buf_append_str(&text, statement);
	buf_append_c(&text, "public-key ");
	base64_encode(&text, public_key);
	buf_append_c(&text, "\nsignature ");
	base64_encode(&text, signature);
	buf_append_char(&text, '\n');
	enum fault fault =
		text.failed ? FAULT_TOO_LARGE : file_replace(path, buf_str(&text), FILE_MODE);
	buf_done(&text);
	free(path);
	return fault;
}

/* The home's own key; NULL where it is not there or may not be read. */
static struct signing_key *key_read(const char *home, enum fault *fault_out)
{
	struct buf pem = BUF_INIT(SIGNING_KEY_PEM_MAX);
	char *path = path_join(home, "evidence.key");
	struct signing_key *key = NULL;

	*fault_out = file_read(path, &pem);
	if (*fault_out == FAULT_NONE)
		key = signing_key_read(buf_str(&pem));
	buf_wipe(&pem);
	free(path);
	return key;
}

enum fault evidence_head_sign(const char *home, const struct evidence *evidence)
{
	struct buf statement = BUF_INIT(EVIDENCE_STATEMENT_MAX);
	struct buf signature = BUF_INIT(SIGNING_SIGNATURE_MAX);
	struct buf public_key = BUF_INIT(SIGNING_KEY_PEM_MAX);
	enum fault fault;
	struct signing_key *key = key_read(home, &fault);

	if (key != NULL) {
		evidence_head_statement(&statement, evidence);
		signing_key_sign(key, buf_str(&statement), &signature);
		signing_key_append_public(key, &public_key);
		fault = evidence_head_write(home, buf_str(&statement), buf_str(&signature),
					    buf_str(&public_key));
	} else if (fault == FAULT_NOT_FOUND)
		fault = FAULT_NONE;
	else if (fault == FAULT_NONE)
		fault = FAULT_INVALID;
	signing_key_free(&key);
	buf_done(&statement);
	buf_done(&signature);
	buf_done(&public_key);
	return fault;
}

/* ---- checking ---- */

struct checker {
	const char *home;
	struct str log;
	void (*report)(void *context, struct str what);
	void *context;
	size_t count;
};

static void fault_report(struct checker *checker, const char *format, ...) format_printf(2, 3);
static void fault_report(struct checker *checker, const char *format, ...)
{
	struct buf sentence = BUF_INIT(SENTENCE_MAX);
	va_list args;

	checker->count++;
	if (checker->report == NULL)
		return;
	va_start(args, format);
	buf_vprintf(&sentence, format, args);
	va_end(args);
	checker->report(checker->context, buf_str(&sentence));
	buf_done(&sentence);
}

/* What the file says, true or not. */
struct head {
	struct str statement;
	uint64_t sequence;
	struct str hash;
	struct buf public_key;
	struct buf signature;
};

/* Takes the line `NAME VALUE`. */
static bool line_take(struct str *text, struct str name, struct str *value_out)
{
	size_t end = str_find_char(*text, '\n');

	if (end == STR_NONE || !str_has_prefix(*text, name))
		return false;
	*value_out = str_sub(*text, name.len, end - name.len);
	*text = str_from(*text, end + 1);
	return true;
}

static bool head_read(struct str text, struct head *head)
{
	struct str whole = text, rest, number, public_key, signature;

	if (!line_take(&text, STR(HEAD), &rest) || rest.len > 0 ||
	    !line_take(&text, STR("entry "), &number) || !line_take(&text, STR("hash "), &head->hash))
		return false;
	head->statement = str_sub(whole, 0, whole.len - text.len);
	return str_parse_u64(number, INT64_MAX, &head->sequence) &&
	       head->hash.len == EVIDENCE_HASH_CHARS &&
	       line_take(&text, STR("public-key "), &public_key) &&
	       line_take(&text, STR("signature "), &signature) && text.len == 0 &&
	       base64_decode(&head->public_key, public_key) &&
	       base64_decode(&head->signature, signature);
}

static void signature_check(struct checker *checker, const struct head *head)
{
	struct buf own = BUF_INIT(SIGNING_KEY_PEM_MAX);
	enum fault fault;
	struct signing_key *key = key_read(checker->home, &fault);

	if (key != NULL)
		signing_key_append_public(key, &own);
	if (!signing_key_verify(buf_str(&head->public_key), head->statement,
				buf_str(&head->signature)))
		fault_report(checker, NAME " is not signed as it says: it was changed");
	else if (key != NULL && !str_equals(buf_str(&own), buf_str(&head->public_key)))
		fault_report(checker, NAME " is signed with another key than evidence.key");
	signing_key_free(&key);
	buf_done(&own);
}

/* The entry of that number in the log; false when none has it. */
static bool entry_find(struct str log, uint64_t sequence, struct evidence_line *out)
{
	while (!str_is_empty(log)) {
		struct str line = str_cut(&log, '\n');
		if (evidence_line_read(line, out) && out->sequence == sequence)
			return true;
	}
	return false;
}

static void end_check(struct checker *checker, const struct head *head)
{
	struct evidence_verdict verdict = evidence_verify(checker->log, NULL, NULL);
	struct evidence_line entry;

	if (head->sequence > verdict.sequence)
		fault_report(checker,
			     "entries were cut off: the log ends with entry %llu, and " NAME
			     " names entry %llu as the last",
			     (unsigned long long)verdict.sequence,
			     (unsigned long long)head->sequence);
	else if (head->sequence > 0 &&
		 (!entry_find(checker->log, head->sequence, &entry) ||
		  !str_equals(str_from_c(entry.hash.text), head->hash)))
		fault_report(checker,
			     "entry %llu is not the one that " NAME
			     " names: the log was written anew from there or before",
			     (unsigned long long)head->sequence);
}

/* A server writes the head behind its first start: from the entry after that on there is one. */
static bool head_was_written(struct str log)
{
	size_t start = str_find(log, STR(",\"kind\":\"start\","));
	struct str rest = start == STR_NONE ? STR("") : str_from(log, start);

	(void)str_cut(&rest, '\n');
	return !str_is_empty(rest);
}

size_t evidence_head_check(const char *home, struct str log,
			   void (*report)(void *context, struct str what), void *context)
{
	struct checker checker = {.home = home, .log = log, .report = report, .context = context};
	struct head head = {.public_key = BUF_INIT(SIGNING_KEY_PEM_MAX),
			    .signature = BUF_INIT(SIGNING_SIGNATURE_MAX)};
	struct buf text = BUF_INIT(EVIDENCE_HEAD_MAX);
	char *path = path_join(home, NAME);
	enum fault fault = file_read(path, &text);

	if (fault == FAULT_NOT_FOUND && head_was_written(log))
		fault_report(&checker, NAME " is missing: whether entries were cut off cannot be told");
	else if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		fault_report(&checker, NAME " cannot be read: %s", fault_text(fault));
	else if (fault == FAULT_NONE && !head_read(buf_str(&text), &head))
		fault_report(&checker, NAME " has not its form: it was changed");
	else if (fault == FAULT_NONE) {
		signature_check(&checker, &head);
		end_check(&checker, &head);
	}
	buf_done(&head.public_key);
	buf_done(&head.signature);
	buf_done(&text);
	free(path);
	return checker.count;
}
