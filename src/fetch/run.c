/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/run.h"

#include "crypto/digest.h"
#include "store/wire.h"

enum { RUN_VERSION = 1, TEXT_MAX = 4096, HOST_MAX = 512 };

_Static_assert((int)FETCHED_SOURCE_BYTES == (int)SHA256_BYTES, "a source is a digest");

void fetch_run_put(struct buf *to, const struct fetch_run *run)
{
	wire_put_u8(to, RUN_VERSION);
	wire_put_u64(to, (uint64_t)run->begun_s);
	wire_put_u64(to, (uint64_t)run->ended_s);
	wire_put_u64(to, (uint64_t)run->next_s);
	wire_put_u32(to, run->failures);
	wire_put_u64(to, run->fetched);
	wire_put_u64(to, run->bytes);
	wire_put_u64(to, run->deleted);
	wire_put_u64(to, run->left);
	wire_put_text(to, str_sub(run->why, 0, TEXT_MAX));
	wire_put_text(to, str_sub(run->tls, 0, TEXT_MAX));
}

bool fetch_run_take(struct str text, struct fetch_run *run_out)
{
	struct cursor from = cursor_make(text);

	if (cursor_u8(&from) != RUN_VERSION)
		return false;
	struct fetch_run run = {.begun_s = (int64_t)cursor_u64(&from)};
	run.ended_s = (int64_t)cursor_u64(&from);
	run.next_s = (int64_t)cursor_u64(&from);
	run.failures = cursor_u32(&from);
	run.fetched = cursor_u64(&from);
	run.bytes = cursor_u64(&from);
	run.deleted = cursor_u64(&from);
	run.left = cursor_u64(&from);
	run.why = wire_take_text(&from);
	run.tls = wire_take_text(&from);
	if (!cursor_is_done(&from))
		return false;
	*run_out = run;
	return true;
}

void fetch_source_make(const struct pop3_account *account,
		       unsigned char source_out[FETCHED_SOURCE_BYTES])
{
	struct buf host = BUF_INIT(HOST_MAX);
	struct sha256 sha;

	for (size_t i = 0; i < account->host.len; i++)
		buf_append_char(&host, ascii_lower(account->host.ptr[i]));
	sha256_init(&sha);
	sha256_update_framed(&sha, buf_str(&host));
	sha256_update_framed(&sha, account->user);
	sha256_final(&sha, source_out);
	buf_done(&host);
}
