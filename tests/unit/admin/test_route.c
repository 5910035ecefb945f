/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/route.h and its table. */
#include "admin/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ctl/ctl.h"

/* Commands without a route, each with its reason. */
static const struct {
	const char *command;
	const char *reason;
} exceptions[] = {
	{"init", "it makes the home in which a server can run"},
	{"serve", "it is the server"},
	{"stop", "who ends the server from its page could not start it again"},
	{"print man", "for our own build"},
	{"print bash", "for our own build"},
	{"print openapi", "for our own build; GET /openapi.json is the same"},
};

static bool is_exception(const char *command)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (strcmp(exceptions[i].command, command) == 0)
			return true;
	return false;
}

static bool has_route(const char *command)
{
	for (size_t i = 0; i < admin_route_count; i++)
		if (admin_routes[i].command != NULL &&
		    strcmp(admin_routes[i].command, command) == 0)
			return true;
	return false;
}

/* Nothing can be done on only one of page and command line. */
static void test_every_command_has_a_route(void **state)
{
	for (size_t i = 0; i < ctl_commands.count; i++) {
		const char *name = ctl_commands.rows[i].name;
		if (has_route(name) == is_exception(name))
			fail_msg("%s: a row in src/admin/routes.c or a reason here, and not both", name);
	}
}

static const struct command *command_of(const struct route *route)
{
	for (size_t i = 0; i < ctl_commands.count; i++)
		if (strcmp(ctl_commands.rows[i].name, route->command) == 0)
			return &ctl_commands.rows[i];
	fail_msg("%s %s names no command: %s", route->method, route->path, route->command);
	return NULL;
}

static void parameter_check(const struct route *route, const struct command *command,
			    const struct route_parameter *parameter)
{
	bool is_option = parameter->target == TARGET_OPTION || parameter->target == TARGET_FLAG;
	char piece[100];

	if (is_option && (command->options & (UINT64_C(1) << parameter->option)) == 0)
		fail_msg("%s %s: %s does not take --%s", route->method, route->path, command->name,
			 option_row(parameter->option)->name);
	if (is_option)
		assert_int_equal(option_row(parameter->option)->value == NULL,
				 parameter->target == TARGET_FLAG);
	if (parameter->target == TARGET_INPUT)
		assert_true((command->options & OPTION_BIT(PASSWORD_STDIN)) != 0);
	snprintf(piece, sizeof(piece), "{%s}", parameter->name);
	assert_int_equal(str_find(str_from_c(route->path), str_from_c(piece)) != STR_NONE,
			 parameter->place == PLACE_PATH);
}

static void test_rows_fit_their_commands(void **state)
{
	for (size_t i = 0; i < admin_route_count; i++) {
		const struct route *route = &admin_routes[i];
		size_t words = 0;
		if (route->command == NULL)
			continue;
		const struct command *command = command_of(route);
		assert_int_equal(route->always & ~command->options, 0);
		for (const struct route_parameter *at = route->parameters; at->name != NULL; at++) {
			parameter_check(route, command, at);
			words += at->is_required &&
				 (at->target == TARGET_WORD || at->target == TARGET_WORDS ||
				  at->target == TARGET_UPLOAD || at->target == TARGET_ASSIGNMENTS);
		}
		if (words < command->arguments_min)
			fail_msg("%s %s: %s needs more words", route->method, route->path,
				 command->name);
	}
}

/* Only what changes nothing, or what is their own, is open to auditors. */
static void test_changes_are_for_administrators(void **state)
{
	static const char *const harmless[] = {"/session", "/tls/plan"};

	for (size_t i = 0; i < admin_route_count; i++) {
		const struct route *route = &admin_routes[i];
		bool is_harmless = strcmp(route->method, "GET") == 0;
		for (size_t j = 0; j < sizeof(harmless) / sizeof(harmless[0]); j++)
			is_harmless = is_harmless || strcmp(route->path, harmless[j]) == 0;
		bool is_own = !is_harmless && strncmp(route->path, "/account/", 9) == 0;
		enum route_access wanted = is_own ? ACCESS_OWN : ACCESS_CHANGE;
		if (is_harmless ? route->access > ACCESS_READ : route->access != wanted)
			fail_msg("%s %s: who may?", route->method, route->path);
	}
}

static bool is_of_session(const struct route_parameter *parameter)
{
	return parameter->place == PLACE_SESSION && strcmp(parameter->name, "address") == 0;
}

/* Whose account is changed comes from the session and from nowhere else. */
static void test_own_changes_name_nobody(void **state)
{
	for (size_t i = 0; i < admin_route_count; i++) {
		const struct route *route = &admin_routes[i];
		if (route->access != ACCESS_OWN)
			continue;
		assert_true(is_of_session(&route->parameters[0]));
		for (const struct route_parameter *at = route->parameters; at->name != NULL; at++)
			assert_int_equal(strcmp(at->name, "address") == 0, is_of_session(at));
	}
}

static void find(const char *method, const char *path, struct route_match *match)
{
	route_find(str_from_c(method), str_from_c(path), match);
}

static void test_paths(void **state)
{
	struct route_match match;

	find("GET", "/api/v1/status", &match);
	assert_string_equal(match.route->command, "status");
	find("DELETE", "/api/v1/users/anna%40example.org", &match);
	assert_string_equal(match.route->command, "user remove");
	assert_int_equal(match.piece_count, 1);
	assert_true(str_equals(match.pieces[0], STR("anna%40example.org")));
	find("POST", "/api/v1/queue/retry", &match);
	assert_string_equal(match.route->command, "queue retry");
	find("GET", "/api/v1/queue/65ee8b47-00000009", &match);
	assert_string_equal(match.route->command, "queue show");
}

static void test_paths_that_are_none(void **state)
{
	static const char *const paths[] = {
		"/api/v1",	    "/api/v1/",		"/api/v1//status", "/api/v1/status/",
		"/api/v1/users/",   "/api/v2/status",	"/status",	   "/api/v1/../status",
		"/api/v1/logs/a/b", "/api/v1/STATUS",	"/api/v1/status%2f", "",
	};
	struct route_match match;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		find("GET", paths[i], &match);
		if (match.route != NULL || match.is_other_method)
			fail_msg("%s was found", paths[i]);
	}
	find("PUT", "/api/v1/status", &match);
	assert_true(match.route == NULL && match.is_other_method);
	find("get", "/api/v1/status", &match);
	assert_true(match.route == NULL && match.is_other_method);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_command_has_a_route),
		cmocka_unit_test(test_rows_fit_their_commands),
		cmocka_unit_test(test_changes_are_for_administrators),
		cmocka_unit_test(test_own_changes_name_nobody),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
