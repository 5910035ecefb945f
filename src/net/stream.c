/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* A reply is bounded by its writer; this is where a writer that forgot to look ends. */
enum { OUTPUT_MAX = 64 * 1024 * 1024 };

static enum io io_from_errno(bool is_input)
{
	if (errno == EAGAIN || errno == EINTR)
		return is_input ? IO_WANT_INPUT : IO_WANT_OUTPUT;
	return IO_BROKEN;
}

static enum io plain_read(void *state, int fd, char *to, size_t cap, size_t *got_out)
{
	ssize_t got = recv(fd, to, cap, MSG_DONTWAIT);

	if (got < 0)
		return io_from_errno(true);
	if (got == 0)
		return IO_CLOSED;
	*got_out = (size_t)got;
	return IO_DONE;
}

static enum io plain_write(void *state, int fd, const char *from, size_t len, size_t *done_out)
{
	ssize_t done = send(fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done < 0)
		return io_from_errno(false);
	*done_out = (size_t)done;
	return IO_DONE;
}

const struct transport transport_plain = {.read = plain_read, .write = plain_write};

void stream_init(struct stream *stream, int fd, size_t in_max)
{
	*stream = (struct stream){.fd = fd,
				  .transport = &transport_plain,
				  .in = BUF_INIT(in_max + STREAM_CHUNK),
				  .in_max = in_max,
				  .out = BUF_INIT(OUTPUT_MAX)};
}

static void transport_drop(struct stream *stream)
{
	if (stream->transport->free != NULL)
		stream->transport->free(stream->transport_state);
	stream->transport = &transport_plain;
	stream->transport_state = NULL;
}

void stream_shutdown(struct stream *stream)
{
	if (stream->is_shut || stream->broken == IO_BROKEN)
		return;
	stream->is_shut = true;
	if (stream->transport->close != NULL)
		stream->transport->close(stream->transport_state, stream->fd);
	(void)shutdown(stream->fd, SHUT_WR);
}

void stream_done(struct stream *stream)
{
	stream_shutdown(stream);
	transport_drop(stream);
	fd_close(&stream->fd);
	/* Input may hold a password. */
	buf_wipe(&stream->in);
	buf_done(&stream->out);
}

void stream_transport_set(struct stream *stream, const struct transport *transport, void *state)
{
	CHECK(stream_input(stream).len == 0);
	transport_drop(stream);
	stream->transport = transport;
	stream->transport_state = state;
}

/* Who may not be silent longer may not be slow longer. */
static int bulk_grace_ms(const struct stream *stream)
{
	return stream->bulk_idle_ms < STREAM_BULK_GRACE_MS ? stream->bulk_idle_ms
							   : STREAM_BULK_GRACE_MS;
}

/* Progress of a bulk transfer moves its deadline: the sooner of silence and of too slow a rate. */
static void bulk_progress(struct stream *stream, size_t bytes)
{
	if (!stream_is_bulk(stream))
		return;
	stream->bulk_bytes += bytes;
	int64_t silence = clock_mono_ms() + stream->bulk_idle_ms;
	stream->deadline_ms = silence;
	if (stream->bulk_rate > 0) {
		int64_t pace = stream->bulk_start_ms + bulk_grace_ms(stream) +
			       (int64_t)(stream->bulk_bytes * 1000 / stream->bulk_rate);
		if (pace < silence)
			stream->deadline_ms = pace;
	}
}

static void input_compact(struct stream *stream)
{
	if (stream->in_at == 0)
		return;
	buf_consume(&stream->in, stream->in_at);
	stream->in_at = 0;
}

enum io stream_fill(struct stream *stream)
{
	if (stream->broken != IO_DONE)
		return stream->broken;
	input_compact(stream);
	if (stream->in.len >= stream->in_max)
		return IO_WANT_INPUT;
	char *room = buf_reserve(&stream->in, STREAM_CHUNK);
	CHECK(room != NULL);
	size_t got = 0;
	enum io io = stream->transport->read(stream->transport_state, stream->fd, room,
					     STREAM_CHUNK, &got);
	if (io == IO_DONE) {
		buf_commit(&stream->in, got);
		stream->bytes_in += got;
		bulk_progress(stream, got);
	} else if (io == IO_CLOSED || io == IO_BROKEN)
		stream->broken = io;
	return io;
}

void stream_consume(struct stream *stream, size_t len)
{
	CHECK(len <= stream_input(stream).len);
	stream->in_at += len;
	if (stream->in_at == stream->in.len) {
		buf_reset(&stream->in);
		stream->in_at = 0;
	}
}

size_t stream_input_discard(struct stream *stream)
{
	size_t len = stream_input(stream).len;

	stream_consume(stream, len);
	return len;
}

bool stream_has_pending(const struct stream *stream)
{
	return stream->transport->has_pending != NULL &&
	       stream->transport->has_pending(stream->transport_state);
}

/* One write of foreign or queued bytes, counted. */
static enum io write_once(struct stream *stream, struct str bytes, size_t *done_out)
{
	if (stream->broken != IO_DONE)
		return stream->broken;
	size_t done = 0;
	enum io io = stream->transport->write(stream->transport_state, stream->fd, bytes.ptr,
					      bytes.len, &done);
	if (io == IO_CLOSED || io == IO_BROKEN)
		stream->broken = io;
	if (io == IO_DONE) {
		stream->bytes_out += done;
		bulk_progress(stream, done);
	}
	*done_out = done;
	return io;
}

enum io stream_flush(struct stream *stream)
{
	CHECK(!stream->out.failed);
	while (stream_unsent(stream) > 0) {
		size_t done = 0;
		enum io io = write_once(stream, str_from(buf_str(&stream->out), stream->out_at),
					&done);
		if (io != IO_DONE)
			return io;
		stream->out_at += done;
	}
	buf_reset(&stream->out);
	stream->out_at = 0;
	return IO_DONE;
}

enum io stream_send(struct stream *stream, struct str bytes, size_t *sent_out)
{
	enum io io = stream_flush(stream);

	*sent_out = 0;
	while (io == IO_DONE && *sent_out < bytes.len) {
		size_t done = 0;
		io = write_once(stream, str_from(bytes, *sent_out), &done);
		*sent_out += done;
	}
	return io;
}

void stream_expect(struct stream *stream, int ms)
{
	stream->bulk_start_ms = 0;
	stream->deadline_ms = ms == 0 ? 0 : clock_mono_ms() + ms;
}

void stream_bulk(struct stream *stream, int idle_ms, uint32_t bytes_per_s)
{
	stream->bulk_start_ms = clock_mono_ms();
	stream->bulk_bytes = 0;
	stream->bulk_rate = bytes_per_s;
	stream->bulk_idle_ms = idle_ms;
	stream->deadline_ms = stream->bulk_start_ms + idle_ms;
}

void stream_bulk_end(struct stream *stream)
{
	stream->bulk_start_ms = 0;
	stream->deadline_ms = 0;
}

void stream_rest(struct stream *stream)
{
	if (stream_input(stream).len == 0) {
		/* Input may have held a password. */
		buf_wipe(&stream->in);
		stream->in_at = 0;
	}
	if (stream_unsent(stream) == 0) {
		buf_done(&stream->out);
		stream->out_at = 0;
	}
}
