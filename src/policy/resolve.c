/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/resolve.h"

#include "policy/floor.h"

enum { DHE_BITS_BUILT_IN = 2048, TEXT_MAX = 64 << 10 };

/* A policy being computed. */
struct resolver {
	const struct policy_request *request;
	const struct suite_catalog *catalog;
	struct arena *arena;
	struct findings *findings;
	const struct tls_setting *protocols_setting;
	const struct tls_setting *ciphers_setting;
	struct floor_plan plan;
	struct tls_policy policy;
	bool failed;
};

static const struct tls_setting *setting_of(const struct resolver *resolver,
					    enum tls_variable variable)
{
	return &resolver->request->settings->items[variable];
}

static bool is_listener(const struct resolver *resolver)
{
	return resolver->request->direction == TLS_LISTENER;
}

static struct str text_keep(struct arena *arena, struct str text)
{
	struct str kept = arena_dup(arena, text);

	CHECK(kept.ptr != NULL);
	return kept;
}

static struct finding_place place_keep(struct arena *arena, struct finding_place place)
{
	place.table = text_keep(arena, place.table);
	place.variable = text_keep(arena, place.variable);
	return place;
}

/* "TLSv1 and TLSv1.1"; the buffer is the caller's. */
static const char *protocols_text(struct buf *to, tls_protocols set)
{
	buf_reset(to);
	for (int i = 0; i < TLS_PROTOCOL_COUNT; i++) {
		tls_protocols later = set >> i >> 1;
		if (!tls_protocols_has(set, (enum tls_protocol)i))
			continue;
		buf_append_c(to, tls_protocol_name((enum tls_protocol)i));
		buf_append_c(to, later == 0 ? "" : (later & (later - 1)) == 0 ? " and " : ", ");
	}
	buf_append_char(to, '\0');
	return to->data;
}

static void key_exchange_set(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;
	uint32_t size = setting_of(resolver, TLS_DHE_SIZE)->number;

	policy->has_ecdhe = setting_of(resolver, TLS_ENABLE_ECDHE)->number == 1;
	if (setting_of(resolver, TLS_ENABLE_DHE)->number == 1)
		policy->dhe_bits = size == 0 ? DHE_BITS_BUILT_IN : (int)size;
}

static bool group_is_admitted(const struct resolver *resolver, const struct tls_group *group)
{
	const struct tls_policy *policy = &resolver->policy;

	if (group->kind == TLS_GROUP_HYBRID && resolver->request->without_hybrid)
		return false;
	if (group->kind != TLS_GROUP_FF)
		return policy->has_ecdhe;
	return policy->dhe_bits > 0 && group->bits >= policy->dhe_bits;
}

static void groups_set(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;
	struct buf text = BUF_INIT(1024);

	for (size_t i = 0; i < tls_group_count() && policy->group_count < TLS_GROUPS_MAX; i++) {
		const struct tls_group *group = tls_group_at(i);
		if ((resolver->catalog->groups >> i & 1) == 0 || !group_is_admitted(resolver, group))
			continue;
		if (policy->group_count > 0)
			buf_append_char(&text, ':');
		buf_append_c(&text, group->name);
		policy->groups[policy->group_count++] = group;
	}
	policy->groups_string = text_keep(resolver->arena, buf_str(&text));
	buf_done(&text);
}

static bool suite_fits(const struct suite *suite, tls_protocols protocols)
{
	tls_protocols before = protocols & TLS_PROTOCOLS_BEFORE_1_3;

	return before != 0 && suite_obstacle(suite) == NULL &&
	       suite->min_protocol <= tls_protocols_max(before);
}

/* Expands the string and keeps what could be negotiated under the default protocols. */
static void suites_expand(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;
	struct cipher_limits limits = {.without_dhe = policy->dhe_bits == 0,
				       .without_ecdhe = !policy->has_ecdhe};
	uint16_t ids[SUITE_CATALOG_MAX];
	size_t count;

	policy->cipher_string = cipher_list_expand(&resolver->ciphers_setting->ciphers, limits,
						   resolver->catalog, resolver->arena, ids, &count);
	uint16_t *kept = arena_array(resolver->arena, count + 1, sizeof(*kept));
	CHECK(kept != NULL);
	for (size_t i = 0; i < count; i++) {
		const struct suite *suite = suite_catalog_by_id(resolver->catalog, ids[i]);
		if (suite != NULL && suite_fits(suite, TLS_PROTOCOLS_DEFAULT))
			kept[policy->suite_count++] = ids[i];
	}
	policy->suites = kept;
}

static bool has_suite13(const struct resolver *resolver)
{
	const struct cipher_list *list = &resolver->ciphers_setting->ciphers;

	for (size_t i = 0; i < list->suite13_count; i++) {
		const struct suite *suite =
			suite_catalog_by_id(resolver->catalog, list->suites13[i]);
		if (suite != NULL && suite_obstacle(suite) == NULL)
			return true;
	}
	return false;
}

static bool has_suite_for(const struct resolver *resolver, enum tls_protocol protocol)
{
	const struct tls_policy *policy = &resolver->policy;

	if (protocol == TLS_PROTOCOL_1_3)
		return has_suite13(resolver);
	for (size_t i = 0; i < policy->suite_count; i++) {
		const struct suite *suite =
			suite_catalog_by_id(resolver->catalog, policy->suites[i]);
		if (suite->min_protocol <= protocol)
			return true;
	}
	return false;
}

/* "leaves no suite", and whether switched-off key exchanges had a part in it. */
static const char *reason_text(const struct tls_policy *policy)
{
	if (!policy->has_ecdhe && policy->dhe_bits == 0)
		return " (with EnableEphemeralDH and EnableEphemeralECDH 0)";
	if (!policy->has_ecdhe)
		return " (with EnableEphemeralECDH 0)";
	return policy->dhe_bits == 0 ? " (with EnableEphemeralDH 0)" : "";
}

/* Rule 8: an error where the list names the protocol, else it is dropped with a warning. */
static void without_suite_report(struct resolver *resolver, tls_protocols without)
{
	struct buf text = BUF_INIT(256);
	const char *names = protocols_text(&text, without);
	const struct tls_setting *protocols = resolver->protocols_setting;
	struct finding_place place = resolver->ciphers_setting->place;

	if (protocols->is_set) {
		resolver->failed = true;
		if (place.line == 0)
			place = protocols->place;
		finding_add(resolver->findings, FINDING_ERROR, place,
			    "the cipher string leaves no suite for %s%s, which %.*s (line %d) "
			    "names: %.*s "
			    "would not start so. Add suites for it, or take %s out of the list",
			    names, reason_text(&resolver->policy),
			    STR_ARG(protocols->place.variable), protocols->place.line,
			    STR_ARG(resolver->request->who), names);
	} else {
		finding_add(resolver->findings, FINDING_WARNING, place,
			    "the cipher string leaves no suite for %s%s; on by default only, %s "
			    "switched off for %.*s. Say so in %.*s",
			    names, reason_text(&resolver->policy),
			    (without & (without - 1)) == 0 ? "it is" : "they are",
			    STR_ARG(resolver->request->who), STR_ARG(protocols->place.variable));
	}
	buf_done(&text);
}

/* Rule 9: TLS 1.3 always agrees on a group; without any it cannot be. */
static void without_group_report(struct resolver *resolver)
{
	const struct tls_setting *protocols = resolver->protocols_setting;
	struct finding_place place = setting_of(resolver, TLS_ENABLE_ECDHE)->place;

	if (protocols->is_set) {
		resolver->failed = true;
		finding_add(
			resolver->findings, FINDING_ERROR, place,
			"without DHE and ECDHE there is no group for TLSv1.3, which %.*s (line %d) "
			"names: %.*s would not start so. Switch one on, or take TLSv1.3 out of the "
			"list",
			STR_ARG(protocols->place.variable), protocols->place.line,
			STR_ARG(resolver->request->who));
	} else {
		finding_add(
			resolver->findings, FINDING_WARNING, place,
			"without DHE and ECDHE there is no group for TLSv1.3; on by default only, "
			"it is switched off for %.*s",
			STR_ARG(resolver->request->who));
	}
}

/* A list that was refused counts as not set; what follows from the default would only confuse. */
static bool protocols_are_refused(const struct resolver *resolver)
{
	const struct tls_setting *protocols = resolver->protocols_setting;

	return !protocols->is_set && !str_is_empty(protocols->text);
}

/* Takes out what has no suite or no group. */
static void protocols_narrow(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;
	tls_protocols without = 0;

	if (protocols_are_refused(resolver))
		return;
	if (tls_protocols_has(policy->protocols, TLS_PROTOCOL_1_3) && policy->group_count == 0) {
		policy->protocols &= ~TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_3);
		without_group_report(resolver);
	}
	for (int i = 0; i < TLS_PROTOCOL_COUNT; i++) {
		enum tls_protocol protocol = (enum tls_protocol)i;
		if (tls_protocols_has(policy->protocols, protocol) &&
		    !has_suite_for(resolver, protocol))
			without |= TLS_PROTOCOL_BIT(protocol);
	}
	if (without != 0)
		without_suite_report(resolver, without);
	policy->protocols &= ~without;
}

/* Rule 7. */
static void emptiness_check(struct resolver *resolver)
{
	if (resolver->policy.protocols != 0 || resolver->failed)
		return;
	resolver->failed = true;
	struct finding_place place = resolver->protocols_setting->place;
	if (place.line == 0)
		place = resolver->ciphers_setting->place;
	finding_add(resolver->findings, FINDING_ERROR, place,
		    "leaves no protocol that can be used: %.*s would not start. Name TLSv1.2 or "
		    "TLSv1.3",
		    STR_ARG(resolver->request->who));
}

/* ---- the floor ---- */

static tls_protocols below(enum tls_protocol floor)
{
	return TLS_PROTOCOL_BIT(floor) - 1;
}

/* A floor above every protocol: nobody would be left, now or one day. */
static void floor_above_report(struct resolver *resolver)
{
	const struct floor_plan *plan = &resolver->plan;
	struct finding_place place = setting_of(resolver, TLS_FLOOR)->place;
	bool refuses = plan->later == TLS_RUNG_HANDSHAKE;
	struct buf text = BUF_INIT(256);

	resolver->failed = resolver->failed || refuses;
	finding_add(resolver->findings, refuses ? FINDING_ERROR : FINDING_WARNING, place,
		    "lies above every protocol that %.*s (line %d) admits (%s): %.*s would %s. "
		    "Lower the floor, or name newer protocols",
		    STR_ARG(resolver->protocols_setting->place.variable),
		    resolver->protocols_setting->place.line,
		    protocols_text(&text, resolver->policy.protocols),
		    STR_ARG(resolver->request->who),
		    refuses ? "refuse everybody" : "have every session below it");
	buf_done(&text);
}

/* Whether the floor means anything for the protocols that are there. */
static void floor_check_protocols(struct resolver *resolver)
{
	tls_protocols admitted = resolver->policy.protocols;
	struct buf text = BUF_INIT(256);

	if (resolver->plan.now == TLS_RUNG_NONE)
		return;
	if ((admitted & ~below(resolver->plan.protocol)) == 0)
		floor_above_report(resolver);
	else if ((admitted & below(resolver->plan.protocol)) == 0 && is_listener(resolver))
		finding_add(resolver->findings, FINDING_WARNING,
			    setting_of(resolver, TLS_FLOOR)->place,
			    "has no effect for %.*s: of the protocols admitted (%s) none lies "
			    "below it. Delete the floor, or admit what it is to judge",
			    STR_ARG(resolver->request->who), protocols_text(&text, admitted));
	buf_done(&text);
}

static void floor_set(struct resolver *resolver, enum tls_rung rung)
{
	struct tls_policy *policy = &resolver->policy;
	const struct floor_plan *plan = &resolver->plan;

	if (rung == TLS_RUNG_NONE)
		return;
	policy->floor = (struct tls_floor){
		.protocol = plan->protocol,
		.rung = rung,
		.written = plan->written,
		.date = plan->date,
		.source = place_keep(resolver->arena, setting_of(resolver, TLS_FLOOR)->place),
	};
	if (rung != TLS_RUNG_HANDSHAKE)
		return;
	policy->floor.refused = policy->protocols & below(plan->protocol);
	policy->protocols &= ~policy->floor.refused;
}

static tls_protocols holes_of(tls_protocols set)
{
	tls_protocols holes = 0;

	for (enum tls_protocol p = tls_protocols_min(set); p < tls_protocols_max(set); p++) {
		if (!tls_protocols_has(set, p))
			holes |= TLS_PROTOCOL_BIT(p);
	}
	return holes;
}

/* Rule 6: OpenSSL would offer only the lowest run of a client's list; we offer the highest. */
static void client_run_keep(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;
	struct buf left_out = BUF_INIT(256);
	struct buf offered = BUF_INIT(256);
	tls_protocols run = 0;

	for (int p = (int)policy->max;
	     p >= 0 && tls_protocols_has(policy->protocols, (enum tls_protocol)p); p--)
		run |= TLS_PROTOCOL_BIT(p);
	finding_add(
		resolver->findings, FINDING_WARNING, resolver->protocols_setting->place,
		"the list has a hole, which a client cannot offer: %.*s offers %s; left out: %s",
		STR_ARG(resolver->request->who), protocols_text(&offered, run),
		protocols_text(&left_out, policy->protocols & ~run));
	buf_done(&left_out);
	buf_done(&offered);
	policy->protocols = run;
	policy->min = tls_protocols_min(run);
	policy->holes = 0;
}

/*
 * Rule 6: whom a listener's hole breaks. A peer whose newest version is
 * TLSv1.1 sees an older answer with the sentinel of RFC 8446 section 4.1.3 and
 * aborts; with TLSv1.2 missing there is no sentinel, and it falls lower.
 */
static void listener_holes_report(struct resolver *resolver)
{
	const struct tls_policy *policy = &resolver->policy;

	for (int i = 0; i < TLS_PROTOCOL_COUNT; i++) {
		enum tls_protocol hole = (enum tls_protocol)i;
		if (!tls_protocols_has(policy->holes, hole))
			continue;
		enum tls_protocol below =
			tls_protocols_max(policy->protocols & (TLS_PROTOCOL_BIT(hole) - 1));
		bool aborts = hole == TLS_PROTOCOL_1_1 &&
			      tls_protocols_has(policy->protocols, TLS_PROTOCOL_1_2);
		finding_add(
			resolver->findings, FINDING_WARNING, resolver->protocols_setting->place,
			"the list has a hole at %s: clients of %.*s whose newest version is %s %s "
			"%s%s",
			tls_protocol_name(hole), STR_ARG(resolver->request->who),
			tls_protocol_name(hole),
			aborts ? "are answered with" : "are brought down to",
			tls_protocol_name(below),
			aborts ? " and abort (inappropriate fallback); older ones of them go on so"
			       : "");
	}
}

static void range_set(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;

	policy->min = tls_protocols_min(policy->protocols);
	policy->max = tls_protocols_max(policy->protocols);
	policy->holes = holes_of(policy->protocols);
	if (policy->holes != 0 && is_listener(resolver))
		listener_holes_report(resolver);
	else if (policy->holes != 0)
		client_run_keep(resolver);
}

/* Leaves the suites that the admitted protocols can negotiate. */
static void suites_narrow(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;
	const struct cipher_list *list = &resolver->ciphers_setting->ciphers;
	uint16_t *suites = arena_array(resolver->arena, policy->suite_count + 1, sizeof(*suites));
	size_t count = 0;

	CHECK(suites != NULL);
	for (size_t i = 0; i < policy->suite_count; i++) {
		if (suite_fits(suite_catalog_by_id(resolver->catalog, policy->suites[i]),
			       policy->protocols))
			suites[count++] = policy->suites[i];
	}
	policy->suites = suites;
	policy->suite_count = count;
	if ((policy->protocols & TLS_PROTOCOLS_BEFORE_1_3) == 0)
		policy->cipher_string = STR("");
	if (!tls_protocols_has(policy->protocols, TLS_PROTOCOL_1_3))
		return;
	for (size_t i = 0; i < list->suite13_count; i++) {
		const struct suite *suite =
			suite_catalog_by_id(resolver->catalog, list->suites13[i]);
		if (suite_obstacle(suite) == NULL)
			policy->suites13[policy->suite13_count++] = list->suites13[i];
	}
}

static void suites13_write(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;
	struct buf text = BUF_INIT(2048);

	for (size_t i = 0; i < policy->suite13_count; i++) {
		if (i > 0)
			buf_append_char(&text, ':');
		buf_append_str(&text,
			       suite_catalog_by_id(resolver->catalog, policy->suites13[i])->name);
	}
	policy->suites13_string = text_keep(resolver->arena, buf_str(&text));
	buf_done(&text);
}

static void relax(struct resolver *resolver, enum tls_relaxed relaxed,
		  const struct tls_setting *asked_by)
{
	resolver->policy.relaxed[relaxed] = true;
	resolver->policy.relaxed_by[relaxed] = place_keep(resolver->arena, asked_by->place);
}

static void options_set(struct resolver *resolver)
{
	struct tls_policy *policy = &resolver->policy;

	policy->server_preference =
		is_listener(resolver) && setting_of(resolver, TLS_SERVER_PREFERENCE)->number == 1;
	policy->empty_fragments = setting_of(resolver, TLS_NO_EMPTY_FRAGMENTS)->number == 0;
	policy->session_tickets = resolver->request->session_tickets;
	if (policy->min <= TLS_PROTOCOL_1_1)
		relax(resolver, TLS_RELAXED_SIGNATURES, resolver->protocols_setting);
	if (policy->dhe_bits == 1024)
		relax(resolver, TLS_RELAXED_DH_1024, setting_of(resolver, TLS_DHE_SIZE));
}

/* The stable form; a new field that sessions depend on must be written here too. */
static void text_write(struct tls_policy *policy, struct arena *arena)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	buf_printf(&text, "%s\nprotocols %x\nciphers %.*s\nsuites13 %.*s\ngroups %.*s\nsuites",
		   policy->direction == TLS_LISTENER ? "listener" : "client", policy->protocols,
		   STR_ARG(policy->cipher_string), STR_ARG(policy->suites13_string),
		   STR_ARG(policy->groups_string));
	for (size_t i = 0; i < policy->suite_count; i++)
		buf_printf(&text, " %04x", policy->suites[i]);
	buf_printf(&text,
		   "\ndhe %d\necdhe %d\npreference %d\nfragments %d\ntickets %d\nrelaxed %d%d\n",
		   policy->dhe_bits, policy->has_ecdhe, policy->server_preference,
		   policy->empty_fragments, policy->session_tickets,
		   policy->relaxed[TLS_RELAXED_SIGNATURES], policy->relaxed[TLS_RELAXED_DH_1024]);
	if (policy->floor.rung != TLS_RUNG_NONE)
		buf_printf(&text, "floor %d %s\n", policy->floor.protocol,
			   tls_rung_name(policy->floor.rung));
	CHECK(!text.failed);
	policy->text = text_keep(arena, buf_str(&text));
	buf_done(&text);
}

/* Which switch says what groups there are. */
static const struct tls_setting *groups_setting(const struct resolver *resolver)
{
	const struct tls_setting *ecdhe = setting_of(resolver, TLS_ENABLE_ECDHE);
	const struct tls_setting *dhe = setting_of(resolver, TLS_ENABLE_DHE);

	return ecdhe->number == 1 && dhe->number == 0 ? dhe : ecdhe;
}

static void resolver_begin(struct resolver *resolver)
{
	bool listens = is_listener(resolver);

	resolver->protocols_setting =
		setting_of(resolver, listens ? TLS_SERVER_PROTOCOLS : TLS_CLIENT_PROTOCOLS);
	resolver->ciphers_setting =
		setting_of(resolver, listens ? TLS_SERVER_CIPHERS : TLS_CLIENT_CIPHERS);
	resolver->plan = floor_plan_make(resolver->request->settings, resolver->request->now_s);
	resolver->policy = (struct tls_policy){
		.direction = resolver->request->direction,
		.table = text_keep(resolver->arena, resolver->request->settings->table),
		.protocols = resolver->protocols_setting->protocols,
		.protocols_source = place_keep(resolver->arena, resolver->protocols_setting->place),
		.ciphers_source = place_keep(resolver->arena, resolver->ciphers_setting->place),
		.groups_source = place_keep(resolver->arena, groups_setting(resolver)->place),
		.dhe_source = place_keep(resolver->arena, setting_of(resolver, TLS_DHE_SIZE)->place),
	};
}

/* What follows once protocols and rung are known. */
static void resolver_finish(struct resolver *resolver, enum tls_rung rung)
{
	floor_set(resolver, rung);
	range_set(resolver);
	suites_narrow(resolver);
	suites13_write(resolver);
	options_set(resolver);
	text_write(&resolver->policy, resolver->arena);
}

/* The policy from the floor's day on; what there is to say of it has been said. */
static const struct tls_policy *later_resolve(const struct resolver *begun)
{
	struct resolver resolver = *begun;
	struct findings unsaid;

	findings_init(&unsaid);
	resolver.findings = &unsaid;
	resolver_finish(&resolver, begun->plan.later);
	findings_done(&unsaid);
	struct tls_policy *policy = arena_new(begun->arena, struct tls_policy);
	CHECK(policy != NULL);
	*policy = resolver.policy;
	return policy;
}

bool policy_resolve(const struct policy_request *request, const struct suite_catalog *catalog,
		    struct arena *arena, struct findings *findings, struct tls_policy *policy_out)
{
	struct resolver resolver = {
		.request = request, .catalog = catalog, .arena = arena, .findings = findings};

	resolver_begin(&resolver);
	key_exchange_set(&resolver);
	groups_set(&resolver);
	suites_expand(&resolver);
	protocols_narrow(&resolver);
	emptiness_check(&resolver);
	if (resolver.failed)
		return false;
	floor_check_protocols(&resolver);
	if (resolver.failed)
		return false;
	struct resolver begun = resolver;
	resolver_finish(&resolver, resolver.plan.now);
	if (begun.plan.later != begun.plan.now) {
		resolver.policy.later = later_resolve(&begun);
		resolver.policy.later_at_s = begun.plan.later_at_s;
	}
	*policy_out = resolver.policy;
	return true;
}

static void fit(struct tls_policy *policy, struct policy_ends ends, struct arena *arena)
{
	policy->session_tickets = ends.session_tickets;
	if (policy->floor.rung == TLS_RUNG_REPLY && !ends.has_reply)
		policy->floor.rung = TLS_RUNG_OBSERVE;
	if (policy->floor.written == TLS_RUNG_REPLY && !ends.has_reply)
		policy->floor.written = TLS_RUNG_OBSERVE;
	text_write(policy, arena);
}

struct tls_policy policy_fit(const struct tls_policy *policy, struct policy_ends ends,
			     struct arena *arena)
{
	struct tls_policy copy = *policy;

	fit(&copy, ends, arena);
	if (policy->later == NULL)
		return copy;
	struct tls_policy *later = arena_new(arena, struct tls_policy);
	CHECK(later != NULL);
	*later = *policy->later;
	fit(later, ends, arena);
	/* From observe to a reply that can but observe, nothing moves. */
	copy.later = later->floor.rung == copy.floor.rung ? NULL : later;
	return copy;
}
