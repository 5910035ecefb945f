/* SPDX-License-Identifier: Apache-2.0 */
/* The manual holds: its complete mailserver.cfg is complete and clean, its tables say what the rows
 * say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/file.h"
#include "config/document.h"
#include "config/schema.h"
#include "policy/settings.h"
#include "reading.h"
#include "tls/catalog.h"

static void manual_read(const char *name, struct buf *to)
{
	char *path = path_join(MANUAL_FOLDER, name);

	assert_int_equal(file_read(path, to), FAULT_NONE);
	free(path);
}

static void test_the_complete_file_is_clean(void **state)
{
	const struct suite_catalog *catalog = tls_catalog_new();
	struct buf text = BUF_INIT(1 << 20);
	struct reading reading;

	manual_read("complete.cfg", &text);
	reading_make(&reading, catalog, buf_str(&text));
	reading_expect(&reading, "complete.cfg", "^error|^warning|^note");
	for (int i = 0; i < SERVICE_COUNT; i++)
		assert_int_equal(reading.config->services[i].policy.min,
				 i == SERVICE_HTTPS ? TLS_PROTOCOL_1_3 : TLS_PROTOCOL_1_2);
	reading_done(&reading);
	buf_done(&text);
	tls_catalog_free(&catalog);
}

static void variable_expect(const struct element *container, const char *name)
{
	if (container == NULL ||
	    element_child(container, ELEMENT_VARIABLE, str_from_c(name)) == NULL)
		fail_msg("complete.cfg has no %s", name);
}

/* Where every variable of a table stands: in the table, or in an item of the list. */
static const struct element *container_of(const struct document *document, struct str table)
{
	const struct element *list = document_find(document, ELEMENT_LIST, table);

	if (list == NULL)
		return document_find(document, ELEMENT_TABLE, table);
	return str_equals(table, STR("Service")) ? list_item(list, STR("Submission")) : list->first;
}

static void test_the_complete_file_is_complete(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	struct findings findings;
	struct document document;

	manual_read("complete.cfg", &text);
	findings_init(&findings);
	assert_true(document_parse(&document, buf_str(&text), &findings));
	for (int i = 0; i < TLS_VARIABLE_COUNT; i++) {
		const char *name = tls_variable_row((enum tls_variable)i)->name;
		variable_expect(document_find(&document, ELEMENT_TABLE, STR("Security")), name);
		variable_expect(document_find(&document, ELEMENT_TABLE, STR("SmtpSecurity")), name);
	}
	struct element *list = document_find(&document, ELEMENT_LIST, STR("Service"));
	assert_non_null(list);
	for (size_t i = 0; i < schema_count(); i++) {
		struct str table = str_from_c(schema_at(i)->table);
		variable_expect(container_of(&document, table), schema_at(i)->name);
	}
	for (int i = 0; i < SERVICE_COUNT; i++)
		assert_non_null(list_item(list, str_from_c(service_name((enum service_id)i))));
	document_done(&document);
	findings_done(&findings);
	buf_done(&text);
}

static void test_the_manual_says_what_the_rows_say(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	struct buf row = BUF_INIT(4096);

	manual_read("mailserver-cfg.md", &text);
	for (size_t i = 0; i < schema_count(); i++) {
		const struct schema_row *schema = schema_at(i);
		const char *standard = schema->standard == NULL	     ? "by service"
				       : schema->standard[0] == '\0' ? "(empty)"
								     : schema->standard;
		buf_reset(&row);
		buf_printf(&row, "| `%s` | %s%s%s | %s |\n", schema->name, standard,
			   schema->unit[0] == '\0' ? "" : " ", schema->unit, schema->text);
		if (str_find(buf_str(&text), buf_str(&row)) == STR_NONE)
			fail_msg("mailserver-cfg.md lacks: %.*s", STR_ARG(buf_str(&row)));
	}
	buf_done(&row);
	buf_done(&text);
}

/* Those that are Postern's own; the vendor's are explained at length elsewhere. */
static void test_the_manual_says_what_the_floor_rows_say(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	struct buf row = BUF_INIT(4096);

	manual_read("mailserver-cfg.md", &text);
	for (int i = TLS_FLOOR; i < TLS_VARIABLE_COUNT; i++) {
		const struct tls_variable_row *variable = tls_variable_row((enum tls_variable)i);
		buf_reset(&row);
		buf_printf(&row, "| `%s` | %s | %s |\n", variable->name,
			   variable->standard[0] == '\0' ? "(empty)" : variable->standard,
			   variable->text);
		if (str_find(buf_str(&text), buf_str(&row)) == STR_NONE)
			fail_msg("mailserver-cfg.md lacks: %.*s", STR_ARG(buf_str(&row)));
	}
	buf_done(&row);
	buf_done(&text);
}

static void test_the_manual_names_every_tls_variable(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	struct buf row = BUF_INIT(256);

	manual_read("kerio-variables.md", &text);
	for (int i = 0; i < TLS_VARIABLE_COUNT; i++) {
		buf_reset(&row);
		buf_printf(&row, "\n| `%s` | ", tls_variable_row((enum tls_variable)i)->name);
		assert_true(str_find(buf_str(&text), buf_str(&row)) != STR_NONE);
	}
	buf_done(&row);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_complete_file_is_clean),
		cmocka_unit_test(test_the_complete_file_is_complete),
		cmocka_unit_test(test_the_manual_says_what_the_rows_say),
		cmocka_unit_test(test_the_manual_says_what_the_floor_rows_say),
		cmocka_unit_test(test_the_manual_names_every_tls_variable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
