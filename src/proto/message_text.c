/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message_text.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/encode.h"
#include "proto/message.h"
#include "proto/mime_decode.h"

/* Encoded words are 75 characters at most by the RFC; mailers exceed it, within reason. */
enum { CHARSET_NAME_MAX = 32, ENCODED_WORD_MAX = 4096 };

struct charset {
	struct str name; /* as mail says */
	const char *iconv_name;
};

/*
 * Names of the IANA registry and of habit. US-ASCII and ISO 8859-1 are read as
 * Windows-1252, as everybody does: their controls 0x80-0x9f are no text.
 */
static const struct charset charsets[] = {
	{STR_INIT("us-ascii"), "WINDOWS-1252"},
	{STR_INIT("ascii"), "WINDOWS-1252"},
	{STR_INIT("ansi_x3.4-1968"), "WINDOWS-1252"},
	{STR_INIT("iso-8859-1"), "WINDOWS-1252"},
	{STR_INIT("latin1"), "WINDOWS-1252"},
	{STR_INIT("windows-1252"), "WINDOWS-1252"},
	{STR_INIT("cp1252"), "WINDOWS-1252"},
	{STR_INIT("utf-8"), "UTF-8"},
	{STR_INIT("utf8"), "UTF-8"},
	{STR_INIT("utf-7"), "UTF-7"},
	{STR_INIT("utf-16"), "UTF-16"},
	{STR_INIT("utf-16le"), "UTF-16LE"},
	{STR_INIT("utf-16be"), "UTF-16BE"},
	{STR_INIT("iso-8859-2"), "ISO-8859-2"},
	{STR_INIT("iso-8859-3"), "ISO-8859-3"},
	{STR_INIT("iso-8859-4"), "ISO-8859-4"},
	{STR_INIT("iso-8859-5"), "ISO-8859-5"},
	{STR_INIT("iso-8859-6"), "ISO-8859-6"},
	{STR_INIT("iso-8859-7"), "ISO-8859-7"},
	{STR_INIT("iso-8859-8"), "ISO-8859-8"},
	{STR_INIT("iso-8859-8-i"), "ISO-8859-8"},
	{STR_INIT("iso-8859-9"), "ISO-8859-9"},
	{STR_INIT("iso-8859-10"), "ISO-8859-10"},
	{STR_INIT("iso-8859-11"), "ISO-8859-11"},
	{STR_INIT("iso-8859-13"), "ISO-8859-13"},
	{STR_INIT("iso-8859-14"), "ISO-8859-14"},
	{STR_INIT("iso-8859-15"), "ISO-8859-15"},
	{STR_INIT("iso-8859-16"), "ISO-8859-16"},
	{STR_INIT("windows-1250"), "WINDOWS-1250"},
	{STR_INIT("windows-1251"), "WINDOWS-1251"},
	{STR_INIT("cp1251"), "WINDOWS-1251"},
	{STR_INIT("windows-1253"), "WINDOWS-1253"},
	{STR_INIT("windows-1254"), "WINDOWS-1254"},
	{STR_INIT("windows-1255"), "WINDOWS-1255"},
	{STR_INIT("windows-1256"), "WINDOWS-1256"},
	{STR_INIT("windows-1257"), "WINDOWS-1257"},
	{STR_INIT("windows-1258"), "WINDOWS-1258"},
	{STR_INIT("windows-874"), "CP874"},
	{STR_INIT("tis-620"), "TIS-620"},
	{STR_INIT("koi8-r"), "KOI8-R"},
	{STR_INIT("koi8-u"), "KOI8-U"},
	{STR_INIT("ibm850"), "IBM850"},
	{STR_INIT("cp850"), "IBM850"},
	{STR_INIT("cp437"), "IBM437"},
	{STR_INIT("cp866"), "IBM866"},
	{STR_INIT("macintosh"), "MACINTOSH"},
	{STR_INIT("iso-2022-jp"), "ISO-2022-JP"},
	{STR_INIT("shift_jis"), "CP932"},
	{STR_INIT("shift-jis"), "CP932"},
	{STR_INIT("windows-31j"), "CP932"},
	{STR_INIT("cp932"), "CP932"},
	{STR_INIT("euc-jp"), "EUC-JP"},
	{STR_INIT("gb2312"), "GBK"},
	{STR_INIT("gbk"), "GBK"},
	{STR_INIT("gb18030"), "GB18030"},
	{STR_INIT("big5"), "BIG5"},
	{STR_INIT("euc-kr"), "CP949"},
	{STR_INIT("ks_c_5601-1987"), "CP949"},
	{STR_INIT("iso-2022-kr"), "ISO-2022-KR"},
};

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* The name for iconv_open, or NULL. */
static const char *charset_find(struct str name)
{
	if (name.len == 0)
		return "WINDOWS-1252";
	if (name.len > CHARSET_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (str_equals_nocase(name, charsets[i].name))
			return charsets[i].iconv_name;
	return NULL;
}

bool message_charset_is_known(struct str charset)
{
	return charset_find(charset) != NULL;
}

void message_text_prepare(void)
{
	/* Held open for good, or glibc would take them out of memory again. */
	static iconv_t held[sizeof(charsets) / sizeof(charsets[0])];

	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		held[i] = iconv_open("UTF-8", charsets[i].iconv_name);
	(void)held;
}

bool utf8_check(struct str text)
{
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text.ptr;
	size_t left = text.len;

	while (left > 0) {
		utf8proc_int32_t code;
		utf8proc_ssize_t taken = 1;
		if (*at >= 0x80)
			taken = utf8proc_iterate(at, (utf8proc_ssize_t)left, &code);
		if (taken <= 0)
			return false;
		at += taken;
		left -= (size_t)taken;
	}
	return true;
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

/* Well-formed UTF-8 is copied, wrong bytes are replaced one by one. */
static void append_utf8(struct buf *to, struct str bytes)
{
	if (utf8_check(bytes)) {
		buf_append_str(to, bytes);
		return;
	}
	for (size_t i = 0; i < bytes.len;) {
		utf8proc_int32_t code;
		utf8proc_ssize_t taken = utf8proc_iterate((const utf8proc_uint8_t *)bytes.ptr + i,
							  (utf8proc_ssize_t)(bytes.len - i), &code);
		if (taken > 0)
			buf_append(to, bytes.ptr + i, (size_t)taken);
		else
			buf_append_c(to, replacement);
		i += taken > 0 ? (size_t)taken : 1;
	}
}

static void convert_all(struct buf *to, iconv_t converter, struct str bytes)
{
	char *in = (char *)(uintptr_t)bytes.ptr;
	size_t in_left = bytes.len;

	while (in_left > 0 && !to->failed) {
		char piece[1024];
		char *out = piece;
		size_t out_left = sizeof(piece);
		size_t result = iconv(converter, &in, &in_left, &out, &out_left);
		int error = result == (size_t)-1 ? errno : 0;
		buf_append(to, piece, sizeof(piece) - out_left);
		if (error == 0 || error == E2BIG)
			continue;
		buf_append_c(to, replacement);
		if (error == EINVAL)
			return;
		in++;
		in_left--;
	}
}

/*
 * What everybody sends who says nothing: read without the library. Bytes that
 * Windows-1252 leaves free are 0 here.
 */
static void append_windows_1252(struct buf *to, struct str bytes)
{
	static const uint16_t upper[32] = {
		0x20ac, 0,	0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,	0x017d, 0,
		0,	0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,	0x017e, 0x0178,
	};

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];
		utf8proc_int32_t code = c < 0x80 || c >= 0xa0 ? c : upper[c - 0x80];
		utf8proc_uint8_t utf8[4];
		if (code == 0 && c != 0)
			buf_append_c(to, replacement);
		else
			buf_append(to, utf8, (size_t)utf8proc_encode_char(code, utf8));
	}
}

static void convert(struct buf *to, const char *iconv_name, struct str bytes)
{
	if (strcmp(iconv_name, "WINDOWS-1252") == 0) {
		append_windows_1252(to, bytes);
		return;
	}

	iconv_t converter = iconv_open("UTF-8", iconv_name);

	/* A system without this converter: better the ASCII part than nothing. */
	if (converter == (iconv_t)-1) {
		append_utf8(to, bytes);
		return;
	}
	convert_all(to, converter, bytes);
	iconv_close(converter);
}

void message_text_convert(struct buf *to, struct str charset, struct str bytes)
{
	const char *iconv_name = charset_find(charset);
	bool is_guess = iconv_name == NULL || strcmp(iconv_name, "WINDOWS-1252") == 0;

	if (is_guess && is_ascii(bytes))
		buf_append_str(to, bytes);
	else if (iconv_name != NULL && strcmp(iconv_name, "UTF-8") == 0)
		append_utf8(to, bytes);
	else if (iconv_name == NULL && utf8_check(bytes))
		buf_append_str(to, bytes);
	else
		convert(to, iconv_name == NULL ? "WINDOWS-1252" : iconv_name, bytes);
}

struct encoded_word {
	struct str charset;
	char encoding; /* 'b' or 'q' */
	struct str text;
	size_t len; /* with all its marks */
};

/*
 * `=?charset*language?encoding?text?=` at the front of `text` (RFC 2047 section 2, RFC
 * 2231 section 5).
 */
static bool encoded_word_parse(struct str text, struct encoded_word *word)
{
	if (!str_has_prefix(text, STR("=?")))
		return false;
	struct str rest = str_sub(text, 2, ENCODED_WORD_MAX);
	struct str charset = str_cut(&rest, '?');
	struct str encoding = str_cut(&rest, '?');
	size_t end = str_find(rest, STR("?="));
	if (charset.len > 2 * CHARSET_NAME_MAX || encoding.len != 1 || end == STR_NONE)
		return false;
	word->charset = str_cut(&charset, '*');
	word->encoding = ascii_lower(encoding.ptr[0]);
	word->text = str_sub(rest, 0, end);
	word->len = (size_t)(rest.ptr + end + 2 - text.ptr);
	return word->encoding == 'b' || word->encoding == 'q';
}

/* RFC 2047 section 4.2: quoted-printable, and "_" for a blank. */
static void q_text_decode(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		int high = c == '=' && i + 2 < text.len ? hex_digit_value(text.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex_digit_value(text.ptr[i + 2]) : -1;
		if (low >= 0) {
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '_') {
			c = ' ';
		}
		buf_append_char(to, c);
	}
}

static void encoded_word_append(struct buf *bytes, const struct encoded_word *word)
{
	if (word->encoding == 'b')
		mime_base64_decode(bytes, word->text);
	else
		q_text_decode(bytes, word->text);
}

/* Takes encoded words of one character set that stand side by side; gives the bytes taken. */
static size_t encoded_words_take(struct buf *to, struct str text, const struct encoded_word *first)
{
	struct buf bytes = BUF_INIT(text.len);
	struct encoded_word word = *first;
	size_t taken = 0;

	for (;;) {
		encoded_word_append(&bytes, &word);
		taken += word.len;
		struct str rest = str_from(text, taken);
		while (rest.len > 0 && ascii_is_space(rest.ptr[0]))
			rest = str_from(rest, 1);
		struct encoded_word next;
		if (!encoded_word_parse(rest, &next))
			break;
		/* Blanks between two encoded words are no text (RFC 2047 section 6.2). */
		taken = text.len - rest.len;
		if (!str_equals_nocase(next.charset, first->charset))
			break;
		word = next;
	}
	message_text_convert(to, first->charset, buf_str(&bytes));
	buf_done(&bytes);
	return taken;
}

void message_words_decode(struct buf *to, struct str value)
{
	struct buf line = BUF_INIT(value.len + 1);

	message_value_unfold(&line, value);
	struct str rest = buf_str(&line);
	while (rest.len > 0) {
		struct encoded_word word;
		size_t taken = str_find(rest, STR("=?"));
		if (taken == STR_NONE)
			taken = rest.len;
		if (taken == 0 && encoded_word_parse(rest, &word)) {
			rest = str_from(rest, encoded_words_take(to, rest, &word));
			continue;
		}
		if (taken == 0)
			taken = 2 < rest.len ? 2 : rest.len;
		message_text_convert(to, STR("x-guess"), str_sub(rest, 0, taken));
		rest = str_from(rest, taken);
	}
	buf_done(&line);
}

static void append_folded_ascii(struct buf *to, struct str text)
{
	bool after_blank = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_blank = ascii_is_space(c);
		if (!is_blank || !after_blank)
			buf_append_char(to, is_blank ? ' ' : ascii_lower(c));
		after_blank = is_blank;
	}
}

void message_text_fold(struct buf *to, struct str utf8)
{
	utf8proc_uint8_t *folded = NULL;

	if (is_ascii(utf8)) {
		append_folded_ascii(to, utf8);
		return;
	}
	utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
				    UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)utf8.ptr,
					    (utf8proc_ssize_t)utf8.len, &folded, options);
	append_folded_ascii(to, len < 0 ? utf8 : str_make(folded, (size_t)len));
	free(folded);
}
