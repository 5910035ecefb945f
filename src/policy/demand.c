/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/demand.h"

static const char *const level_names[TLS_LEVEL_COUNT] = {
#define X(id, name) name,
	TLS_LEVEL_TABLE(X)
#undef X
};

const char *tls_level_name(enum tls_level level)
{
	CHECK(level < TLS_LEVEL_COUNT);
	return level_names[level];
}

bool tls_level_from_name(struct str name, enum tls_level *level_out)
{
	for (int i = 0; i < TLS_LEVEL_COUNT; i++) {
		if (!str_equals_nocase(name, str_from_c(level_names[i])))
			continue;
		*level_out = (enum tls_level)i;
		return true;
	}
	return false;
}

struct tls_demand demand_may(void)
{
	return (struct tls_demand){.level = TLS_LEVEL_MAY};
}

static bool has_name(const struct tls_proof *proof, struct str name)
{
	for (size_t i = 0; i < proof->name_count; i++) {
		if (str_equals_nocase(proof->names[i], name))
			return true;
	}
	return false;
}

static bool has_pin(const struct tls_proof *proof, const unsigned char pin[DEMAND_PIN_BYTES])
{
	for (size_t i = 0; i < proof->pin_count; i++) {
		if (memcmp(proof->pins[i], pin, DEMAND_PIN_BYTES) == 0)
			return true;
	}
	return false;
}

/* True when whatever meets `narrow` meets `wide` too. */
static bool proof_implies(const struct tls_proof *narrow, const struct tls_proof *wide)
{
	if (narrow->kind != wide->kind)
		return false;
	for (size_t i = 0; i < narrow->name_count; i++) {
		if (!has_name(wide, narrow->names[i]))
			return false;
	}
	for (size_t i = 0; i < narrow->pin_count; i++) {
		if (!has_pin(wide, narrow->pins[i]))
			return false;
	}
	return true;
}

static bool is_implied(const struct tls_demand *demand, const struct tls_proof *proof)
{
	for (size_t i = 0; i < demand->proof_count; i++) {
		if (proof_implies(&demand->proofs[i], proof))
			return true;
	}
	return false;
}

void demand_prove(struct tls_demand *demand, const struct tls_proof *proof)
{
	CHECK(proof->kind == TLS_LEVEL_VERIFY || proof->kind == TLS_LEVEL_PIN);
	/* Without a name or a pin there would be nothing that any certificate could meet. */
	CHECK(proof->kind == TLS_LEVEL_VERIFY ? proof->name_count > 0 : proof->pin_count > 0);
	if (!is_implied(demand, proof)) {
		CHECK(demand->proof_count < DEMAND_PROOFS_MAX);
		demand->proofs[demand->proof_count++] = *proof;
	}
	if (demand->level < proof->kind) {
		demand->level = proof->kind;
		demand->level_source = proof->source;
	}
}

bool demand_admits_suite(const struct tls_demand *demand, uint16_t suite)
{
	for (size_t i = 0; i < demand->suite_count; i++) {
		if (demand->suites[i] == suite)
			return true;
	}
	return demand->suites == NULL;
}

/* Puts those of the demand's suites that `other` admits in their place. */
static void suites_intersect(struct tls_demand *demand, const struct tls_demand *other,
			     struct arena *arena)
{
	uint16_t *kept = arena_array(arena, demand->suite_count + 1, sizeof(*kept));
	size_t count = 0;

	CHECK(kept != NULL);
	for (size_t i = 0; i < demand->suite_count; i++) {
		if (demand_admits_suite(other, demand->suites[i]))
			kept[count++] = demand->suites[i];
	}
	if (count < demand->suite_count && count < other->suite_count)
		demand->suites_source = other->suites_source;
	demand->suites = kept;
	demand->suite_count = count;
}

static void suites_join(struct tls_demand *demand, const struct tls_demand *other,
			struct arena *arena)
{
	if (other->suites == NULL)
		return;
	if (demand->suites != NULL) {
		suites_intersect(demand, other, arena);
		return;
	}
	demand->suites = other->suites;
	demand->suite_count = other->suite_count;
	demand->suites_source = other->suites_source;
}

struct tls_demand demand_join(const struct tls_demand *first, const struct tls_demand *second,
			      struct arena *arena)
{
	struct tls_demand joined = *first;

	if (second->level > joined.level) {
		joined.level = second->level;
		joined.level_source = second->level_source;
	}
	if (second->min > joined.min) {
		joined.min = second->min;
		joined.min_source = second->min_source;
	}
	suites_join(&joined, second, arena);
	for (size_t i = 0; i < second->proof_count; i++)
		demand_prove(&joined, &second->proofs[i]);
	joined.without_hybrid |= second->without_hybrid;
	joined.without_dhe |= second->without_dhe;
	joined.legacy_renegotiation |= second->legacy_renegotiation;
	return joined;
}

const struct tls_proof *demand_proof(const struct tls_demand *demand, enum tls_level kind)
{
	for (size_t i = 0; i < demand->proof_count; i++) {
		if (demand->proofs[i].kind == kind)
			return &demand->proofs[i];
	}
	return NULL;
}
