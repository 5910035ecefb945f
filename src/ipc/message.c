/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/message.h"

#include "base/cursor.h"

enum field_type { FIELD_U8, FIELD_U32, FIELD_U64, FIELD_STR, FIELD_FD };

struct field {
	enum field_type type;
	size_t offset;
};

struct message_row {
	const char *name;
	unsigned senders;
	unsigned receivers;
	const struct field *fields;
	size_t field_count;
};

static const char *const role_names[ROLE_COUNT] = {
#define X(name, text) text,
	ROLE_TABLE(X)
#undef X
};

const char *role_name(enum role role)
{
	CHECK(role < ROLE_COUNT);
	return role_names[role];
}

#define COUNT_FIELD(type, name) +1
#define DESCRIBE_FIELD(type_, name_) {FIELD_##type_, offsetof(row_struct, name_)},

/* The last, empty description is there because an initialiser may not be empty. */
#define ROW_CASE(kind, senders, receivers)                                                         \
	case MSG_##kind: {                                                                         \
		typedef struct msg_##kind row_struct __attribute__((unused));                      \
		static const struct field fields[] = {FIELDS_##kind(DESCRIBE_FIELD){0, 0}};        \
		return (struct message_row){#kind, senders, receivers, fields,                     \
					    0 FIELDS_##kind(COUNT_FIELD)};                         \
	}

static struct message_row row_of(enum message_kind kind)
{
	switch (kind) {
		MESSAGE_TABLE(ROW_CASE)
	default:
		CHECK(!"a kind of message outside the table");
		return (struct message_row){0};
	}
}

const char *message_name(enum message_kind kind)
{
	return row_of(kind).name;
}

bool message_is_allowed(enum message_kind kind, enum role sender, enum role receiver)
{
	if (kind >= MESSAGE_KIND_COUNT)
		return false;
	struct message_row row = row_of(kind);
	return (row.senders & 1u << sender) != 0 && (row.receivers & 1u << receiver) != 0;
}

static void append_number(struct buf *to, uint64_t value, size_t bytes)
{
	char raw[8];

	for (size_t i = 0; i < bytes; i++)
		raw[i] = (char)(value >> (8 * (bytes - 1 - i)));
	buf_append(to, raw, bytes);
}

static void field_encode(struct buf *to, enum field_type type, const void *at, int *fd_out)
{
	switch (type) {
	case FIELD_U8:
		append_number(to, *(const uint8_t *)at, 1);
		break;
	case FIELD_U32:
		append_number(to, *(const uint32_t *)at, 4);
		break;
	case FIELD_U64:
		append_number(to, *(const uint64_t *)at, 8);
		break;
	case FIELD_STR: {
		const struct str *text = at;
		append_number(to, text->len, 4);
		buf_append_str(to, *text);
		break;
	}
	case FIELD_FD:
		*fd_out = *(const int *)at;
		break;
	}
}

void message_encode(struct buf *to, struct message_header header, const void *message, int *fd_out)
{
	struct message_row row = row_of(header.kind);

	*fd_out = -1;
	append_number(to, header.kind, 2);
	append_number(to, header.id, 8);
	for (size_t i = 0; i < row.field_count; i++)
		field_encode(to, row.fields[i].type,
			     (const char *)message + row.fields[i].offset, fd_out);
}

static void field_decode(struct cursor *from, enum field_type type, void *at, int *fd)
{
	switch (type) {
	case FIELD_U8:
		*(uint8_t *)at = cursor_u8(from);
		break;
	case FIELD_U32:
		*(uint32_t *)at = cursor_u32(from);
		break;
	case FIELD_U64:
		*(uint64_t *)at = cursor_u64(from);
		break;
	case FIELD_STR:
		*(struct str *)at = cursor_bytes(from, cursor_u32(from));
		break;
	case FIELD_FD:
		*(int *)at = *fd;
		*fd = -1;
		break;
	}
}

enum fault message_decode(struct str packet, int fd, struct message_header *header_out,
			  union message_any *message_out)
{
	struct cursor from = cursor_make(packet);
	uint16_t kind = cursor_u16(&from);
	uint64_t id = cursor_u64(&from);

	if (from.failed || kind >= MESSAGE_KIND_COUNT)
		return FAULT_INVALID;
	struct message_row row = row_of((enum message_kind)kind);
	union message_any message;
	memset(&message, 0, sizeof(message));
	for (size_t i = 0; i < row.field_count; i++)
		field_decode(&from, row.fields[i].type, (char *)&message + row.fields[i].offset,
			     &fd);
	if (!cursor_is_done(&from) || fd >= 0)
		return FAULT_INVALID;
	*header_out = (struct message_header){.kind = (enum message_kind)kind, .id = id};
	*message_out = message;
	return FAULT_NONE;
}
