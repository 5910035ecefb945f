/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of postern: what the functions behind the table of commands
 * share.
 */
#ifndef POSTERN_CTL_CTL_H
#define POSTERN_CTL_CTL_H

#include <jansson.h>

#include "base/fault.h"
#include "config/config.h"
#include "ctl/arguments.h"

#define CTL_HOME_DEFAULT "/var/lib/postern"

/* The variable of the environment that chooses the form of errors: ctl_fail. */
#define CTL_ERRORS_VARIABLE "POSTERN_ERRORS"

/* The product's exit codes. */
enum { CTL_DONE = 0, CTL_FINDING = 1, CTL_USAGE = 2, CTL_NOT_RUNNING = 3 };

/* What stands above this folder. */
struct ctl_above {
	int (*serve)(const char *home);	    /* runs the server */
	void (*openapi)(struct buf *to); /* describes the API of the page */
};

struct ctl {
	const char *home;
	const struct arguments *arguments;
	const struct ctl_above *above;
};

/*
 * Runs one command line and returns the exit code.
 */
int ctl_main(int argc, char **argv, const struct ctl_above *above);

/* The table of all commands. */
extern const struct command_table ctl_commands;

static inline bool ctl_has(const struct ctl *ctl, uint64_t option_bit)
{
	return arguments_has(ctl->arguments, option_bit);
}

/* The value of an option, or NULL. */
static inline const char *ctl_value(const struct ctl *ctl, enum option option)
{
	return ctl->arguments->values[option];
}

/* A word behind the command's name; empty when there are fewer. */
struct str ctl_word(const struct ctl *ctl, size_t index);

/*
 * Says one line on standard error, led by "postern: "; returns `code`. With
 * POSTERN_ERRORS=json in the environment the line is a JSON object instead:
 * {"code":"invalid","field":null,"text":"..."}; `code` is "note", "finding",
 * "invalid" or "unavailable" then.
 */
int ctl_fail(int code, const char *format, ...) format_printf(2, 3);

/*
 * The same for what is wrong with one thing that was given: `field` names it ("quota",
 * "Security/ServerTlsProtocols"), or is NULL. The code is the fault's name in small letters
 * ("not_found"); returns the exit code that it means.
 */
int ctl_fail_field(enum fault fault, const char *field, const char *format, ...)
	format_printf(3, 4);

/* The exit code that a fault of the server's parts means. */
int ctl_fault_code(enum fault fault);

/* Prints a text, or a JSON document, which is freed, on standard output. */
void ctl_print(struct str text);
void ctl_print_json(json_t *document);

/* A JSON string of a text; what is not UTF-8 is escaped as in the logs. */
json_t *json_text(struct str text);

/* The text of an object's member, which it keeps; empty where there is none. */
const char *json_member(const json_t *object, const char *name);

/* HOME/name on the heap; the caller frees. */
char *ctl_path(const struct ctl *ctl, const char *name);

/* ---- the commands, one file a subject ---- */

int cmd_init(struct ctl *ctl);

int cmd_serve(struct ctl *ctl);
int cmd_reload(struct ctl *ctl);
int cmd_stop(struct ctl *ctl);
int cmd_status(struct ctl *ctl);

int cmd_check(struct ctl *ctl);

int cmd_cert_list(struct ctl *ctl);
int cmd_cert_served(struct ctl *ctl);
int cmd_cert_import(struct ctl *ctl);
int cmd_cert_self_signed(struct ctl *ctl);
int cmd_cert_csr(struct ctl *ctl);
int cmd_cert_pending_list(struct ctl *ctl);
int cmd_cert_pending_remove(struct ctl *ctl);
int cmd_cert_request(struct ctl *ctl);

int cmd_domain_add(struct ctl *ctl);
int cmd_domain_list(struct ctl *ctl);
int cmd_domain_remove(struct ctl *ctl);
int cmd_user_add(struct ctl *ctl);
int cmd_user_list(struct ctl *ctl);
int cmd_user_remove(struct ctl *ctl);
int cmd_user_set(struct ctl *ctl);
int cmd_user_passwd(struct ctl *ctl);
int cmd_user_show(struct ctl *ctl);
int cmd_user_logout(struct ctl *ctl);
int cmd_user_totp_begin(struct ctl *ctl);
int cmd_user_totp_confirm(struct ctl *ctl);
int cmd_user_totp_off(struct ctl *ctl);
int cmd_alias_add(struct ctl *ctl);
int cmd_alias_list(struct ctl *ctl);
int cmd_alias_remove(struct ctl *ctl);

int cmd_import(struct ctl *ctl);

int cmd_remote_password_set(struct ctl *ctl);
int cmd_remote_password_list(struct ctl *ctl);
int cmd_remote_password_remove(struct ctl *ctl);

int cmd_pop3_list(struct ctl *ctl);
int cmd_pop3_run(struct ctl *ctl);

int cmd_queue_list(struct ctl *ctl);
int cmd_queue_show(struct ctl *ctl);
int cmd_queue_retry(struct ctl *ctl);
int cmd_queue_hold(struct ctl *ctl);
int cmd_queue_release(struct ctl *ctl);
int cmd_queue_remove(struct ctl *ctl);

int cmd_tls_show(struct ctl *ctl);
int cmd_tls_variables(struct ctl *ctl);
int cmd_tls_ciphers(struct ctl *ctl);
int cmd_tls_probe(struct ctl *ctl);
int cmd_tls_set(struct ctl *ctl);
int cmd_tls_reset(struct ctl *ctl);
int cmd_tls_confirm(struct ctl *ctl);
int cmd_tls_history(struct ctl *ctl);
int cmd_tls_revert(struct ctl *ctl);

int cmd_service_list(struct ctl *ctl);
int cmd_service_set(struct ctl *ctl);
int cmd_service_start(struct ctl *ctl);
int cmd_service_stop(struct ctl *ctl);

int cmd_settings_show(struct ctl *ctl);
int cmd_settings_set(struct ctl *ctl);

/* Of the lists whose commands begin with partner, relay, pop3-account and acme. */
int cmd_rows_list(struct ctl *ctl);
int cmd_rows_add(struct ctl *ctl);
int cmd_rows_set(struct ctl *ctl);
int cmd_rows_remove(struct ctl *ctl);

int cmd_evidence_list(struct ctl *ctl);
int cmd_evidence_verify(struct ctl *ctl);
int cmd_evidence_export(struct ctl *ctl);

int cmd_dkim_add(struct ctl *ctl);
int cmd_dkim_show(struct ctl *ctl);
int cmd_dkim_rotate(struct ctl *ctl);
int cmd_dkim_activate(struct ctl *ctl);
int cmd_dkim_remove(struct ctl *ctl);

int cmd_dns_lookup(struct ctl *ctl);
int cmd_dns_peer(struct ctl *ctl);
int cmd_dns_route(struct ctl *ctl);

int cmd_connections(struct ctl *ctl);

int cmd_dns_records(struct ctl *ctl);

int cmd_setup_status(struct ctl *ctl);

int cmd_logs(struct ctl *ctl);

int cmd_print_man(struct ctl *ctl);
int cmd_print_bash(struct ctl *ctl);
int cmd_print_openapi(struct ctl *ctl);

#endif
