/* SPDX-License-Identifier: Apache-2.0 */
#include "store/operation.h"

#include "store/wire.h"

enum field_type { FIELD_U32, FIELD_U64, FIELD_TEXT };

struct field {
	enum field_type type;
	size_t offset;
};

struct row {
	const char *name;
	const struct field *fields;
	size_t field_count;
};

#define DESCRIBE_FIELD(type_, name_) {FIELD_##type_, offsetof(row_struct, name_)},

#define ROW_CASE(kind)                                                                   \
	case OP_##kind: {                                                                \
		typedef struct op_##kind row_struct;                                     \
		static const struct field fields[] = {OPERATION_##kind(DESCRIBE_FIELD)}; \
		return (struct row){#kind, fields, sizeof(fields) / sizeof(fields[0])};  \
	}

static struct row row_of(enum operation_kind kind)
{
	switch (kind) {
		OPERATION_TABLE(ROW_CASE)
	default:
		CHECK(!"an operation outside the table");
		return (struct row){0};
	}
}

const char *operation_name(enum operation_kind kind)
{
	return row_of(kind).name;
}

/* All members of the union begin at the same place. */
static void *arguments(const struct operation *operation)
{
	return (void *)(uintptr_t)&operation->domain_add;
}

const struct str *operation_body(const struct operation *operation)
{
	switch (operation->kind) {
	case OP_mail_append:
		return &operation->mail_append.body;
	case OP_queue_settle:
		return &operation->queue_settle.body;
	default:
		return NULL;
	}
}

void operation_encode(struct buf *to, const struct operation *operation)
{
	struct row row = row_of(operation->kind);

	wire_put_u8(to, (uint8_t)operation->kind);
	for (size_t i = 0; i < row.field_count; i++) {
		const void *at = (const char *)arguments(operation) + row.fields[i].offset;
		switch (row.fields[i].type) {
		case FIELD_U32:
			wire_put_u32(to, *(const uint32_t *)at);
			break;
		case FIELD_U64:
			wire_put_u64(to, *(const uint64_t *)at);
			break;
		case FIELD_TEXT:
			wire_put_text(to, *(const struct str *)at);
			break;
		}
	}
}

enum fault operation_decode(struct str text, struct operation *operation_out)
{
	struct cursor from = cursor_make(text);
	uint8_t kind = cursor_u8(&from);

	if (from.failed || kind >= OPERATION_COUNT)
		return FAULT_INVALID;
	*operation_out = (struct operation){.kind = (enum operation_kind)kind};
	struct row row = row_of(operation_out->kind);
	for (size_t i = 0; i < row.field_count; i++) {
		void *at = (char *)arguments(operation_out) + row.fields[i].offset;
		switch (row.fields[i].type) {
		case FIELD_U32:
			*(uint32_t *)at = cursor_u32(&from);
			break;
		case FIELD_U64:
			*(uint64_t *)at = cursor_u64(&from);
			break;
		case FIELD_TEXT:
			*(struct str *)at = wire_take_text(&from);
			break;
		}
	}
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_INVALID;
}

static enum fault dispatch(struct execution *run, const struct operation *operation)
{
	switch (operation->kind) {
#define X(name)         \
	case OP_##name: \
		return execute_##name(run, &operation->name);
		OPERATION_TABLE(X)
#undef X
	default:
		return FAULT_INVALID;
	}
}

enum fault operation_execute(struct execution *run, const struct operation *operation)
{
	enum fault fault = dispatch(run, operation);

	if (run->batch->map->fault != FAULT_NONE)
		return run->batch->map->fault;
	if (fault == FAULT_NONE && (run->batch->failed || run->result->failed))
		return FAULT_TOO_LARGE;
	return fault;
}
