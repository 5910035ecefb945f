#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 2: messages of 4 KiB over SMTP, durable and in the mailbox."""

import imaplib
import re
import ssl
import time

import harness
import peers

SERVERS = ["postern", "postfix-dovecot", "postfix-sdbox"]


def sessions_open(options, server):
    """One IMAP session a mailbox, made before the clock starts."""
    context = ssl._create_unverified_context()
    sessions = []
    for number in range(options.sessions):
        session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context)
        session.login(peers.user(number), harness.PASSWORD)
        sessions.append(session)
    return sessions


def readable(session):
    answer = session.status("INBOX", "(MESSAGES)")[1][0].decode()
    return int(re.search(r"MESSAGES (\d+)", answer).group(1))


def wait_readable(sessions, wanted, limit_seconds=300):
    """Waits for one mailbox after the other, so that the asking costs the server little."""
    end = time.monotonic() + limit_seconds
    for session, count in zip(sessions, wanted):
        while readable(session) < count:
            if time.monotonic() > end:
                harness.fail("the messages did not all come to the mailboxes")
            time.sleep(0.1)


def measure(options, server):
    def send(messages):
        return harness.load(options, "load_smtp", server.ports["smtp"], options.sessions,
                            messages, options.bytes, harness.DOMAIN)

    send(options.sessions)
    sessions = sessions_open(options, server)
    time.sleep(2)
    before = [readable(session) for session in sessions]
    cpu, flushes, start = server.cpu_seconds(), server.flushes.count(), time.monotonic()
    answer = send(options.messages)
    wait_readable(sessions, [count + answer["each"] for count in before])
    seconds = time.monotonic() - start
    total = answer["each"] * options.sessions
    result = {"readable_per_s": total / seconds, "accepted_per_s": total / answer["seconds"],
              "cpu_ms": 1000 * (server.cpu_seconds() - cpu) / total,
              "flushes": (server.flushes.count() - flushes) / total}
    for session in sessions:
        session.logout()
    return result


def main():
    options = harness.parse(__doc__, SERVERS, sessions=20, messages=2000, bytes=4096)
    results = harness.rounds(options, peers.made(options), lambda s: measure(options, s))
    harness.table(results, "Postern", [
        ("readable_per_s", "messages a second, from the first byte to all readable", ">= 10 times"),
        ("accepted_per_s", "messages a second, accepted (250)", "-"),
        ("cpu_ms", "server CPU per message, ms", "<= 1/10"),
        ("flushes", "flushes to disk per message", "< 0.3")])
    harness.done(options)


main()
