/* SPDX-License-Identifier: Apache-2.0 */
/* domain, user, alias: who has mail here. */
#include <stdlib.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/page.h"
#include "ctl/password.h"
#include "ctl/told.h"
#include "mailauth/dkim_folder.h"
#include "proto/address.h"
#include "store/directory.h"

enum { NAME_MAX_BYTES = 1000, LIST_MAX = 64 << 20 };

/* Reads an address as it was typed, into the form of the store; says so if it is none. */
static bool account_read(struct str typed, const char *field, struct buf *account)
{
	*account = BUF_INIT(NAME_MAX_BYTES);
	if (address_append_account(account, typed) && !account->failed)
		return true;
	ctl_fail_field(FAULT_INVALID, field,
		       "%.*s is no address: it should look like anna@example.org", STR_ARG(typed));
	return false;
}

static bool domain_read(struct str typed, struct buf *domain)
{
	for (size_t i = 0; i < typed.len; i++)
		buf_append_char(domain, ascii_lower(typed.ptr[i]));
	if (!domain->failed && domain_check(buf_str(domain)))
		return true;
	ctl_fail_field(FAULT_INVALID, "name", "%.*s is no name of a domain", STR_ARG(typed));
	return false;
}

/* Commands that change something, and how config.log calls that. */
static const char *const told_changes[][2] = {{"domain add", "Create Domain"},
					      {"domain remove", "Remove Domain"},
					      {"user add", "Create User"},
					      {"user remove", "Remove User"},
					      {"user passwd", "Update Password of User"},
					      {"user set", "Update User"},
					      {"alias add", "Update Alias"},
					      {"alias remove", "Remove Alias"}};

/* `Create User {Name="anna@example.org"}`; an alias with its targets. */
static void change_tell(const struct ctl *ctl, struct link *link, struct str name)
{
	const char *command = ctl->arguments->command->name;
	struct buf line = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < sizeof(told_changes) / sizeof(told_changes[0]); i++)
		if (strcmp(told_changes[i][0], command) == 0)
			buf_printf(&line, "%s {Name=\"%.*s\"", told_changes[i][1], STR_ARG(name));
	for (size_t i = 1; i < ctl->arguments->word_count; i++)
		buf_printf(&line, "%s%.*s", i == 1 ? ", Targets=\"" : ",",
			   STR_ARG(ctl_word(ctl, i)));
	if (ctl->arguments->word_count > 1)
		buf_append_char(&line, '"');
	if (ctl_value(ctl, OPTION_QUOTA) != NULL)
		buf_printf(&line, ", Quota=\"%s\"", ctl_value(ctl, OPTION_QUOTA));
	if (ctl_value(ctl, OPTION_ROLE) != NULL)
		buf_printf(&line, ", Role=\"%s\"", ctl_value(ctl, OPTION_ROLE));
	buf_append_char(&line, '}');
	if (line.data[0] != '}')
		config_change_tell(link, buf_str(&line));
	buf_done(&line);
}

/* Opens the store for one change and gives the exit code of what `change` reports. */
static int with_link(struct ctl *ctl, unsigned needs, struct str name,
		     int (*change)(struct ctl *ctl, struct link *link, struct str name))
{
	struct link link;
	enum fault fault = link_open(&link, ctl->home, needs);
	int code = fault == FAULT_NONE ? change(ctl, &link, name) : ctl_fault_code(fault);

	if (code == CTL_DONE)
		change_tell(ctl, &link, name);
	link_close(&link);
	return code;
}

/* Says what a fault means for this thing; `meanings` end with FAULT_NONE. */
struct meaning {
	enum fault fault;
	const char *text; /* behind the name */
};

static int change_code(enum fault fault, const char *field, struct str name,
		       const struct meaning *meanings)
{
	if (fault == FAULT_NONE)
		return CTL_DONE;
	for (; meanings->fault != FAULT_NONE; meanings++)
		if (meanings->fault == fault)
			return ctl_fail_field(fault, field, "%.*s %s", STR_ARG(name),
					      meanings->text);
	return ctl_fail_field(fault, field, "%.*s: %s", STR_ARG(name), fault_text(fault));
}

/* ---- domains ---- */

static int domain_add(struct ctl *ctl, struct link *link, struct str name)
{
	static const struct meaning meanings[] = {{FAULT_EXISTS, "is a domain here already"},
						  {FAULT_NONE, NULL}};

	return change_code(directory_domain_add(link->store, name), "name", name, meanings);
}

/* Mail with such a domain in From would be signed further, though it is nobody's here. */
static bool has_dkim_keys(const struct ctl *ctl, struct str domain)
{
	CLEANUP_BUF struct buf why = BUF_INIT(NAME_MAX_BYTES);
	struct dkim_keys keys = {0};
	/* Who may not read the list is not hindered by it. */
	bool has_keys = dkim_keys_read(ctl->home, domain, &keys, &why) == FAULT_NONE &&
			keys.count > 0;

	dkim_keys_done(&keys);
	return has_keys;
}

static int domain_remove(struct ctl *ctl, struct link *link, struct str name)
{
	static const struct meaning meanings[] = {
		{FAULT_NOT_FOUND, "is no domain here; `postern domain list` shows them"},
		{FAULT_CONFLICT, "has users or aliases; remove these first"},
		{FAULT_NONE, NULL}};

	if (has_dkim_keys(ctl, name))
		return ctl_fail_field(FAULT_CONFLICT, "name",
				      "%.*s has keys that sign its mail; first `postern dkim remove %.*s`",
				      STR_ARG(name), STR_ARG(name));
	return change_code(directory_domain_remove(link->store, name), "name", name, meanings);
}

static int domain_change(struct ctl *ctl,
			 int (*change)(struct ctl *ctl, struct link *link, struct str name))
{
	CLEANUP_BUF struct buf domain = BUF_INIT(ADDRESS_DOMAIN_MAX);

	if (!domain_read(ctl_word(ctl, 0), &domain))
		return CTL_USAGE;
	return with_link(ctl, LINK_STORE, buf_str(&domain), change);
}

int cmd_domain_add(struct ctl *ctl)
{
	return domain_change(ctl, domain_add);
}

int cmd_domain_remove(struct ctl *ctl)
{
	return domain_change(ctl, domain_remove);
}

/* Prints a page as columns or as a member of a JSON document; takes both. */
static int list_print(const struct ctl *ctl, const struct page *page, const char *name,
		      struct columns *columns, json_t *list)
{
	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		json_t *document = json_pack("{s:O}", name, list);
		page_tell_json(page, document);
		ctl_print_json(document);
	} else {
		struct buf text = BUF_INIT(LIST_MAX);
		columns_append(columns, &text);
		page_tell(page, &text);
		ctl_print(buf_str(&text));
		buf_done(&text);
	}
	json_decref(list);
	columns_done(columns);
	return CTL_DONE;
}

static int view_fail(const struct ctl *ctl, enum fault fault)
{
	return ctl_fail_field(fault, NULL, "%s/store: %s", ctl->home, fault_text(fault));
}

/* Opens the store for a list, of which `print` prints a page. */
static int with_page(struct ctl *ctl, unsigned needs,
		     int (*print)(struct ctl *ctl, struct link *link, struct page *page))
{
	struct page page;
	struct link link;
	int code = page_init(&page, ctl);

	if (code == CTL_DONE) {
		enum fault fault = link_open(&link, ctl->home, needs);
		code = fault == FAULT_NONE ? print(ctl, &link, &page) : ctl_fault_code(fault);
		link_close(&link);
	}
	page_done(&page);
	return code;
}

static int domains_print(struct ctl *ctl, struct link *link, struct page *page)
{
	static const char *const heads[] = {"DOMAIN"};
	struct view *view;
	struct columns columns;
	enum fault fault = view_open(link->store, &view);

	if (fault != FAULT_NONE)
		return view_fail(ctl, fault);
	columns_init(&columns, heads, 1);
	json_t *list = json_array();
	for (struct str at = STR(""); directory_domain_next(view, at, &at);) {
		if (!page_finds(page, at) || !page_takes(page, at))
			continue;
		columns_add(&columns, at);
		json_array_append_new(list, json_pack("{s:o}", "name", json_text(at)));
	}
	view_close(&view);
	return list_print(ctl, page, "domains", &columns, list);
}

int cmd_domain_list(struct ctl *ctl)
{
	return with_page(ctl, LINK_STORE, domains_print);
}

/* ---- users ---- */

static const struct meaning user_add_meanings[] = {
	{FAULT_EXISTS, "is a user or an alias here already"},
	{FAULT_DENIED, "lies in no domain of this server; make it one with `postern domain add`"},
	{FAULT_NONE, NULL}};

static const struct meaning user_meanings[] = {
	{FAULT_NOT_FOUND, "is no user here; `postern user list` shows them"}, {FAULT_NONE, NULL}};

static int quota_read(const struct ctl *ctl, uint64_t *quota_out)
{
	const char *text = ctl_value(ctl, OPTION_QUOTA);

	*quota_out = 0;
	if (text == NULL || size_parse(str_from_c(text), quota_out))
		return CTL_DONE;
	return ctl_fail_field(FAULT_INVALID, "quota",
			      "--quota %s: a number of bytes is wanted, such as 500M or 2G", text);
}

static uint32_t login_flags(const struct user *user)
{
	return (user->is_admin ? LOGIN_FLAG_ADMIN : 0u) |
	       (user->is_auditor ? LOGIN_FLAG_AUDITOR : 0u);
}

/* --role, or --admin for short. */
static int role_read(const struct ctl *ctl, struct user *user)
{
	const char *value = ctl_value(ctl, OPTION_ROLE);
	struct str role = str_from_c(value);

	if (value != NULL && !str_equals(role, STR("user")) && !str_equals(role, STR("auditor")) &&
	    !str_equals(role, STR("administrator")))
		return ctl_fail_field(FAULT_INVALID, "role",
				      "--role %s: write user, auditor or administrator", value);
	if (value != NULL && ctl_has(ctl, OPTION_BIT(ADMIN)))
		return ctl_fail_field(FAULT_INVALID, "role",
				      "--admin and --role: give one of them");
	user->is_admin = ctl_has(ctl, OPTION_BIT(ADMIN)) || str_equals(role, STR("administrator"));
	user->is_auditor = str_equals(role, STR("auditor"));
	return CTL_DONE;
}

static int user_add(struct ctl *ctl, struct link *link, struct str name)
{
	CLEANUP_SECRET struct secret password = {0};
	struct user user = {.address = name};
	uint64_t account;
	int code = quota_read(ctl, &user.quota_bytes);

	if (code == CTL_DONE)
		code = role_read(ctl, &user);
	if (code == CTL_DONE)
		code = password_read(ctl, &password);
	if (code != CTL_DONE)
		return code;
	enum fault fault = directory_user_add(link->store, &user, &account);
	if (fault != FAULT_NONE)
		return change_code(fault, "address", name, user_add_meanings);
	fault = link_password_set(link, name, secret_reveal(&password), login_flags(&user), STR(""));
	if (fault == FAULT_NONE)
		return CTL_DONE;
	/* A user who could never log in is not left behind. */
	if (directory_user_remove(link->store, name) != FAULT_NONE)
		ctl_fail(0, "%.*s was made, but has no password yet", STR_ARG(name));
	return ctl_fail_field(fault, "password", "the password of %.*s cannot be kept: %s",
			      STR_ARG(name), fault_text(fault));
}

/* What the store has of a user. The address is borrowed from `name`, as the view ends here. */
static enum fault user_find(struct link *link, struct str name, struct user *user_out)
{
	struct view *view;
	enum fault fault = view_open(link->store, &view);

	if (fault != FAULT_NONE)
		return fault;
	fault = directory_user_find(view, name, user_out);
	view_close(&view);
	user_out->address = name;
	return fault;
}

static int user_remove(struct ctl *ctl, struct link *link, struct str name)
{
	struct user user;
	enum fault fault = user_find(link, name, &user);

	if (fault != FAULT_NONE)
		return change_code(fault, "address", name, user_meanings);
	/* The login first: whoever is being removed must not come in half-way. */
	fault = link_password_set(link, name, STR(""), 0, STR(""));
	if (fault == FAULT_NONE || fault == FAULT_NOT_FOUND)
		fault = directory_user_remove(link->store, name);
	return change_code(fault, "address", name, user_meanings);
}

static int user_passwd(struct ctl *ctl, struct link *link, struct str name)
{
	CLEANUP_SECRET struct secret password = {0};
	struct user user;
	enum fault fault = user_find(link, name, &user);

	if (fault != FAULT_NONE)
		return change_code(fault, "address", name, user_meanings);
	int code = password_read(ctl, &password);
	if (code != CTL_DONE)
		return code;
	fault = link_password_set(link, name, secret_reveal(&password), login_flags(&user),
				  str_from_c(ctl_value(ctl, OPTION_SESSION)));
	return change_code(fault, "address", name, user_meanings);
}

/* What is not given stays. */
static int user_options_apply(const struct ctl *ctl, struct user *user)
{
	uint64_t quota = user->quota_bytes;
	int code = CTL_DONE;

	if (ctl_value(ctl, OPTION_QUOTA) == NULL && ctl_value(ctl, OPTION_ROLE) == NULL)
		return ctl_fail_field(FAULT_INVALID, NULL,
				      "nothing to set: give --quota BYTES or --role ROLE");
	if (ctl_value(ctl, OPTION_QUOTA) != NULL)
		code = quota_read(ctl, &quota);
	if (code == CTL_DONE && ctl_value(ctl, OPTION_ROLE) != NULL)
		code = role_read(ctl, user);
	user->quota_bytes = quota;
	return code;
}

/* Who has no password has no login that could have rights. */
static enum fault login_rights_set(struct link *link, const struct user *user)
{
	enum fault fault = link_login_flags_set(link, user->address, login_flags(user),
						LOGIN_FLAG_ADMIN | LOGIN_FLAG_AUDITOR);

	return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

/* The login's rights are the ones that count: they fall first and rise last. */
static enum fault user_keep(struct link *link, const struct user *user)
{
	bool is_lower = !user->is_admin;
	enum fault fault = is_lower ? login_rights_set(link, user) : FAULT_NONE;

	if (fault == FAULT_NONE)
		fault = directory_user_change(link->store, user);
	if (fault == FAULT_NONE && !is_lower)
		fault = login_rights_set(link, user);
	return fault;
}

static int user_set(struct ctl *ctl, struct link *link, struct str name)
{
	struct user user;
	enum fault fault = user_find(link, name, &user);

	if (fault != FAULT_NONE)
		return change_code(fault, "address", name, user_meanings);
	int code = user_options_apply(ctl, &user);
	return code == CTL_DONE
		       ? change_code(user_keep(link, &user), "address", name, user_meanings)
		       : code;
}

static int address_change(struct ctl *ctl, unsigned needs,
			  int (*change)(struct ctl *ctl, struct link *link, struct str name))
{
	CLEANUP_BUF struct buf name;

	if (!account_read(ctl_word(ctl, 0), "address", &name))
		return CTL_USAGE;
	return with_link(ctl, needs, buf_str(&name), change);
}

int cmd_user_add(struct ctl *ctl)
{
	return address_change(ctl, LINK_STORE | LINK_AUTH, user_add);
}

int cmd_user_remove(struct ctl *ctl)
{
	return address_change(ctl, LINK_STORE | LINK_AUTH, user_remove);
}

int cmd_user_set(struct ctl *ctl)
{
	return address_change(ctl, LINK_STORE | LINK_AUTH, user_set);
}

int cmd_user_passwd(struct ctl *ctl)
{
	return address_change(ctl, LINK_STORE | LINK_AUTH, user_passwd);
}

/* Notes who can log in: the value is the account's flags. */
static void login_note(void *context, const char *account, uint32_t flags)
{
	json_object_set_new(context, account, json_integer(flags));
}

static const char *login_text(json_t *flags)
{
	if (flags == NULL)
		return "no password";
	return (json_integer_value(flags) & LOGIN_FLAG_DISABLED) != 0 ? "disabled" : "yes";
}

static void user_add_cells(struct columns *columns, const struct user *user, const char *login,
			   struct str created)
{
	CLEANUP_BUF struct buf used = BUF_INIT(64);
	CLEANUP_BUF struct buf quota = BUF_INIT(64);

	size_append(&used, user->used_bytes);
	if (user->quota_bytes == 0)
		buf_append_c(&quota, "none");
	else
		size_append(&quota, user->quota_bytes);
	columns_add(columns, user->address);
	columns_add(columns, buf_str(&used));
	columns_add(columns, buf_str(&quota));
	columns_add_c(columns, login);
	columns_add_c(columns, login_role_text(login_flags(user)));
	columns_add(columns, created);
}

static void user_add_row(struct columns *columns, json_t *list, const struct user *user,
			 json_t *logins)
{
	CLEANUP_BUF struct buf created = BUF_INIT(64);
	CLEANUP_BUF struct buf name = BUF_INIT(NAME_MAX_BYTES);

	buf_append_str(&name, user->address);
	buf_append_char(&name, '\0');
	json_t *flags = json_object_get(logins, name.data);
	const char *login = login_text(flags);
	bool has_totp = (json_integer_value(flags) & LOGIN_FLAG_TOTP) != 0;
	clock_append_iso_date(&created, user->created_s);
	user_add_cells(columns, user, login, buf_str(&created));
	json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:I, s:s, s:s, s:b, s:b, s:o}", "address",
					      json_text(user->address), "account",
					      (json_int_t)user->account, "used_bytes",
					      (json_int_t)user->used_bytes, "quota_bytes",
					      (json_int_t)user->quota_bytes, "login", login, "role",
					      login_role_text(login_flags(user)), "admin", (int)user->is_admin, "totp",
					      (int)has_totp, "created", json_text(buf_str(&created))));
}

/* The users of a page; their texts borrow the view. */
struct user_list {
	struct user *items;
	size_t count;
	size_t capacity;
};

static void user_list_add(struct user_list *list, const struct user *user)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity * 2 + 64;
		list->items = reallocarray(list->items, list->capacity, sizeof(*list->items));
		CHECK(list->items != NULL);
	}
	list->items[list->count++] = *user;
}

static void users_find(struct view *view, struct page *page, struct user_list *list)
{
	struct user user;

	for (struct str at = STR(""); directory_user_next(view, at, &user); at = user.address)
		if (page_finds(page, user.address) && page_takes(page, user.address))
			user_list_add(list, &user);
}

/* Who of them can log in; the last one is where the auth role may stop. */
static enum fault logins_find(struct link *link, const struct page *page,
			      const struct user_list *list, json_t *logins)
{
	if (list->count == 0)
		return FAULT_NONE;
	return link_password_list(link, page->after, list->items[list->count - 1].address,
				  login_note, logins);
}

static void users_list(const struct ctl *ctl, const struct page *page,
		       const struct user_list *users, json_t *logins)
{
	static const char *const heads[] = {"ADDRESS", "USED", "QUOTA", "LOGIN", "ROLE", "CREATED"};
	struct columns columns;
	json_t *list = json_array();

	columns_init(&columns, heads, 6);
	for (size_t i = 0; i < users->count; i++)
		user_add_row(&columns, list, &users->items[i], logins);
	(void)list_print(ctl, page, "users", &columns, list);
}

static int users_print(struct ctl *ctl, struct link *link, struct page *page)
{
	json_t *logins = json_object();
	struct user_list users = {0};
	struct view *view;
	enum fault fault = view_open(link->store, &view);

	if (fault == FAULT_NONE) {
		users_find(view, page, &users);
		fault = logins_find(link, page, &users, logins);
		if (fault == FAULT_NONE)
			users_list(ctl, page, &users, logins);
		view_close(&view);
	}
	free(users.items);
	json_decref(logins);
	return fault == FAULT_NONE ? CTL_DONE : view_fail(ctl, fault);
}

int cmd_user_list(struct ctl *ctl)
{
	return with_page(ctl, LINK_STORE | LINK_AUTH, users_print);
}

/* ---- aliases ---- */

/* The words behind the first, as addresses; to be freed with targets_done. */
struct targets {
	struct buf names[ARGUMENTS_MAX];
	struct str texts[ARGUMENTS_MAX];
	size_t count;
};

static bool targets_read(const struct ctl *ctl, struct targets *targets)
{
	targets->count = 0;
	for (size_t i = 1; i < ctl->arguments->word_count; i++) {
		struct buf *name = &targets->names[targets->count++];
		if (!account_read(ctl_word(ctl, i), "targets", name))
			return false;
		targets->texts[targets->count - 1] = buf_str(name);
	}
	return true;
}

static void targets_done(struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		buf_done(&targets->names[i]);
}
#define CLEANUP_TARGETS __attribute__((cleanup(targets_done)))

static int alias_add(struct ctl *ctl, struct link *link, struct str name)
{
	static const struct meaning meanings[] = {
		{FAULT_EXISTS, "is a user, or has these targets already"},
		{FAULT_DENIED, "or a target lies in no domain of this server"},
		{FAULT_NOT_FOUND, "cannot go there: a target is neither a user nor an alias"},
		{FAULT_NONE, NULL}};
	CLEANUP_TARGETS struct targets targets;

	if (!targets_read(ctl, &targets))
		return CTL_USAGE;
	enum fault fault = directory_alias_add(link->store, name, targets.texts, targets.count);
	return change_code(fault, fault == FAULT_NOT_FOUND ? "targets" : "address", name, meanings);
}

static int alias_remove(struct ctl *ctl, struct link *link, struct str name)
{
	static const struct meaning meanings[] = {
		{FAULT_NOT_FOUND, "is no alias with these targets; `postern alias list` shows them"},
		{FAULT_NONE, NULL}};
	CLEANUP_TARGETS struct targets targets;

	if (!targets_read(ctl, &targets))
		return CTL_USAGE;
	return change_code(directory_alias_remove(link->store, name, targets.texts, targets.count),
			   "address", name, meanings);
}

int cmd_alias_add(struct ctl *ctl)
{
	return address_change(ctl, LINK_STORE, alias_add);
}

int cmd_alias_remove(struct ctl *ctl)
{
	return address_change(ctl, LINK_STORE, alias_remove);
}

static void alias_add_row(struct columns *columns, json_t *list, const struct alias *alias)
{
	struct buf joined = BUF_INIT(LIST_MAX);
	json_t *targets = json_array();
	struct str rest = alias->targets, target;

	while (directory_target_next(&rest, &target)) {
		if (joined.len > 0)
			buf_append_c(&joined, ", ");
		buf_append_str(&joined, target);
		json_array_append_new(targets, json_text(target));
	}
	columns_add(columns, alias->address);
	columns_add(columns, buf_str(&joined));
	json_array_append_new(list, json_pack("{s:o, s:o}", "address", json_text(alias->address),
					      "targets", targets));
	buf_done(&joined);
}

static bool alias_is_found(const struct page *page, const struct alias *alias)
{
	struct str rest = alias->targets, target;

	if (page_finds(page, alias->address))
		return true;
	while (directory_target_next(&rest, &target))
		if (page_finds(page, target))
			return true;
	return false;
}

static int aliases_print(struct ctl *ctl, struct link *link, struct page *page)
{
	static const char *const heads[] = {"ALIAS", "TARGETS"};
	struct view *view;
	struct alias alias;
	struct columns columns;
	enum fault fault = view_open(link->store, &view);

	if (fault != FAULT_NONE)
		return view_fail(ctl, fault);
	columns_init(&columns, heads, 2);
	json_t *list = json_array();
	for (struct str at = STR(""); directory_alias_next(view, at, &alias); at = alias.address)
		if (alias_is_found(page, &alias) && page_takes(page, alias.address))
			alias_add_row(&columns, list, &alias);
	view_close(&view);
	return list_print(ctl, page, "aliases", &columns, list);
}

int cmd_alias_list(struct ctl *ctl)
{
	return with_page(ctl, LINK_STORE, aliases_print);
}
