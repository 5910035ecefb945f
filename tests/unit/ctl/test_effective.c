/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of `tls show`, which scripts rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/initial.h"
#include "ctl/effective.h"
#include "tls/catalog.h"

struct fixture {
	const struct suite_catalog *catalog;
	struct config *config;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	struct findings findings;

	findings_init(&findings);
	fixture.catalog = tls_catalog_new();
	config_initial_append(&text, STR("localhost"), CONFIG_PORTS_UNPRIVILEGED);
	enum fault fault = config_parse(buf_str(&text), "mailserver.cfg", fixture.catalog, &findings,
					&fixture.config);
	findings_done(&findings);
	buf_done(&text);
	*state = &fixture;
	return fault != FAULT_NONE;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	config_unref(&fixture->config);
	tls_catalog_free(&fixture->catalog);
	return 0;
}

static const char *text_of(json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	assert_non_null(text);
	return text;
}

static void expect_strings(json_t *object, const char *member, size_t at_least)
{
	json_t *list = json_object_get(object, member), *item;
	size_t i;

	assert_true(json_is_array(list));
	assert_true(json_array_size(list) >= at_least);
	json_array_foreach(list, i, item)
		assert_true(json_is_string(item));
}

static void expect_policy(json_t *object)
{
	(void)text_of(object, "name");
	(void)text_of(object, "table");
	expect_strings(object, "protocols", 1);
	expect_strings(object, "suites", 1);
	expect_strings(object, "groups", 1);
	assert_true(json_is_integer(json_object_get(object, "dhe_bits")));
	assert_true(json_is_array(json_object_get(object, "relaxed")));
	(void)text_of(object, "preference");
}

static void test_shape(void **state)
{
	struct fixture *fixture = *state;
	struct effective effective = {.config = fixture->config,
				      .catalog = fixture->catalog,
				      .certificates = {true, true}};
	json_t *document = effective_json(&effective), *object;
	size_t i;

	/* HTTP has no TLS to show. */
	assert_int_equal(json_array_size(json_object_get(document, "services")), SERVICE_COUNT - 1);
	json_array_foreach(json_object_get(document, "services"), i, object)
		expect_policy(object);
	assert_int_equal(json_array_size(json_object_get(document, "clients")), CLIENT_COUNT);
	json_array_foreach(json_object_get(document, "clients"), i, object)
		expect_policy(object);
	json_decref(document);
}

static void test_one_service(void **state)
{
	struct fixture *fixture = *state;
	struct effective effective = {.config = fixture->config,
				      .catalog = fixture->catalog,
				      .certificates = {.has_rsa = true},
				      .has_service = true,
				      .service = SERVICE_IMAPS};
	json_t *document = effective_json(&effective);
	json_t *object = json_array_get(json_object_get(document, "services"), 0), *suite;
	size_t i;

	assert_int_equal(json_array_size(json_object_get(document, "services")), 1);
	assert_int_equal(json_array_size(json_object_get(document, "clients")), 0);
	assert_string_equal(text_of(object, "name"), "IMAPS");
	assert_string_equal(text_of(object, "tls"), "implicit");
	assert_string_equal(text_of(object, "table"), "Security");
	assert_string_equal(text_of(object, "preference"), "server");
	assert_int_equal(json_integer_value(json_object_get(object, "port")), 2993);
	/* IANA names, and none that needs a certificate that is not there. */
	json_array_foreach(json_object_get(object, "suites"), i, suite) {
		assert_true(str_has_prefix(str_from_c(json_string_value(suite)), STR("TLS_")));
		assert_int_equal(str_find(str_from_c(json_string_value(suite)), STR("ECDSA")),
				 STR_NONE);
	}
	json_decref(document);
}

static void test_for_people(void **state)
{
	struct fixture *fixture = *state;
	struct effective effective = {.config = fixture->config,
				      .catalog = fixture->catalog,
				      .certificates = {true, true}};
	struct buf text = BUF_INIT(1 << 20);

	effective_append(&effective, false, &text);
	assert_true(str_find(buf_str(&text), STR("IMAPS, port 2993, implicit TLS, table Security")) !=
		    STR_NONE);
	assert_true(str_find(buf_str(&text), STR("TLS_AES_256_GCM_SHA384")) != STR_NONE);
	for (struct str rest = buf_str(&text); rest.ptr != NULL;) {
		struct str line = str_cut(&rest, '\n');
		assert_true(line.len <= 100);
		assert_true(line.len == 0 || line.ptr[line.len - 1] != ' ');
	}
	buf_done(&text);
}

/* What holds and what comes, in words and as members. */
static void test_a_floor(void **state)
{
	static const char text[] =
		"<config><table name='Security'>\n"
		"<variable name='TlsFloor'>TLSv1.2</variable>\n"
		"<variable name='TlsFloorDate'>2999-03-01</variable></table>\n"
		"<table name='SmtpSecurity'><variable name='TlsFloor'>TLSv1.2</variable>\n"
		"<variable name='TlsFloorDate'>2001-03-01</variable></table></config>";
	struct fixture *fixture = *state;
	struct effective effective = {.catalog = fixture->catalog, .certificates = {true, true}};
	struct buf words = BUF_INIT(1 << 20);
	struct config *config = NULL;
	struct findings findings;

	findings_init(&findings);
	assert_int_equal(config_parse(str_from_c(text), "mailserver.cfg", fixture->catalog,
				      &findings, &config),
			 FAULT_NONE);
	effective.config = config;
	json_t *document = effective_json(&effective);
	json_t *services = json_object_get(document, "services");
	json_t *smtp = json_object_get(json_array_get(services, SERVICE_SMTP), "floor");
	json_t *imaps = json_object_get(json_array_get(services, SERVICE_IMAPS), "floor");
	assert_string_equal(text_of(smtp, "mode"), "reply");
	assert_string_equal(text_of(smtp, "mode_written"), "observe");
	assert_true(json_is_null(json_object_get(smtp, "mode_later")));
	assert_string_equal(text_of(imaps, "protocol"), "TLSv1.2");
	assert_string_equal(text_of(imaps, "mode"), "observe");
	assert_string_equal(text_of(imaps, "date"), "2999-03-01");
	assert_string_equal(text_of(imaps, "mode_later"), "handshake");
	assert_string_equal(text_of(imaps, "by"), "Security/TlsFloor");
	assert_int_equal(json_integer_value(json_object_get(imaps, "line")), 2);
	effective_append(&effective, true, &words);
	assert_true(str_find(buf_str(&words),
			     STR("  floor       TLSv1.2: observe until 2999-03-01 00:00, then "
				 "handshake; by Security/TlsFloor\n")) != STR_NONE);
	assert_true(str_find(buf_str(&words),
			     STR("  floor       TLSv1.2: reply since 2001-03-01 00:00, before that "
				 "observe; by SmtpSecurity/TlsFloor\n")) != STR_NONE);
	json_decref(document);
	buf_done(&words);
	config_unref(&config);
	findings_done(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_one_service),
		cmocka_unit_test(test_for_people),
		cmocka_unit_test(test_a_floor),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
