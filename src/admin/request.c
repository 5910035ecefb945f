/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/request.h"

#include <stdio.h>

#include "base/encode.h"
#include "ctl/ctl.h"

/* What texts are made anew: assignments, of a body that is bounded itself. */
enum { TEXTS_MAX = 4 * 1024 * 1024 };

bool request_text_decode(struct buf *to, struct str text, bool is_query)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '%') {
			int high = i + 2 < text.len ? hex_digit_value(text.ptr[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit_value(text.ptr[i + 2]);
			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (is_query && c == '+')
			c = ' ';
		if (c == '\0')
			return false;
		buf_append_char(to, c);
	}
	return !to->failed;
}

/* Keeps what is wrong, for which the request's texts live long enough. */
static bool refuse(struct admin_request *request, const char *field, const char *text)
{
	request->refused_field =
		field == NULL ? NULL : arena_dup(&request->texts, str_from_c(field)).ptr;
	request->refused_text = arena_dup(&request->texts, str_from_c(text)).ptr;
	if (request->refused_text == NULL)
		request->refused_text = "it is too long";
	return false;
}

/* A JSON text of it; NULL when it is not well formed. */
static json_t *text_json(struct str text, bool is_query)
{
	struct buf decoded = BUF_INIT(REQUEST_TEXT_MAX);
	json_t *json = NULL;

	if (request_text_decode(&decoded, text, is_query))
		json = json_stringn(decoded.data == NULL ? "" : decoded.data, decoded.len);
	buf_done(&decoded);
	return json;
}

/* ---- the three places as one object each ---- */

static bool path_read(struct admin_request *request, const struct route_match *match)
{
	size_t piece = 0;

	for (const struct route_parameter *at = match->route->parameters; at->name != NULL; at++) {
		if (at->place != PLACE_PATH)
			continue;
		CHECK(piece < match->piece_count);
		json_t *value = text_json(match->pieces[piece++], false);
		if (value == NULL)
			return refuse(request, at->name, "it is not well formed in the path");
		json_object_set_new(request->places[PLACE_PATH], at->name, value);
	}
	return true;
}

static bool query_read(struct admin_request *request, struct str query)
{
	json_t *object = request->places[PLACE_QUERY];

	for (struct str rest = query; rest.len > 0;) {
		struct str value = str_cut(&rest, '&');
		char name[64];
		if (!str_copy_c(str_cut(&value, '='), name, sizeof(name)) || name[0] == '\0')
			return refuse(request, NULL, "the query is not well formed");
		if (json_object_get(object, name) != NULL)
			return refuse(request, name, "it stands twice in the query");
		json_t *json = text_json(value, true);
		if (json == NULL)
			return refuse(request, name, "it is not well formed in the query");
		/* A name that is no UTF-8 is none of ours. */
		if (json_object_set_new(object, name, json) != 0)
			return refuse(request, NULL, "the query is not well formed");
	}
	return true;
}

static bool body_refuse(struct admin_request *request, const char *why)
{
	struct buf text = BUF_INIT(1024);

	buf_printf(&text, "the body is no JSON: %s", why);
	buf_append_char(&text, '\0');
	refuse(request, NULL, text.data);
	buf_done(&text);
	return false;
}

static bool body_read(struct admin_request *request, struct str body)
{
	json_t **object = &request->places[PLACE_BODY];
	json_error_t error;

	if (str_is_empty(body)) {
		*object = json_object();
		return true;
	}
	*object = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
	if (*object == NULL)
		return body_refuse(request, error.text);
	if (!json_is_object(*object))
		return refuse(request, NULL, "the body has to be a JSON object");
	return true;
}

/* ---- values ---- */

/* A text or a number as the command's text; NULL when it is neither. */
static const char *value_text(struct admin_request *request, const json_t *value)
{
	char number[32];

	if (json_is_string(value))
		return json_string_value(value);
	if (!json_is_integer(value))
		return NULL;
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
	return arena_dup(&request->texts, str_from_c(number)).ptr;
}

static bool word_add(struct admin_request *request, const char *field, const char *word)
{
	struct arguments *arguments = &request->arguments;

	if (word == NULL)
		return refuse(request, field, "a text is wanted here");
	if (arguments->word_count == ARGUMENTS_MAX)
		return refuse(request, field, "too many at once");
	arguments->words[arguments->word_count++] = word;
	return true;
}

static bool words_add(struct admin_request *request, const char *field, const json_t *list)
{
	const json_t *item;
	size_t i;
	bool is_good = true;

	if (!json_is_array(list))
		return refuse(request, field, "a list of texts is wanted here");
	json_array_foreach(list, i, item)
		is_good = is_good && word_add(request, field, value_text(request, item));
	return is_good;
}

static bool assignment_add(struct admin_request *request, const char *name, const json_t *value)
{
	const char *text = json_is_null(value) ? "" : value_text(request, value);
	struct buf word = BUF_INIT(REQUEST_TEXT_MAX);

	if (text == NULL)
		return refuse(request, name, "a text is wanted here");
	/* It would name another variable than the member does. */
	if (strchr(name, '=') != NULL)
		return refuse(request, name, "nothing of this name is known here");
	buf_printf(&word, "%s=%s", name, text);
	struct str kept = arena_dup(&request->texts, buf_str(&word));
	bool is_good = word.failed || kept.ptr == NULL ? refuse(request, name, "it is too long")
						       : word_add(request, name, kept.ptr);
	buf_done(&word);
	return is_good;
}

static bool assignments_add(struct admin_request *request, const char *field, json_t *object)
{
	const char *name;
	json_t *value;
	bool is_good = true;

	if (!json_is_object(object))
		return refuse(request, field, "an object of names and values is wanted here");
	json_object_foreach(object, name, value)
		is_good = is_good && assignment_add(request, name, value);
	return is_good;
}

static bool option_set(struct admin_request *request, const struct route_parameter *parameter,
		      const json_t *value)
{
	struct arguments *arguments = &request->arguments;

	if (parameter->target == TARGET_FLAG) {
		bool is_given = json_is_true(value) ||
				(json_is_string(value) && strcmp(json_string_value(value), "1") == 0);
		if (!is_given && !json_is_false(value))
			return refuse(request, parameter->name, "true or false is wanted here");
		if (is_given)
			arguments->given |= UINT64_C(1) << parameter->option;
		return true;
	}
	arguments->values[parameter->option] = value_text(request, value);
	if (arguments->values[parameter->option] == NULL)
		return refuse(request, parameter->name, "a text is wanted here");
	arguments->given |= UINT64_C(1) << parameter->option;
	return true;
}

/* The first line of the input: a line end would hide what follows. */
static bool input_set(struct admin_request *request, const char *field, const json_t *value)
{
	struct buf *input = &request->input;
	struct str text = str_make(json_string_value(value), json_string_length(value));

	if (!json_is_string(value) || str_find_char(text, '\n') != STR_NONE)
		return refuse(request, field, "a text of one line is wanted here");
	buf_append_str(input, text);
	buf_append_char(input, '\n');
	return !input->failed || refuse(request, field, "it is too long");
}

static bool text_set(struct admin_request *request, const char *field, const json_t *value)
{
	if (!json_is_string(value))
		return refuse(request, field, "a text is wanted here");
	buf_append_str(&request->input,
		       str_make(json_string_value(value), json_string_length(value)));
	return !request->input.failed || refuse(request, field, "it is too long");
}

static bool bytes_set(struct admin_request *request, const char *field, const json_t *value)
{
	struct str text = str_make(json_string_value(value), json_string_length(value));

	return (json_is_string(value) && base64_decode(&request->input, text)) ||
	       refuse(request, field, "bytes in base64 are wanted here");
}

static bool parameter_apply(const struct route_parameter *parameter, json_t *value,
			    struct admin_request *request)
{
	if (parameter->target == TARGET_UPLOAD)
		return word_add(request, parameter->name, "-");
	if (value == NULL || json_is_null(value))
		return parameter->is_required ? refuse(request, parameter->name, "it is missing")
					      : true;
	switch (parameter->target) {
	case TARGET_WORD:
		return word_add(request, parameter->name, value_text(request, value));
	case TARGET_WORDS:
		return words_add(request, parameter->name, value);
	case TARGET_ASSIGNMENTS:
		return assignments_add(request, parameter->name, value);
	case TARGET_INPUT:
		request->arguments.given |= OPTION_BIT(PASSWORD_STDIN);
		return input_set(request, parameter->name, value);
	case TARGET_PROOF:
		return true;
	case TARGET_TEXT:
		return text_set(request, parameter->name, value);
	case TARGET_BYTES:
		return bytes_set(request, parameter->name, value);
	case TARGET_UPLOAD:
	case TARGET_OPTION:
	case TARGET_FLAG:
		return option_set(request, parameter, value);
	}
	return false;
}

/* Names that stand in none of the row's parameters of that place. */
static bool strangers_refuse(struct admin_request *request, const struct route *route,
			     enum route_place place)
{
	const char *name;
	json_t *value;

	json_object_foreach(request->places[place], name, value) {
		const struct route_parameter *at = route->parameters;
		while (at->name != NULL && (at->place != place || strcmp(at->name, name) != 0))
			at++;
		if (at->name == NULL)
			return refuse(request, name, "nothing of this name is known here");
	}
	return true;
}

static const struct command *command_of(const struct route *route)
{
	for (size_t i = 0; i < ctl_commands.count; i++)
		if (strcmp(ctl_commands.rows[i].name, route->command) == 0)
			return &ctl_commands.rows[i];
	CHECK(!"a route names a command that there is");
	return NULL;
}

bool request_prints_json(const struct route *route)
{
	return (command_of(route)->options & OPTION_BIT(JSON)) != 0;
}

static bool places_read(const struct route_match *match, struct str query, struct str body,
			struct admin_request *request)
{
	json_object_set_new(request->places[PLACE_SESSION], "address", json_text(match->account));
	json_object_set_new(request->places[PLACE_SESSION], "session", json_text(match->session));
	if (!path_read(request, match) || !query_read(request, query) || !body_read(request, body))
		return false;
	return strangers_refuse(request, match->route, PLACE_QUERY) &&
	       strangers_refuse(request, match->route, PLACE_BODY);
}

bool admin_request_read(const struct route_match *match, struct str query, struct str body,
			struct admin_request *request)
{
	const struct route *route = match->route;

	*request = (struct admin_request){
		.arguments = {.command = command_of(route), .given = route->always},
		.input = BUF_INIT(REQUEST_TEXT_MAX),
		.places = {[PLACE_PATH] = json_object(), [PLACE_QUERY] = json_object(),
			   [PLACE_SESSION] = json_object()}};
	arena_init(&request->texts, TEXTS_MAX);
	if (request_prints_json(route))
		request->arguments.given |= OPTION_BIT(JSON);
	bool is_good = places_read(match, query, body, request);
	for (const struct route_parameter *at = route->parameters; at->name != NULL && is_good; at++)
		is_good = parameter_apply(at, json_object_get(request->places[at->place], at->name),
					  request);
	return is_good;
}

void admin_request_done(struct admin_request *request)
{
	for (size_t i = 0; i < REQUEST_PLACES; i++)
		json_decref(request->places[i]);
	buf_wipe(&request->input);
	arena_wipe(&request->texts);
	*request = (struct admin_request){0};
}
