/* SPDX-License-Identifier: Apache-2.0 */
#include "store/feed.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store_internal.h"

enum { RECONNECT_MS = 100 };

struct feed {
	struct role_client *role;
	struct channel channel; /* fd -1: not connected */
	struct packet packet;
	int stop_fd; /* readable once the feed is to stop */
};

struct feed *feed_new(struct store *store)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	CHECK(feed != NULL && store->role != NULL);
	feed->role = store->role;
	feed->channel.fd = -1;
	packet_init(&feed->packet);
	feed->stop_fd = eventfd(0, EFD_CLOEXEC);
	CHECK(feed->stop_fd >= 0);
	return feed;
}

/*
 * Waits until the channel has something or `timeout_ms` are over; false when the feed is to stop.
 */
static bool feed_wait(struct feed *feed, int timeout_ms)
{
	struct pollfd waited[2] = {{.fd = feed->stop_fd, .events = POLLIN},
				   {.fd = feed->channel.fd, .events = POLLIN}};

	/* An interruption only means to look again. */
	(void)poll(waited, 2, timeout_ms);
	return (waited[0].revents & POLLIN) == 0;
}

/* Connects and asks for the feed; the role begins it with a notice to look at everything. */
static void feed_connect(struct feed *feed)
{
	struct msg_feed_wanted wanted; /* has no fields */

	if (role_client_open(feed->role, &feed->channel) != FAULT_NONE) {
		feed->channel.fd = -1;
		return;
	}
	if (channel_send(&feed->channel, MSG_feed_wanted, 0, &wanted) != FAULT_NONE)
		channel_close(&feed->channel);
}

bool feed_next(struct feed *feed, struct feed_notice *notice_out)
{
	while (feed_wait(feed, feed->channel.fd < 0 ? 0 : -1)) {
		if (feed->channel.fd < 0) {
			feed_connect(feed);
			if (feed->channel.fd < 0 && !feed_wait(feed, RECONNECT_MS))
				return false;
			continue;
		}
		if (channel_receive(&feed->channel, &feed->packet) != FAULT_NONE ||
		    feed->packet.header.kind != MSG_feed_changed) {
			channel_close(&feed->channel);
			continue;
		}
		*notice_out = (struct feed_notice){
			.account = feed->packet.message.feed_changed.account,
			.sequence = feed->packet.message.feed_changed.sequence};
		return true;
	}
	return false;
}

void feed_stop(struct feed *feed)
{
	uint64_t one = 1;

	CHECK(write(feed->stop_fd, &one, sizeof(one)) == sizeof(one));
}

void feed_free(struct feed **feed)
{
	struct feed *old = *feed;

	*feed = NULL;
	if (old == NULL)
		return;
	channel_close(&old->channel);
	packet_done(&old->packet);
	fd_close(&old->stop_fd);
	free(old);
}
