/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/openapi.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/route.h"
#include "admin/schemas.h"

/* ---- parameters ---- */

static json_t *schema_ref(const char *name)
{
	char ref[128];

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", name);
	return json_pack("{s:s}", "$ref", ref);
}

/* In paths and queries everything is text; in bodies a number may be one. */
static json_t *parameter_schema(const struct route_parameter *parameter)
{
	bool is_body = parameter->place == PLACE_BODY;

	switch (parameter->target) {
	case TARGET_FLAG:
		return json_pack("{s:s}", "type", "boolean");
	case TARGET_WORDS:
		return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
	case TARGET_ASSIGNMENTS:
		return json_pack("{s:s, s:{s:[s, s, s]}}", "type", "object", "additionalProperties",
				 "type", "string", "integer", "null");
	case TARGET_INPUT:
	case TARGET_PROOF:
		return json_pack("{s:s, s:s}", "type", "string", "format", "password");
	case TARGET_BYTES:
		return json_pack("{s:s, s:s}", "type", "string", "contentEncoding", "base64");
	case TARGET_WORD:
	case TARGET_OPTION:
	case TARGET_UPLOAD:
	case TARGET_TEXT:
		break;
	}
	return is_body ? json_pack("{s:[s, s]}", "type", "string", "integer")
		       : json_pack("{s:s}", "type", "string");
}

static json_t *parameter_described(const struct route_parameter *parameter, json_t *schema)
{
	if (parameter->about[0] != '\0')
		json_object_set_new(schema, "description", json_string(parameter->about));
	return schema;
}

static json_t *parameter_json(const struct route_parameter *parameter)
{
	return json_pack("{s:s, s:s, s:b, s:o}", "name", parameter->name, "in",
			 parameter->place == PLACE_PATH ? "path" : "query", "required",
			 (int)(parameter->is_required || parameter->place == PLACE_PATH), "schema",
			 parameter_described(parameter, parameter_schema(parameter)));
}

static json_t *body_json(json_t *properties, json_t *required)
{
	json_t *schema = json_pack("{s:s, s:O, s:b}", "type", "object", "properties", properties,
				   "additionalProperties", 0);
	bool is_required = json_array_size(required) > 0;

	if (is_required)
		json_object_set(schema, "required", required);
	return json_pack("{s:b, s:{s:{s:o}}}", "required", (int)is_required, "content",
			 "application/json", "schema", schema);
}

static json_t *upload_json(void)
{
	return json_pack("{s:b, s:{s:{s:{s:s, s:s}}, s:{s:{s:s, s:s}}}}", "required", 1, "content",
			 "application/mbox", "schema", "type", "string", "format", "binary",
			 "message/rfc822", "schema", "type", "string", "format", "binary");
}

static void parameters_add(const struct route *route, json_t *operation)
{
	json_t *parameters = json_array(), *properties = json_object(), *required = json_array();

	for (const struct route_parameter *at = route->parameters; at->name != NULL; at++) {
		if (at->place == PLACE_SESSION)
			continue;
		if (at->target == TARGET_UPLOAD) {
			json_object_set_new(operation, "requestBody", upload_json());
			continue;
		}
		if (at->place != PLACE_BODY) {
			json_array_append_new(parameters, parameter_json(at));
			continue;
		}
		json_object_set_new(properties, at->name,
				    parameter_described(at, parameter_schema(at)));
		if (at->is_required)
			json_array_append_new(required, json_string(at->name));
	}
	if (json_array_size(parameters) > 0)
		json_object_set(operation, "parameters", parameters);
	if (json_object_size(properties) > 0)
		json_object_set_new(operation, "requestBody", body_json(properties, required));
	json_decref(parameters);
	json_decref(properties);
	json_decref(required);
}

/* ---- operations ---- */

static json_t *content_json(const struct route *route)
{
	json_t *content = json_object();

	if (!route->is_stream)
		json_object_set_new(content, "application/json",
				    json_pack("{s:o}", "schema", schema_ref(route->answer)));
	if (route->is_stream || route->may_be_followed)
		json_object_set_new(content, "text/event-stream",
				    json_pack("{s:{s:s}}", "schema", "type", "string"));
	return content;
}

static json_t *operation_json(const struct route *route)
{
	static const char *const roles[] = {"nobody need be logged in", "administrators and auditors",
					    "administrators",
					    "administrators and auditors, for themselves"};
	json_t *operation = json_pack(
		"{s:s, s:s, s:{s:{s:s, s:o}, s:{s:s, s:{s:{s:o}}}}}", "summary", route->about,
		"x-who", roles[route->access], "responses", "200", "description", "done", "content",
		content_json(route), "default", "description", "not done", "content",
		"application/json", "schema", schema_ref("Error"));

	CHECK(operation != NULL);
	parameters_add(route, operation);
	if (route->command != NULL)
		json_object_set_new(operation, "x-command", json_string(route->command));
	if (route->access == ACCESS_ALL)
		json_object_set_new(operation, "security", json_array());
	else if (strcmp(route->method, "GET") != 0)
		json_object_set_new(operation, "security",
				    json_pack("[{s:[], s:[]}]", "session", "csrf"));
	return operation;
}

static json_t *paths_json(void)
{
	json_t *paths = json_object();

	for (size_t i = 0; i < admin_route_count; i++) {
		const struct route *route = &admin_routes[i];
		json_t *path = json_object_get(paths, route->path);
		char method[16] = "";
		for (size_t at = 0; route->method[at] != '\0' && at < sizeof(method) - 1; at++)
			method[at] = ascii_lower(route->method[at]);
		if (path == NULL) {
			path = json_object();
			json_object_set_new(paths, route->path, path);
		}
		json_object_set_new(path, method, operation_json(route));
	}
	return paths;
}

void openapi_append(struct buf *to)
{
	json_t *schemas = json_loadb((const char *)admin_schemas, admin_schemas_len, 0, NULL);
	json_t *document = json_pack(
		"{s:s, s:{s:s, s:s}, s:[{s:s}], s:[{s:[]}], s:o, s:{s:o, s:{s:{s:s, s:s, s:s}, "
		"s:{s:s, s:s, s:s}}}}",
		"openapi", "3.1.0", "info", "title", "Postern", "version", POSTERN_VERSION, "servers",
		"url", ROUTE_PREFIX, "security", "session", "paths", paths_json(), "components",
		"schemas", schemas, "securitySchemes", "session", "type", "apiKey", "in", "cookie",
		"name", "__Host-postern", "csrf", "type", "apiKey", "in", "header", "name",
		"X-Postern-Csrf");

	CHECK(document != NULL);
	char *text = json_dumps(document, JSON_INDENT(1));
	CHECK(text != NULL);
	buf_append_c(to, text);
	buf_append_char(to, '\n');
	free(text);
	json_decref(document);
}
