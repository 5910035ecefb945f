/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes mailserver.cfg and its cipher strings.
 *
 * An input that begins with `=` is a cipher string: what is made of it must
 * hold no anonymous suite. Any other is a file: parsed, and when it is a
 * document, one variable is set, read back and deleted again.
 */
#include <stdlib.h>

#include "config/config.h"
#include "config/rewrite.h"
#include "policy/cipher_list.h"
#include "tls/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct suite_catalog *catalog_get(void)
{
	static const struct suite_catalog *catalog;

	if (catalog == NULL)
		catalog = tls_catalog_new();
	return catalog;
}

static void cipher_string_try(struct str text)
{
	const struct suite_catalog *catalog = catalog_get();
	struct arena arena;
	struct findings findings;
	struct cipher_list list;
	uint16_t ids[SUITE_CATALOG_MAX];
	size_t count;

	arena_init(&arena, 1 << 20);
	findings_init(&findings);
	(void)cipher_list_parse(text, catalog, (struct finding_place){.line = 1}, &arena, &findings,
				&list);
	for (size_t i = 0; i < list.suite13_count; i++)
		CHECK(suite_catalog_by_id(catalog, list.suites13[i]) != NULL);
	cipher_list_expand(&list, (struct cipher_limits){.without_dhe = true}, catalog, &arena, ids,
			   &count);
	for (size_t i = 0; i < count; i++) {
		const struct suite *suite = suite_catalog_by_id(catalog, ids[i]);
		CHECK(suite != NULL && suite->auth != SUITE_AUTH_NONE && suite->strength_bits > 0);
		CHECK(suite->kx != SUITE_KX_DHE);
	}
	findings_done(&findings);
	arena_rewind(&arena);
}

static void rewrite_try(struct str text, struct findings *findings, const char *table,
			const char *item)
{
	struct config_address address = {.table = str_from_c(table),
					 .item = str_from_c(item),
					 .variable = STR("FuzzedName")};
	struct buf set = BUF_INIT(8 << 20), got = BUF_INIT(8 << 20), deleted = BUF_INIT(8 << 20);

	if (config_set_variable(text, &address, STR("a<b"), findings, &set) == FAULT_NONE) {
		CHECK(config_get_variable(buf_str(&set), &address, findings, &got) == FAULT_NONE);
		CHECK(str_equals(buf_str(&got), STR("a<b")));
		CHECK(config_delete_variable(buf_str(&set), &address, findings, &deleted) ==
		      FAULT_NONE);
	}
	buf_done(&set);
	buf_done(&got);
	buf_done(&deleted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make(data, size);
	struct findings findings;
	struct config *config = NULL;

	if (size > 0 && data[0] == '=') {
		cipher_string_try(str_from(text, 1));
		return 0;
	}
	findings_init(&findings);
	enum fault fault = config_parse(text, "fuzzed", catalog_get(), &findings, &config);
	CHECK((fault == FAULT_NONE) == !findings_has_errors(&findings));
	for (int i = 0; fault == FAULT_NONE && i < SERVICE_COUNT; i++) {
		const struct tls_policy *policy = &config->services[i].policy;
		CHECK(policy->protocols != 0 && policy->min <= policy->max && policy->text.len > 0);
		CHECK((policy->suite13_count > 0) == (policy->max == TLS_PROTOCOL_1_3));
	}
	config_unref(&config);
	rewrite_try(text, &findings, "Security", "");
	rewrite_try(text, &findings, "Service", "IMAP");
	findings_done(&findings);
	return 0;
}
