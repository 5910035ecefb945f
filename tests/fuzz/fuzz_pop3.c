/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/pop3: command lines, and messages of any bytes on their way out. */
#include "proto/pop3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(struct pop3_encoder *encoder, struct str text, uint8_t seed, struct buf *to)
{
	struct str run;

	while (text.len > 0 && !encoder->is_full) {
		seed = (uint8_t)(seed * 5 + 3);
		struct str piece = str_sub(text, 0, 1 + seed % 17);
		text = str_from(text, piece.len);
		while ((run = pop3_encoder_step(encoder, &piece)).len > 0)
			buf_append_str(to, run);
		CHECK(piece.len == 0 || encoder->is_full);
	}
	buf_append_str(to, pop3_encoder_end(encoder));
}

/* What a client undoes is the message, with its line ends mended; no line of it is a lone dot. */
static void response_check(struct str response, struct str message)
{
	struct buf undone = BUF_INIT(response.len), mended = BUF_INIT(2 * message.len + 2);

	CHECK(str_has_suffix_nocase(response, STR(".\r\n")));
	response.len -= 3;
	for (struct str rest = response; rest.len > 0;) {
		struct str line = str_cut(&rest, '\n');
		CHECK(!str_equals(line, STR(".\r")) && !str_equals(line, STR(".")));
		CHECK(line.len > 0 && line.ptr[line.len - 1] == '\r');
		buf_append_str(&undone, line.ptr[0] == '.' ? str_from(line, 1) : line);
		buf_append_char(&undone, '\n');
	}
	for (size_t i = 0; i < message.len; i++) {
		if (message.ptr[i] == '\n' && (i == 0 || message.ptr[i - 1] != '\r'))
			buf_append_char(&mended, '\r');
		buf_append_char(&mended, message.ptr[i]);
	}
	if (mended.len > 0 && mended.data[mended.len - 1] != '\n')
		buf_append_str(&mended, STR("\r\n"));
	CHECK(str_equals(buf_str(&undone), buf_str(&mended)));
	buf_done(&undone);
	buf_done(&mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pop3_command command;
	struct pop3_encoder encoder;
	struct buf out = BUF_INIT(3 * size + 16);

	if (size == 0)
		return 0;
	struct str text = str_make(data + 1, size - 1);
	if (pop3_command_parse(text, &command) == POP3_ERROR_NONE)
		CHECK(command.verb < POP3_VERB_COUNT && command.number <= POP3_NUMBER_MAX);
	pop3_encoder_init(&encoder);
	encode(&encoder, text, data[0], &out);
	response_check(buf_str(&out), text);
	buf_reset(&out);
	pop3_encoder_init_top(&encoder, data[0] % 8);
	encode(&encoder, text, data[0], &out);
	CHECK(!out.failed);
	buf_done(&out);
	return 0;
}
