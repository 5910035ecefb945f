/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session's two-way stream of bytes: buffers, pace, and a transport below
 * that is plain or TLS. Nothing here blocks.
 *
 * 1. Input stays in the buffer until it is consumed; views into it hold until
 *    the next stream_fill or stream_consume.
 * 2. Output is queued without limit of its own, but a writer asks
 *    stream_is_full (OUTPUT_HIGH bytes unsent) and then waits.
 * 3. What the peer owes has a deadline: stream_expect for a line, which
 *    progress does not extend (a byte a minute is no life sign), stream_bulk
 *    for bodies and large output, which must keep a minimum rate.
 * 4. An idle stream holds no buffers.
 * 5. After IO_BROKEN or IO_CLOSED the stream stays so.
 */
#ifndef POSTERN_NET_STREAM_H
#define POSTERN_NET_STREAM_H

#include "base/buf.h"

enum io {
	IO_DONE,
	IO_WANT_INPUT,  /* nothing to read now */
	IO_WANT_OUTPUT, /* the peer does not take more now */
	IO_CLOSED,      /* the peer closed in order */
	IO_BROKEN       /* reset, or a TLS failure */
};

/* How bytes go through a descriptor. All non-blocking; `state` is the transport's. */
struct transport {
	/* Reads 1 to `cap` bytes. */
	enum io (*read)(void *state, int fd, char *to, size_t cap, size_t *got_out);
	/*
	 * Writes 1 to `len` bytes. After IO_WANT_*, the same bytes come again
	 * (perhaps elsewhere in memory, and more of them).
	 */
	enum io (*write)(void *state, int fd, const char *from, size_t len, size_t *done_out);
	/* True when input waits inside the transport, which epoll cannot see. May be NULL. */
	bool (*has_pending)(void *state);
	/* Says goodbye (close_notify), best effort. May be NULL. */
	void (*close)(void *state, int fd);
	/* Frees `state`. May be NULL. */
	void (*free)(void *state);
};

extern const struct transport transport_plain;

enum {
	/* Unsent output above which a writer waits. */
	STREAM_OUTPUT_HIGH = 64 * 1024,
	STREAM_CHUNK = 16 * 1024,
	/* Until a bulk transfer is this old, its rate is not judged. */
	STREAM_BULK_GRACE_MS = 30 * 1000,
};

struct stream {
	int fd; /* owned */
	const struct transport *transport;
	void *transport_state;
	struct buf in;
	size_t in_at;
	size_t in_max; /* stream_fill keeps at most so much */
	struct buf out;
	size_t out_at;
	enum io broken; /* IO_DONE while whole */
	int64_t deadline_ms; /* 0: none */
	int64_t bulk_start_ms; /* 0: no bulk transfer */
	uint64_t bulk_bytes;
	uint32_t bulk_rate;
	int bulk_idle_ms;
	uint64_t bytes_in;
	uint64_t bytes_out;
	bool is_shut; /* we said goodbye */
};

/* Takes over the descriptor, which must be non-blocking; plain until stream_transport_set. */
void stream_init(struct stream *stream, int fd, size_t in_max);

/*
 * Says goodbye and sends the end of our side, once. What the peer still sends
 * can be read, and should be: unread input would make the kernel reset the
 * connection and take our last words with it.
 */
void stream_shutdown(struct stream *stream);

/* Says goodbye, closes, frees. */
void stream_done(struct stream *stream);

/* Puts another transport below, taking over its state. Buffered input must be gone: CHECKed. */
void stream_transport_set(struct stream *stream, const struct transport *transport, void *state);

/* ---- input ---- */

/*
 * Reads what is there, at most STREAM_CHUNK bytes or up to in_max unread.
 * IO_DONE: the view grew. IO_WANT_INPUT: nothing there (or the view is full).
 */
enum io stream_fill(struct stream *stream);

/* What was read and not consumed. */
static inline struct str stream_input(const struct stream *stream)
{
	return str_make(stream->in.data == NULL ? NULL : stream->in.data + stream->in_at,
			stream->in.len - stream->in_at);
}

void stream_consume(struct stream *stream, size_t len);

/*
 * Forgets what was read: before STARTTLS, so that nothing said in the clear
 * counts behind TLS. Returns how much it was.
 */
size_t stream_input_discard(struct stream *stream);

/* True when stream_fill would give input though epoll is silent. */
bool stream_has_pending(const struct stream *stream);

/* ---- output ---- */

/* The buffer to append replies to; sent by stream_flush. */
static inline struct buf *stream_output(struct stream *stream)
{
	return &stream->out;
}

static inline size_t stream_unsent(const struct stream *stream)
{
	return stream->out.len - stream->out_at;
}

static inline bool stream_is_full(const struct stream *stream)
{
	return stream_unsent(stream) >= STREAM_OUTPUT_HIGH;
}

/* Sends what is queued. IO_DONE: all of it left. */
enum io stream_flush(struct stream *stream);

/*
 * Sends from foreign memory (a mapped segment) without copying, after what is
 * queued. Counts in `*sent_out` how much went, also when it returns IO_WANT_*.
 */
enum io stream_send(struct stream *stream, struct str bytes, size_t *sent_out);

/* ---- pace ---- */

/* The peer has `ms` from now for its next line; progress does not extend it. 0: no deadline. */
void stream_expect(struct stream *stream, int ms);

/*
 * A large transfer begins, either way: at most `idle_ms` between two bytes, and
 * after STREAM_BULK_GRACE_MS, or `idle_ms` if that is less, at least `bytes_per_s` on average.
 */
void stream_bulk(struct stream *stream, int idle_ms, uint32_t bytes_per_s);
static inline bool stream_is_bulk(const struct stream *stream)
{
	return stream->bulk_start_ms != 0;
}
/* It ended; a deadline is to be set anew. */
void stream_bulk_end(struct stream *stream);

/* Frees the buffers of a stream that waits for a peer; keeps unread input and unsent output. */
void stream_rest(struct stream *stream);

#endif
