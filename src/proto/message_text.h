/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of mail in whatever character set, brought to UTF-8 for searching:
 * character sets, encoded words (RFC 2047), and folding so that texts that
 * people take for equal compare equal.
 *
 * Only character sets of a list are opened with iconv(3): strangers choose the
 * names, and glibc has converters that mail never needs. Every byte sequence
 * has an answer; what cannot be read becomes U+FFFD. The converters of glibc
 * are files (/usr/lib/.../gconv), which a sandbox hides: message_text_prepare.
 */
#ifndef POSTERN_PROTO_MESSAGE_TEXT_H
#define POSTERN_PROTO_MESSAGE_TEXT_H

#include "base/buf.h"

/*
 * Loads the converters of all known character sets, for the life of the
 * process. Before a sandbox; without it they are loaded when they are wanted.
 */
void message_text_prepare(void);

/* Tells whether message_text_convert knows the character set. Empty is US-ASCII. */
bool message_charset_is_known(struct str charset);

/*
 * Appends `bytes` of that character set as UTF-8. An unknown set is read as
 * UTF-8 if it is that, as Windows-1252 otherwise.
 */
void message_text_convert(struct buf *to, struct str charset, struct str bytes);

/*
 * Appends the value of a header field as UTF-8 on one line, encoded words
 * decoded. Words that stand side by side are joined before their bytes are
 * converted, since mailers split characters.
 */
void message_words_decode(struct buf *to, struct str value);

/*
 * Appends the folded form of UTF-8 text: full case folding and compatibility
 * composition (Unicode NFKC_Casefold), runs of white space as one blank.
 */
void message_text_fold(struct buf *to, struct str utf8);

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool utf8_check(struct str text);

#endif
