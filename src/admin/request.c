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

static int bad_request(const char *field, const char *text)
{
	return ctl_fail_field(FAULT_INVALID, field, "%s", text);
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

static int path_read(const struct route_match *match, json_t *object)
{
	size_t piece = 0;

	for (const struct route_parameter *at = match->route->parameters; at->name != NULL; at++) {
		if (at->place != PLACE_PATH)
			continue;
		CHECK(piece < match->piece_count);
		json_t *value = text_json(match->pieces[piece++], false);
		if (value == NULL)
			return bad_request(at->name, "it is not well formed in the path");
		json_object_set_new(object, at->name, value);
	}
	return CTL_DONE;
}

static int query_read(struct str query, json_t *object)
{
	for (struct str rest = query; rest.len > 0;) {
		struct str value = str_cut(&rest, '&');
		char name[64];
		if (!str_copy_c(str_cut(&value, '='), name, sizeof(name)) || name[0] == '\0')
			return bad_request(NULL, "the query is not well formed");
		if (json_object_get(object, name) != NULL)
			return bad_request(name, "it stands twice in the query");
		json_t *json = text_json(value, true);
		if (json == NULL)
			return bad_request(name, "it is not well formed in the query");
		json_object_set_new(object, name, json);
	}
	return CTL_DONE;
}

static int body_read(struct str body, json_t **object_out)
{
	json_error_t error;

	if (str_is_empty(body)) {
		*object_out = json_object();
		return CTL_DONE;
	}
	*object_out = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
	if (*object_out == NULL)
		return ctl_fail_field(FAULT_INVALID, NULL, "the body is no JSON: %s", error.text);
	if (!json_is_object(*object_out))
		return bad_request(NULL, "the body has to be a JSON object");
	return CTL_DONE;
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

static int word_add(struct admin_request *request, const char *field, const char *word)
{
	struct arguments *arguments = &request->arguments;

	if (word == NULL)
		return bad_request(field, "a text is wanted here");
	if (arguments->word_count == ARGUMENTS_MAX)
		return bad_request(field, "too many at once");
	arguments->words[arguments->word_count++] = word;
	return CTL_DONE;
}

static int words_add(struct admin_request *request, const char *field, const json_t *list)
{
	const json_t *item;
	size_t i;
	int code = CTL_DONE;

	if (!json_is_array(list))
		return bad_request(field, "a list of texts is wanted here");
	json_array_foreach(list, i, item)
		if (code == CTL_DONE)
			code = word_add(request, field, value_text(request, item));
	return code;
}

static int assignment_add(struct admin_request *request, const char *name, const json_t *value)
{
	const char *text = json_is_null(value) ? "" : value_text(request, value);
	struct buf word = BUF_INIT(REQUEST_TEXT_MAX);

	if (text == NULL)
		return bad_request(name, "a text is wanted here");
	buf_printf(&word, "%s=%s", name, text);
	struct str kept = arena_dup(&request->texts, buf_str(&word));
	int code = word.failed || kept.ptr == NULL ? bad_request(name, "it is too long")
						   : word_add(request, name, kept.ptr);
	buf_done(&word);
	return code;
}

static int assignments_add(struct admin_request *request, const char *field, json_t *object)
{
	const char *name;
	json_t *value;
	int code = CTL_DONE;

	if (!json_is_object(object))
		return bad_request(field, "an object of names and values is wanted here");
	json_object_foreach(object, name, value)
		if (code == CTL_DONE)
			code = assignment_add(request, name, value);
	return code;
}

static int option_set(struct admin_request *request, const struct route_parameter *parameter,
		      const json_t *value)
{
	struct arguments *arguments = &request->arguments;

	if (parameter->target == TARGET_FLAG) {
		bool is_given = json_is_true(value) ||
				(json_is_string(value) && strcmp(json_string_value(value), "1") == 0);
		if (!is_given && !json_is_false(value))
			return bad_request(parameter->name, "true or false is wanted here");
		if (is_given)
			arguments->given |= 1u << parameter->option;
		return CTL_DONE;
	}
	arguments->values[parameter->option] = value_text(request, value);
	if (arguments->values[parameter->option] == NULL)
		return bad_request(parameter->name, "a text is wanted here");
	arguments->given |= 1u << parameter->option;
	return CTL_DONE;
}

/* The first line of the input: a line end would hide what follows. */
static int input_set(const char *field, const json_t *value, struct buf *input)
{
	struct str text = str_make(json_string_value(value), json_string_length(value));

	if (!json_is_string(value) || str_find_char(text, '\n') != STR_NONE)
		return bad_request(field, "a text of one line is wanted here");
	buf_append_str(input, text);
	buf_append_char(input, '\n');
	return CTL_DONE;
}

static int parameter_apply(const struct route_parameter *parameter, json_t *value,
			   struct admin_request *request)
{
	struct buf *input = &request->input;

	if (value == NULL || json_is_null(value))
		return parameter->is_required ? bad_request(parameter->name, "it is missing")
					      : CTL_DONE;
	switch (parameter->target) {
	case TARGET_WORD:
		return word_add(request, parameter->name, value_text(request, value));
	case TARGET_WORDS:
		return words_add(request, parameter->name, value);
	case TARGET_ASSIGNMENTS:
		return assignments_add(request, parameter->name, value);
	case TARGET_INPUT:
		request->arguments.given |= OPTION_BIT(PASSWORD_STDIN);
		return input_set(parameter->name, value, input);
	case TARGET_TEXT:
		if (!json_is_string(value))
			return bad_request(parameter->name, "a text is wanted here");
		buf_append_str(input,
			       str_make(json_string_value(value), json_string_length(value)));
		return CTL_DONE;
	case TARGET_OPTION:
	case TARGET_FLAG:
		return option_set(request, parameter, value);
	}
	return CTL_USAGE;
}

/* Names that stand in none of the row's parameters of that place. */
static int strangers_refuse(const struct route *route, enum route_place place, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		const struct route_parameter *at = route->parameters;
		while (at->name != NULL && (at->place != place || strcmp(at->name, name) != 0))
			at++;
		if (at->name == NULL)
			return bad_request(name, "nothing of this name is known here");
	}
	return CTL_DONE;
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

static int places_read(const struct route_match *match, struct str query, struct str body,
		       struct admin_request *request)
{
	json_t **places = request->places;
	int code = path_read(match, places[PLACE_PATH]);

	if (code == CTL_DONE)
		code = query_read(query, places[PLACE_QUERY]);
	if (code == CTL_DONE)
		code = body_read(body, &places[PLACE_BODY]);
	for (enum route_place place = PLACE_QUERY; place <= PLACE_BODY && code == CTL_DONE; place++)
		code = strangers_refuse(match->route, place, places[place]);
	return code;
}

int admin_request_read(const struct route_match *match, struct str query, struct str body,
		       struct admin_request *request)
{
	const struct route *route = match->route;

	*request = (struct admin_request){
		.arguments = {.command = command_of(route), .given = route->always},
		.input = BUF_INIT(REQUEST_TEXT_MAX),
		.places = {[PLACE_PATH] = json_object(), [PLACE_QUERY] = json_object()}};
	arena_init(&request->texts, TEXTS_MAX);
	if (request_prints_json(route))
		request->arguments.given |= OPTION_BIT(JSON);
	int code = places_read(match, query, body, request);
	for (const struct route_parameter *at = route->parameters;
	     at->name != NULL && code == CTL_DONE; at++)
		code = parameter_apply(at, json_object_get(request->places[at->place], at->name),
				       request);
	return code;
}

void admin_request_done(struct admin_request *request)
{
	for (size_t i = 0; i < REQUEST_PLACES; i++)
		json_decref(request->places[i]);
	buf_wipe(&request->input);
	arena_wipe(&request->texts);
	*request = (struct admin_request){0};
}
