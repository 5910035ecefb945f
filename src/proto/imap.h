/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of IMAP4rev1 (RFC 3501) and of the extensions that Postern speaks:
 * IDLE 2177, NAMESPACE 2342, ID 2971, CHILDREN 3348, UNSELECT 3691,
 * UIDPLUS 4315, ESEARCH 4731, SASL-IR 4959, ENABLE 5161, SPECIAL-USE 6154,
 * MOVE 6851, CONDSTORE 7162, LITERAL+ 7888; of LIST-EXTENDED 5258 what
 * SPECIAL-USE needs.
 *
 * A command is parsed once, from a view of all its lines and literals, into a
 * struct whose views borrow that text or live in the arena. Names of mailboxes
 * stay as on the wire. Depth and number of everything nested is bounded.
 */
#ifndef POSTERN_PROTO_IMAP_H
#define POSTERN_PROTO_IMAP_H

#include "base/fault.h"
#include "proto/imap_lex.h"
#include "proto/imap_set.h"

/* X(name, word on the wire, has a UID form) */
#define IMAP_VERB_TABLE(X)                                                     \
	X(CAPABILITY, "CAPABILITY", false)                                     \
	X(NOOP, "NOOP", false)                                                 \
	X(LOGOUT, "LOGOUT", false)                                             \
	X(ID, "ID", false)                                                     \
	X(STARTTLS, "STARTTLS", false)                                         \
	X(AUTHENTICATE, "AUTHENTICATE", false)                                 \
	X(LOGIN, "LOGIN", false)                                               \
	X(ENABLE, "ENABLE", false)                                             \
	X(SELECT, "SELECT", false)                                             \
	X(EXAMINE, "EXAMINE", false)                                           \
	X(CREATE, "CREATE", false)                                             \
	X(DELETE, "DELETE", false)                                             \
	X(RENAME, "RENAME", false)                                             \
	X(SUBSCRIBE, "SUBSCRIBE", false)                                       \
	X(UNSUBSCRIBE, "UNSUBSCRIBE", false)                                   \
	X(LIST, "LIST", false)                                                 \
	X(LSUB, "LSUB", false)                                                 \
	X(NAMESPACE, "NAMESPACE", false)                                       \
	X(STATUS, "STATUS", false)                                             \
	X(APPEND, "APPEND", false)                                             \
	X(IDLE, "IDLE", false)                                                 \
	X(CHECK, "CHECK", false)                                               \
	X(CLOSE, "CLOSE", false)                                               \
	X(UNSELECT, "UNSELECT", false)                                         \
	X(EXPUNGE, "EXPUNGE", true)                                            \
	X(SEARCH, "SEARCH", true)                                              \
	X(FETCH, "FETCH", true)                                                \
	X(STORE, "STORE", true)                                                \
	X(COPY, "COPY", true)                                                  \
	X(MOVE, "MOVE", true)

enum imap_verb {
#define X(name, word, has_uid) IMAP_##name,
	IMAP_VERB_TABLE(X)
#undef X
	IMAP_VERB_COUNT /* also: a command that nobody knows */
};

enum imap_limit {
	IMAP_WORDS_MAX = 256,	 /* names in one list: of fields, of keywords, of ID */
	IMAP_SECTIONS_MAX = 64,	 /* body sections of one FETCH */
	IMAP_PATH_MAX = 64,	 /* part numbers of one section */
	IMAP_SEARCH_MAX = 1000,	 /* keys of one SEARCH */
	IMAP_SEARCH_DEPTH = 32,
	IMAP_KEYWORD_BYTES = 100,
};

/* A list of texts in the arena. */
struct imap_words {
	struct str *items;
	size_t count;
};

enum imap_system_flag {
	IMAP_FLAG_SEEN = 1,
	IMAP_FLAG_ANSWERED = 2,
	IMAP_FLAG_FLAGGED = 4,
	IMAP_FLAG_DELETED = 8,
	IMAP_FLAG_DRAFT = 16,
	IMAP_FLAG_RECENT = 32,
};

struct imap_flags {
	unsigned system; /* enum imap_system_flag; never RECENT, which no client may set */
	struct imap_words keywords;
};

enum imap_special_use {
	IMAP_USE_ALL = 1,
	IMAP_USE_ARCHIVE = 2,
	IMAP_USE_DRAFTS = 4,
	IMAP_USE_FLAGGED = 8,
	IMAP_USE_JUNK = 16,
	IMAP_USE_SENT = 32,
	IMAP_USE_TRASH = 64,
};

enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1,
	IMAP_STATUS_RECENT = 2,
	IMAP_STATUS_UIDNEXT = 4,
	IMAP_STATUS_UIDVALIDITY = 8,
	IMAP_STATUS_UNSEEN = 16,
	IMAP_STATUS_HIGHESTMODSEQ = 32,
};

enum imap_list_option {
	IMAP_LIST_SUBSCRIBED = 1,
	IMAP_LIST_SPECIAL_USE = 2,
	IMAP_LIST_CHILDREN = 4,
	IMAP_LIST_REMOTE = 8,
	IMAP_LIST_RECURSIVEMATCH = 16,
};

struct imap_list {
	unsigned selection; /* enum imap_list_option */
	unsigned returns;
	bool has_returns;
	struct str reference;
	struct imap_words patterns;
};

enum imap_section_part {
	IMAP_SECTION_WHOLE,
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
};

enum imap_section_name {
	IMAP_SECTION_BODY, /* BODY[...] */
	IMAP_SECTION_RFC822,
	IMAP_SECTION_RFC822_HEADER,
	IMAP_SECTION_RFC822_TEXT,
};

/* One `BODY[...]<...>` of a FETCH, or an old RFC822 form of it. */
struct imap_section {
	struct imap_section *next;
	enum imap_section_name name;
	uint32_t *path;
	size_t path_len;
	enum imap_section_part part;
	struct imap_words fields;
	bool is_peek;
	bool is_partial;
	uint32_t from;
	uint32_t len; /* of a partial */
};

enum imap_fetch_item {
	IMAP_FETCH_FLAGS = 1,
	IMAP_FETCH_UID = 2,
	IMAP_FETCH_INTERNALDATE = 4,
	IMAP_FETCH_SIZE = 8,
	IMAP_FETCH_ENVELOPE = 16,
	IMAP_FETCH_BODY = 32,
	IMAP_FETCH_BODYSTRUCTURE = 64,
	IMAP_FETCH_MODSEQ = 128,
};

struct imap_fetch {
	struct imap_set set;
	unsigned items; /* enum imap_fetch_item */
	struct imap_section *sections;
	bool has_changed_since;
	uint64_t changed_since;
};

enum imap_store_mode { IMAP_STORE_REPLACE, IMAP_STORE_ADD, IMAP_STORE_REMOVE };

struct imap_store {
	struct imap_set set;
	enum imap_store_mode mode;
	bool is_silent;
	bool has_unchanged_since;
	uint64_t unchanged_since;
	struct imap_flags flags;
};

struct imap_copy { /* COPY and MOVE */
	struct imap_set set;
	struct str mailbox;
};

enum imap_key_kind {
	IMAP_KEY_AND, /* children */
	IMAP_KEY_OR,  /* two children */
	IMAP_KEY_NOT, /* one child */
	IMAP_KEY_ALL,
	IMAP_KEY_FLAG,	    /* `flags` are all set */
	IMAP_KEY_NOT_FLAG,  /* none of `flags` is */
	IMAP_KEY_NEW,	    /* recent and not seen */
	IMAP_KEY_KEYWORD,   /* text */
	IMAP_KEY_NOT_KEYWORD,
	IMAP_KEY_SEQUENCE,  /* set */
	IMAP_KEY_UID,	    /* set */
	IMAP_KEY_BEFORE,    /* number: midnight of internal date */
	IMAP_KEY_ON,
	IMAP_KEY_SINCE,
	IMAP_KEY_SENT_BEFORE,
	IMAP_KEY_SENT_ON,
	IMAP_KEY_SENT_SINCE,
	IMAP_KEY_LARGER,    /* number: bytes */
	IMAP_KEY_SMALLER,
	IMAP_KEY_MODSEQ,    /* number */
	IMAP_KEY_SUBJECT,   /* text, as are those that follow; in the command's character set */
	IMAP_KEY_FROM,
	IMAP_KEY_TO,
	IMAP_KEY_CC,
	IMAP_KEY_BCC,
	IMAP_KEY_BODY,
	IMAP_KEY_TEXT,
	IMAP_KEY_HEADER, /* name and text */
};

struct imap_key {
	struct imap_key *next;	/* sibling */
	struct imap_key *child; /* the first */
	enum imap_key_kind kind;
	unsigned flags; /* enum imap_system_flag */
	struct imap_set set;
	int64_t number;
	struct str name;
	struct str text;
};

enum imap_search_return {
	IMAP_RETURN_MIN = 1,
	IMAP_RETURN_MAX = 2,
	IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8,
};

struct imap_search {
	bool is_extended; /* RETURN was given: the reply is ESEARCH */
	unsigned returns; /* enum imap_search_return */
	struct str charset;
	bool has_modseq;
	struct imap_key *root; /* IMAP_KEY_AND */
};

struct imap_append {
	struct str mailbox;
	struct imap_flags flags;
	bool has_date;
	int64_t date_s;
	struct imap_literal literal;
};

struct imap_command {
	struct str tag; /* empty when there is none that could be sent back */
	enum imap_verb verb;
	bool is_uid;
	const char *error; /* why it is BAD, for people; NULL when it is well formed */
	union {
		struct {
			struct str user;
			struct str password;
		} login;
		struct {
			struct str mechanism;
			struct str initial; /* base64, or "=" for empty; ptr is NULL without one */
		} authenticate;
		struct imap_words enable;
		struct imap_words id; /* names and values in turn; a NULL ptr is NIL */
		struct {
			struct str mailbox;
			bool has_condstore;
			unsigned uses; /* of CREATE: enum imap_special_use */
			unsigned items; /* of STATUS: enum imap_status_item */
		} mailbox; /* SELECT EXAMINE CREATE DELETE SUBSCRIBE UNSUBSCRIBE STATUS */
		struct {
			struct str from;
			struct str to;
		} rename;
		struct imap_list list; /* LIST LSUB */
		struct imap_append append;
		struct imap_set expunge; /* of UID EXPUNGE */
		struct imap_search search;
		struct imap_fetch fetch;
		struct imap_store store;
		struct imap_copy copy;
	};
};

/*
 * Parses a command: `text` is all of it with literals inside and without the
 * last CR LF. True when it is well formed. When false, `error` says why, and
 * tag and verb are set as far as they could be read. APPEND wants the text up
 * to the announcement of the message.
 */
must_check bool imap_command_parse(struct arena *arena, struct str text,
				   struct imap_command *command_out);

/*
 * Tells what to do with the literal announced at the end of `text`, the
 * command as far as it came, without line end: true when it is the message of
 * an APPEND, which is to be streamed, not gathered.
 */
bool imap_is_append_message(struct arena *arena, struct str text);

/* Appends system flags and keywords separated by blanks, without parentheses. */
void imap_flags_write(struct buf *to, unsigned system, const struct str *keywords, size_t count);

/*
 * Parses one flag as it stands: a system flag (its bit in `*system`), or a keyword;
 * false if it is neither.
 */
must_check bool imap_flag_parse(struct str word, unsigned *system_out);

/* Appends how a section is named in the reply: `BODY[1.HEADER.FIELDS (TO)]<0>`. */
void imap_section_write(struct buf *to, const struct imap_section *section);

#endif
