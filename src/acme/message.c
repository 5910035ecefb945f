/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/message.h"

#include <jansson.h>

#include "base/encode.h"

/* Texts of an answer, until one is missing or too long. */
struct reader {
	json_t *root;
	struct arena *arena;
	bool is_bad;
};

static bool reader_open(struct reader *reader, struct str json, struct arena *arena)
{
	*reader = (struct reader){.arena = arena};
	if (json.len <= ACME_MESSAGE_MAX)
		reader->root = json_loadb(json.ptr == NULL ? "" : json.ptr, json.len,
					  JSON_REJECT_DUPLICATES, NULL);
	reader->is_bad = !json_is_object(reader->root);
	return !reader->is_bad;
}

static enum fault reader_close(struct reader *reader)
{
	json_decref(reader->root);
	reader->root = NULL;
	return reader->is_bad ? FAULT_INVALID : FAULT_NONE;
}

static struct str text_keep(struct reader *reader, const json_t *value)
{
	struct str kept = arena_dup(reader->arena, str_make(json_string_value(value),
							    json_string_length(value)));

	reader->is_bad |= kept.ptr == NULL;
	return kept;
}

/* A text of at most `max` bytes, or an empty one where there is none. */
static struct str text_read(struct reader *reader, const json_t *object, const char *name,
			    size_t max)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value) || json_string_length(value) > max)
		return STR("");
	return text_keep(reader, value);
}

/* What is only told to people may be longer than is told. */
static struct str words_read(struct reader *reader, const json_t *object, const char *name)
{
	return str_sub(text_read(reader, object, name, ACME_MESSAGE_MAX), 0, ACME_TEXT_MAX);
}

bool acme_url_is_good(struct str url)
{
	if (!str_has_prefix(url, STR("https://")) || url.len > ACME_URL_MAX)
		return false;
	for (size_t i = 0; i < url.len; i++)
		if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f)
			return false;
	return true;
}

static struct str url_keep(struct reader *reader, const json_t *value)
{
	struct str url = str_make(json_string_value(value), json_string_length(value));

	if (!json_is_string(value) || !acme_url_is_good(url)) {
		reader->is_bad = true;
		return STR("");
	}
	return text_keep(reader, value);
}

static struct str url_read(struct reader *reader, const json_t *object, const char *name)
{
	return url_keep(reader, json_object_get(object, name));
}

static struct str url_read_optional(struct reader *reader, const json_t *object, const char *name)
{
	return json_object_get(object, name) == NULL ? STR("") : url_read(reader, object, name);
}

static enum acme_status status_read(const json_t *object)
{
	static const struct {
		const char *word;
		enum acme_status status;
	} words[] = {
		{"pending", ACME_STATUS_PENDING},   {"processing", ACME_STATUS_PROCESSING},
		{"ready", ACME_STATUS_READY},	    {"valid", ACME_STATUS_VALID},
		{"invalid", ACME_STATUS_INVALID},   {"deactivated", ACME_STATUS_DEACTIVATED},
		{"expired", ACME_STATUS_EXPIRED},   {"revoked", ACME_STATUS_REVOKED},
	};
	const char *word = json_string_value(json_object_get(object, "status"));

	for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].status;
	return ACME_STATUS_UNKNOWN;
}

/* ---- problems ---- */

static struct str type_read(struct reader *reader, const json_t *object)
{
	static const struct str known = STR_INIT("urn:ietf:params:acme:error:");
	struct str type = words_read(reader, object, "type");

	return str_has_prefix(type, known) ? str_from(type, known.len) : type;
}

static void problem_read(struct reader *reader, const json_t *object, struct acme_problem *out)
{
	const json_t *subs = json_object_get(object, "subproblems");
	size_t count = json_array_size(subs);

	*out = (struct acme_problem){0};
	if (!json_is_object(object))
		return;
	out->type = type_read(reader, object);
	out->detail = words_read(reader, object, "detail");
	/* "about:blank" is what is meant where there is no type (RFC 7807 section 4.2). */
	if (str_is_empty(out->type))
		out->type = STR("about:blank");
	for (size_t i = 0; i < count && out->sub_count < ACME_SUBPROBLEMS_MAX; i++) {
		const json_t *sub = json_array_get(subs, i);
		out->subs[out->sub_count++] = (struct acme_subproblem){
			.type = type_read(reader, sub),
			.detail = words_read(reader, sub, "detail"),
			.domain = words_read(reader, json_object_get(sub, "identifier"), "value")};
	}
}

enum fault acme_problem_parse(struct str json, struct arena *arena, struct acme_problem *out)
{
	struct reader reader;
	struct acme_problem problem = {0};

	if (reader_open(&reader, json, arena))
		problem_read(&reader, reader.root, &problem);
	enum fault fault = reader_close(&reader);
	if (fault == FAULT_NONE)
		*out = problem;
	return fault;
}

/* ---- the other messages ---- */

enum fault acme_directory_parse(struct str json, struct arena *arena, struct acme_directory *out)
{
	struct reader reader;
	struct acme_directory directory = {0};

	if (reader_open(&reader, json, arena)) {
		const json_t *meta = json_object_get(reader.root, "meta");
		directory.new_nonce = url_read(&reader, reader.root, "newNonce");
		directory.new_account = url_read(&reader, reader.root, "newAccount");
		directory.new_order = url_read(&reader, reader.root, "newOrder");
		/* Only shown, so any URL will do. */
		directory.terms = words_read(&reader, meta, "termsOfService");
		directory.wants_external_account =
			json_is_true(json_object_get(meta, "externalAccountRequired"));
	}
	enum fault fault = reader_close(&reader);
	if (fault == FAULT_NONE)
		*out = directory;
	return fault;
}

static void authorizations_read(struct reader *reader, struct acme_order *order)
{
	const json_t *urls = json_object_get(reader->root, "authorizations");
	size_t count = json_array_size(urls);

	reader->is_bad |= count == 0 || count > ACME_DOMAINS_MAX;
	for (size_t i = 0; i < count && !reader->is_bad; i++)
		order->authorizations[order->authorization_count++] =
			url_keep(reader, json_array_get(urls, i));
}

enum fault acme_order_parse(struct str json, struct arena *arena, struct acme_order *out)
{
	struct reader reader;
	struct acme_order *order = arena_new(arena, struct acme_order);

	if (order == NULL)
		return FAULT_INVALID;
	if (reader_open(&reader, json, arena)) {
		order->status = status_read(reader.root);
		authorizations_read(&reader, order);
		order->finalize = url_read(&reader, reader.root, "finalize");
		order->certificate = url_read_optional(&reader, reader.root, "certificate");
		problem_read(&reader, json_object_get(reader.root, "error"), &order->problem);
		reader.is_bad |= order->status == ACME_STATUS_VALID &&
				 str_is_empty(order->certificate);
	}
	enum fault fault = reader_close(&reader);
	if (fault == FAULT_NONE)
		*out = *order;
	return fault;
}

/* Section 8.1: the base64url alphabet; it becomes part of a path that is asked for here. */
static bool token_is_good(struct str token)
{
	for (size_t i = 0; i < token.len; i++)
		if (!ascii_is_alnum(token.ptr[i]) && token.ptr[i] != '-' && token.ptr[i] != '_')
			return false;
	return token.len > 0;
}

static void challenge_read(struct reader *reader, const json_t *challenge,
			   struct acme_authorization *out)
{
	out->has_challenge = true;
	out->challenge_status = status_read(challenge);
	out->challenge_url = url_read(reader, challenge, "url");
	out->token = text_read(reader, challenge, "token", ACME_TOKEN_MAX);
	reader->is_bad |= !token_is_good(out->token);
	problem_read(reader, json_object_get(challenge, "error"), &out->problem);
}

static void challenges_read(struct reader *reader, struct str type,
			    struct acme_authorization *out)
{
	const json_t *challenges = json_object_get(reader->root, "challenges"), *challenge;
	size_t i;

	json_array_foreach(challenges, i, challenge) {
		const char *word = json_string_value(json_object_get(challenge, "type"));
		if (!out->has_challenge && str_equals(str_from_c(word), type))
			challenge_read(reader, challenge, out);
	}
}

enum fault acme_authorization_parse(struct str json, struct str challenge_type,
				    struct arena *arena, struct acme_authorization *out)
{
	struct reader reader;
	struct acme_authorization *read = arena_new(arena, struct acme_authorization);

	if (read == NULL)
		return FAULT_INVALID;
	if (reader_open(&reader, json, arena)) {
		read->status = status_read(reader.root);
		read->domain = words_read(&reader, json_object_get(reader.root, "identifier"),
					  "value");
		reader.is_bad |= str_is_empty(read->domain);
		challenges_read(&reader, challenge_type, read);
	}
	enum fault fault = reader_close(&reader);
	if (fault == FAULT_NONE)
		*out = *read;
	return fault;
}

/* ---- payloads ---- */

/* Takes the object over. */
static void object_append(struct buf *to, json_t *object)
{
	CHECK(object != NULL);
	char *text = json_dumps(object, JSON_COMPACT);
	CHECK(text != NULL);
	buf_append_c(to, text);
	free(text);
	json_decref(object);
}

void acme_account_append(struct buf *to, struct str contact, bool agrees_terms)
{
	json_t *contacts = json_array();

	CHECK(contacts != NULL);
	if (!str_is_empty(contact))
		json_array_append_new(contacts, json_sprintf("mailto:%.*s", STR_ARG(contact)));
	object_append(to, json_pack("{s:b,s:o}", "termsOfServiceAgreed", agrees_terms, "contact",
				    contacts));
}

void acme_order_append(struct buf *to, const struct str *domains, size_t count)
{
	json_t *identifiers = json_array();

	CHECK(identifiers != NULL);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(identifiers,
				      json_pack("{s:s,s:s%}", "type", "dns", "value",
						domains[i].ptr, domains[i].len));
	object_append(to, json_pack("{s:o}", "identifiers", identifiers));
}

void acme_finalize_append(struct buf *to, struct str request_der)
{
	buf_append_c(to, "{\"csr\":\"");
	base64url_encode(to, request_der);
	buf_append_c(to, "\"}");
}
