/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/certificate_json.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "config/file.h"
#include "tls/catalog.h"
#include "tls/certificate_facts.h"

enum { DAY_S = 24 * 3600, TEXT_MAX = 64 * 1024 };

static json_t *hex_json(const unsigned char *bytes, size_t len)
{
	struct buf text = BUF_INIT(len * 2);

	hex_encode(&text, str_make(bytes, len));
	json_t *value = json_text(buf_str(&text));
	buf_done(&text);
	return value;
}

json_t *certificate_date_json(int64_t real_s)
{
	struct buf text = BUF_INIT(64);

	clock_append_iso_date(&text, real_s);
	json_t *value = json_text(buf_str(&text));
	buf_done(&text);
	return value;
}

static json_t *names_json(const struct tls_certificate *certificate)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tls_certificate_name_count(certificate); i++)
		json_array_append_new(list, json_text(tls_certificate_name(certificate, i)));
	return list;
}

static json_t *appended_json(const struct tls_certificate *certificate,
			     void (*append)(const struct tls_certificate *, struct buf *))
{
	struct buf text = BUF_INIT(TEXT_MAX);

	append(certificate, &text);
	json_t *value = json_text(buf_str(&text));
	buf_done(&text);
	return value;
}

static json_t *responder_json(const struct tls_certificate *certificate)
{
	struct buf url = BUF_INIT(TEXT_MAX);
	json_t *value = tls_certificate_append_responder(certificate, &url)
				? json_text(buf_str(&url))
				: json_null();

	buf_done(&url);
	return value;
}

static const char *scts_word(const struct tls_certificate *certificate, bool is_public)
{
	if (tls_certificate_has_scts(certificate))
		return "present";
	return is_public ? "missing" : "not needed";
}

json_t *certificate_json(const struct tls_certificate *certificate, bool is_public, int64_t now_s)
{
	int64_t until = tls_certificate_not_after(certificate);
	return json_pack(
		"{s:o, s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:I, s:b, s:s, s:o, s:b}", "names",
		names_json(certificate), "subject",
		appended_json(certificate, tls_certificate_append_subject), "issuer",
		appended_json(certificate, tls_certificate_append_issuer), "kind",
		tls_key_kind_name(tls_certificate_kind(certificate)), "bits",
		tls_certificate_bits(certificate), "key_id",
		hex_json(tls_certificate_key_id(certificate), TLS_KEY_ID_BYTES), "sha256",
		hex_json(tls_certificate_digest(certificate), TLS_KEY_ID_BYTES), "not_before",
		certificate_date_json(tls_certificate_not_before(certificate)), "not_after",
		certificate_date_json(until), "days_left", (json_int_t)((until - now_s) / DAY_S),
		"is_public", (int)is_public,
		"scts", scts_word(certificate, is_public), "ocsp_responder",
		responder_json(certificate), "must_staple",
		(int)tls_certificate_must_staple(certificate));
}

json_t *certificate_findings_json(const struct findings *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "severity",
						      finding_severity_name(finding->severity),
						      "file", json_text(finding->place.table),
						      "text", json_text(finding->text)));
	}
	return list;
}

json_t *certificate_key_id_json(const unsigned char id[TLS_KEY_ID_BYTES])
{
	return hex_json(id, TLS_KEY_ID_BYTES);
}

json_t *certificate_digest_json(const struct tls_certificate *certificate)
{
	return hex_json(tls_certificate_digest(certificate), TLS_KEY_ID_BYTES);
}

json_t *certificate_chain_json(const struct tls_certificate *certificate)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tls_certificate_link_count(certificate); i++) {
		struct buf subject = BUF_INIT(TEXT_MAX), issuer = BUF_INIT(TEXT_MAX);
		int64_t until = tls_certificate_append_link(certificate, i, &subject, &issuer);
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "subject",
						      json_text(buf_str(&subject)), "issuer",
						      json_text(buf_str(&issuer)), "not_after",
						      certificate_date_json(until)));
		buf_done(&subject);
		buf_done(&issuer);
	}
	return list;
}

json_t *certificate_services_json(const struct ctl *ctl)
{
	const struct suite_catalog *catalog = tls_catalog_new();
	char *path = ctl_path(ctl, "mailserver.cfg");
	struct config *config = NULL;
	struct findings findings;
	json_t *list = json_array();

	findings_init(&findings);
	(void)!config_file_load(path, catalog, &findings, &config);
	for (int i = 0; config != NULL && i < SERVICE_COUNT; i++)
		if (config->services[i].enabled && config->services[i].tls != SERVICE_TLS_NONE)
			json_array_append_new(list, json_string(service_name(
							    (enum service_id)i)));
	config_unref(&config);
	findings_done(&findings);
	tls_catalog_free(&catalog);
	free(path);
	return list;
}
