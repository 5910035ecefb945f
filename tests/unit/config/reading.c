/* SPDX-License-Identifier: Apache-2.0 */
#include "reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

void reading_make(struct reading *reading, const struct suite_catalog *catalog, struct str text)
{
	reading->config = NULL;
	findings_init(&reading->findings);
	buf_init(&reading->text, 1 << 20);
	reading->fault = config_parse(text, "m.cfg", catalog, &reading->findings, &reading->config);
	assert_int_equal(reading->config != NULL, reading->fault == FAULT_NONE);
	for (size_t i = 0; i < reading->findings.count; i++)
		finding_append(&reading->text, STR("m.cfg"), &reading->findings.items[i]);
}

void reading_done(struct reading *reading)
{
	config_unref(&reading->config);
	findings_done(&reading->findings);
	buf_done(&reading->text);
}

void reading_expect(const struct reading *reading, const char *what, const char *parts)
{
	for (struct str rest = str_from_c(parts); rest.ptr != NULL;) {
		struct str part = str_cut(&rest, '|');
		bool wanted = str_is_empty(part) || part.ptr[0] != '^';
		struct str sought = wanted ? part : str_from(part, 1);
		if ((str_find(buf_str(&reading->text), sought) != STR_NONE) != wanted)
			fail_msg("%s: expected%s \"%.*s\" in:\n%.*s", what, wanted ? "" : " no",
				 STR_ARG(sought), STR_ARG(buf_str(&reading->text)));
	}
}
