/* SPDX-License-Identifier: Apache-2.0 */
#include "config/pop3_account.h"

#include "config/row.h"
#include "proto/address.h"

#define LIST "Pop3Account"

enum { PORT_POP3 = 110, PORT_POP3S = 995, SHOWN_MAX = 256 };

static const char *const tls_names[] = {
	[POP3_ACCOUNT_IMPLICIT] = "implicit",
	[POP3_ACCOUNT_STLS] = "stls",
	[POP3_ACCOUNT_CLEAR] = "none",
};

const char *pop3_account_tls_name(enum pop3_account_tls tls)
{
	CHECK(tls <= POP3_ACCOUNT_CLEAR);
	return tls_names[tls];
}

const struct pop3_account *pop3_account_find(const struct config *config, struct str name)
{
	for (size_t i = 0; i < config->pop3_account_count; i++)
		if (str_equals_nocase(config->pop3_accounts[i].name, name))
			return &config->pop3_accounts[i];
	return NULL;
}

struct str pop3_account_host(const struct pop3_account *account)
{
	struct str host = account->host;

	return host.len > 2 && host.ptr[0] == '[' ? str_sub(host, 1, host.len - 2) : host;
}

struct tls_demand pop3_account_demand(const struct pop3_account *account)
{
	struct tls_demand demand = demand_may();

	demand.level = account->tls == POP3_ACCOUNT_CLEAR ? TLS_LEVEL_NONE
		       : account->verifies		   ? TLS_LEVEL_VERIFY
							   : TLS_LEVEL_ENCRYPT;
	demand.level_source = account->place;
	demand.level_source.variable = demand.level == TLS_LEVEL_VERIFY
					       ? STR("VerifyCertificate")
					       : STR("Tls");
	if (demand.level == TLS_LEVEL_VERIFY) {
		struct tls_proof proof = {.kind = TLS_LEVEL_VERIFY,
					  .names = {pop3_account_host(account)},
					  .name_count = 1,
					  .source = demand.level_source};
		demand_prove(&demand, &proof);
	}
	return demand;
}

/* ---- reading ---- */

struct account_reader {
	struct row_reader row;
	struct pop3_account *account;
	const struct config *config; /* with the rows before this one */
};

static void name_read(struct account_reader *reader)
{
	struct str name = row_text(&reader->row, "Name");
	bool is_valid = name.len > 0 && name.len <= POP3_ACCOUNT_NAME_MAX;

	for (size_t i = 0; i < name.len && is_valid; i++)
		is_valid = ascii_is_alnum(name.ptr[i]) || strchr(".-_@", name.ptr[i]) != NULL;
	reader->account->name = name;
	const struct pop3_account *former = pop3_account_find(reader->config, name);
	if (!is_valid)
		finding_add(reader->row.findings, FINDING_ERROR, reader->row.place,
			    "needs a Name of up to %d letters, digits, dots, hyphens, underscores and @: "
			    "`postern pop3 run` and the logs name it so",
			    POP3_ACCOUNT_NAME_MAX);
	else if (former != NULL)
		finding_add(reader->row.findings, FINDING_ERROR, reader->row.place,
			    "the row in line %d has the same Name", former->place.line);
}

static void tls_read(struct account_reader *reader)
{
	const struct element *variable;
	struct str text = row_value(&reader->row, "Tls", &variable);
	struct pop3_account *account = reader->account;

	account->tls = POP3_ACCOUNT_IMPLICIT;
	account->verifies = row_bool(&reader->row, "VerifyCertificate", true);
	for (int tls = 0; tls <= POP3_ACCOUNT_CLEAR; tls++) {
		if (!str_equals_nocase(text, str_from_c(tls_names[tls])))
			continue;
		account->tls = (enum pop3_account_tls)tls;
		text = STR("");
	}
	if (!str_is_empty(text))
		finding_add(reader->row.findings, FINDING_ERROR, row_place(&reader->row, variable),
			    "\"%.*s\" is none of implicit, stls, none",
			    STR_ARG(str_sub(text, 0, SHOWN_MAX)));
	else if (account->tls == POP3_ACCOUNT_CLEAR)
		finding_add(reader->row.findings, FINDING_WARNING, reader->row.place,
			    "has Tls none: password and mail can be read, and changed, on the way");
	else if (!account->verifies)
		finding_add(reader->row.findings, FINDING_WARNING, reader->row.place,
			    "has VerifyCertificate 0: the password may go to whoever answers in place "
			    "of %.*s",
			    STR_ARG(account->host));
}

static void login_read(struct account_reader *reader)
{
	struct pop3_account *account = reader->account;
	struct str user = row_text(&reader->row, "User");

	account->user = user;
	account->password = row_text(&reader->row, "Password");
	if (str_is_empty(user) || str_is_empty(account->password))
		finding_add(reader->row.findings, FINDING_ERROR, reader->row.place,
			    "needs User and Password; Password is the name that `postern "
			    "remote-password set NAME` keeps it under");
	for (size_t i = 0; i < user.len; i++)
		if (ascii_is_control(user.ptr[i])) {
			finding_add(reader->row.findings, FINDING_ERROR, reader->row.place,
				    "has a control character in User");
			break;
		}
}

/* Two rows would take each other's messages for their own. */
static void twin_check(const struct account_reader *reader)
{
	const struct pop3_account *account = reader->account;

	for (size_t i = 0; i < reader->config->pop3_account_count; i++) {
		const struct pop3_account *other = &reader->config->pop3_accounts[i];
		if (str_equals_nocase(other->host, account->host) &&
		    str_equals(other->user, account->user))
			finding_add(reader->row.findings, FINDING_ERROR, account->place,
				    "the row in line %d fetches the same mailbox",
				    other->place.line);
	}
}

static void delivery_read(struct account_reader *reader)
{
	const struct element *variable;
	struct str text = row_value(&reader->row, "DeliverTo", &variable);
	struct address address;

	reader->account->deliver_to = row_keep(&reader->row, text);
	reader->account->mailbox = row_text(&reader->row, "Mailbox");
	if (str_is_empty(reader->account->mailbox))
		reader->account->mailbox = STR("INBOX");
	if (variable == NULL)
		finding_add(reader->row.findings, FINDING_ERROR, reader->row.place,
			    "needs DeliverTo: the address here whose owner gets the mail, or with Sort "
			    "what nobody else gets");
	else if (!address_parse(text, &address))
		finding_add(reader->row.findings, FINDING_ERROR, row_place(&reader->row, variable),
			    "\"%.*s\" is no address", STR_ARG(str_sub(text, 0, SHOWN_MAX)));
}

static bool is_field_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == ':')
			return false;
	return name.len > 0;
}

static void sort_read(struct account_reader *reader)
{
	const struct element *variable;
	struct str text = row_value(&reader->row, "Sort", &variable);
	struct str *names =
		arena_array(reader->row.arena, POP3_ACCOUNT_HEADERS_MAX, sizeof(*names));
	size_t count = 0;

	CHECK(names != NULL);
	for (struct str rest = text; !str_is_empty(rest);) {
		struct str name = str_trim(str_cut(&rest, ','));
		if (!is_field_name(name) || count == POP3_ACCOUNT_HEADERS_MAX) {
			finding_add(reader->row.findings, FINDING_ERROR,
				    row_place(&reader->row, variable),
				    "\"%.*s\" is no list of up to %d header fields, such as "
				    "Delivered-To,X-Envelope-To,To,Cc",
				    STR_ARG(str_sub(text, 0, SHOWN_MAX)), POP3_ACCOUNT_HEADERS_MAX);
			break;
		}
		names[count++] = row_keep(&reader->row, name);
	}
	reader->account->sort = names;
	reader->account->sort_count = count;
}

static void leave_read(struct account_reader *reader)
{
	struct pop3_account *account = reader->account;

	account->leaves = row_bool(&reader->row, "LeaveOnServer", false);
	account->leave_days = (uint32_t)row_number(&reader->row, "LeaveDays", 0, 36500, 0);
	if (account->leave_days > 0 && !account->leaves)
		finding_add(reader->row.findings, FINDING_WARNING, reader->row.place,
			    "has LeaveDays, which means nothing without LeaveOnServer 1");
}

static void numbers_read(struct account_reader *reader)
{
	const struct row_reader *row = &reader->row;
	struct pop3_account *account = reader->account;

	account->port = (uint16_t)row_number(
		row, "Port", 1, UINT16_MAX,
		account->tls == POP3_ACCOUNT_IMPLICIT ? PORT_POP3S : PORT_POP3);
	account->interval_s = (uint32_t)row_number(row, "IntervalSeconds", 0, 604800, 900);
	account->jitter_s = (uint32_t)row_number(row, "JitterSeconds", 0, 86400, 60);
	account->max_messages = (uint32_t)row_number(row, "MaxMessages", 1, 1000000, 1000);
	account->max_bytes = row_number(row, "MaxBytes", 1, UINT64_C(1) << 40, UINT64_C(1) << 30);
	account->message_bytes = row_number(row, "MessageBytes", 0, UINT64_C(1) << 31, 0);
}

static void account_read(struct account_reader *reader)
{
	*reader->account = (struct pop3_account){0};
	row_begin(&reader->row, "Name");
	reader->account->place = reader->row.place;
	reader->account->is_enabled = row_bool(&reader->row, "Enabled", true);
	name_read(reader);
	reader->account->host = row_host(&reader->row, "the server that has the mail");
	tls_read(reader);
	login_read(reader);
	delivery_read(reader);
	sort_read(reader);
	leave_read(reader);
	numbers_read(reader);
	twin_check(reader);
}

void pop3_accounts_read(const struct document *document, struct config *config,
			struct arena *arena, struct findings *findings)
{
	const struct element *list;
	size_t count = row_list_find(document, LIST, POP3_ACCOUNTS_MAX, findings, &list);

	if (count == 0)
		return;
	struct pop3_account *accounts = arena_array(arena, count, sizeof(*accounts));
	CHECK(accounts != NULL);
	config->pop3_accounts = accounts;
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at)) {
		struct account_reader reader = {
			.row = {.item = at, .list = LIST, .arena = arena, .findings = findings},
			.account = &accounts[config->pop3_account_count],
			.config = config};
		account_read(&reader);
		config->pop3_account_count++;
	}
}
