/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/dns_files.h"

#include <stdlib.h>

#include "base/file.h"

enum { RESOLV_CONF_MAX = 64 * 1024 };

/* Those of the packages unbound-anchor, which keeps its file up to date, and dns-root-data. */
static const char *const anchor_paths[] = {"/var/lib/unbound/root.key", "/usr/share/dns/root.key"};

void dns_files_init(struct dns_files *files)
{
	files->servers = BUF_INIT(DNS_FILES_SERVERS_MAX);
	files->anchors = BUF_INIT(DNS_FILES_ANCHORS_MAX);
}

void dns_files_done(struct dns_files *files)
{
	buf_done(&files->servers);
	buf_done(&files->anchors);
}

bool dns_files_equal(const struct dns_files *a, const struct dns_files *b)
{
	return str_equals(buf_str(&a->servers), buf_str(&b->servers)) &&
	       str_equals(buf_str(&a->anchors), buf_str(&b->anchors));
}

/* "nameserver ADDRESS" (resolv.conf(5)); others are passed over. */
static void resolv_line_read(struct str line, struct buf *servers)
{
	struct str rest = str_trim(line);
	struct network network;

	if (!str_has_prefix(rest, STR("nameserver")))
		return;
	rest = str_from(rest, 10);
	if (rest.len == 0 || !ascii_is_blank(rest.ptr[0]))
		return;
	struct str address = str_trim(rest);
	if (str_find_char(address, '/') == STR_NONE && network_parse(address, &network))
		buf_printf(servers, "%.*s\n", STR_ARG(address));
}

static void resolv_conf_read(struct buf *servers)
{
	struct buf text = BUF_INIT(RESOLV_CONF_MAX);

	if (file_read("/etc/resolv.conf", &text) == FAULT_NONE)
		for (struct str rest = buf_str(&text); rest.ptr != NULL;)
			resolv_line_read(str_cut(&rest, '\n'), servers);
	buf_done(&text);
}

static bool has_records(struct str anchors)
{
	return str_find_nocase(anchors, STR("DNSKEY")) != STR_NONE ||
	       str_find_nocase(anchors, STR("DS")) != STR_NONE;
}

static enum fault named_anchors_read(struct buf *anchors, const char *home, const char *name,
				     struct buf *why)
{
	char *path = name[0] == '/' ? str_dup_c(str_from_c(name)) : path_join(home, name);
	enum fault fault = file_read(path, anchors);

	if (fault == FAULT_NONE && !has_records(buf_str(anchors)))
		fault = FAULT_INVALID;
	if (fault == FAULT_INVALID)
		buf_printf(why, "Resolver/TrustAnchorFile: %s holds no DS or DNSKEY record", path);
	else if (fault != FAULT_NONE)
		buf_printf(why, "Resolver/TrustAnchorFile: %s cannot be read: %s", path,
			   fault_text(fault));
	free(path);
	return fault;
}

enum fault dns_files_read(struct dns_files *files, const char *home,
			  const struct config_resolver *resolver, struct buf *why)
{
	if (resolver->server_count == 0 && !resolver->from_root)
		resolv_conf_read(&files->servers);
	if (!str_is_empty(resolver->trust_anchor_file))
		return named_anchors_read(&files->anchors, home, resolver->trust_anchor_file.ptr,
					  why);
	for (size_t i = 0; i < sizeof(anchor_paths) / sizeof(anchor_paths[0]); i++) {
		if (file_read(anchor_paths[i], &files->anchors) == FAULT_NONE)
			break;
		buf_reset(&files->anchors);
	}
	return FAULT_NONE;
}
