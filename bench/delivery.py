#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 2: messages of 4 KiB over SMTP, durable and in the mailbox."""

import imaplib
import ssl
import time

import harness
import peers

SERVERS = ["postern", "postfix-dovecot", "postfix-sdbox"]


def sessions_open(server):
    """One IMAP session a mailbox, made before the clock starts."""
    context = ssl._create_unverified_context()
    sessions = []
    for number in range(peers.USERS):
        session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context)
        session.login(peers.user(number), harness.PASSWORD)
        sessions.append(session)
    return sessions


def readable(sessions):
    total = 0
    for session in sessions:
        answer = session.status("INBOX", "(MESSAGES)")[1][0].decode()
        total += int(answer[answer.rindex("MESSAGES") + 9:].rstrip(")"))
    return total


def wait_readable(sessions, wanted, limit_seconds=600):
    end = time.monotonic() + limit_seconds
    while readable(sessions) < wanted:
        if time.monotonic() > end:
            harness.fail("the messages did not all come to the mailboxes")
        time.sleep(0.05)


def measure(options, server):
    harness.load(options, "load_smtp", server.ports["smtp"], options.sessions, options.sessions,
                 options.bytes, harness.DOMAIN)
    sessions = sessions_open(server)
    time.sleep(1)
    before = readable(sessions)
    cpu, flushes, start = server.cpu_seconds(), server.flushes.count(), time.monotonic()
    answer = harness.load(options, "load_smtp", server.ports["smtp"], options.sessions,
                          options.messages, options.bytes, harness.DOMAIN)
    accepted_cpu = server.cpu_seconds() - cpu
    wait_readable(sessions, before + options.messages)
    seconds = time.monotonic() - start
    result = {"accepted_per_s": options.messages / answer["seconds"],
              "readable_per_s": options.messages / seconds,
              "cpu_ms": 1000 * max(server.cpu_seconds() - cpu, accepted_cpu) / options.messages,
              "flushes": (server.flushes.count() - flushes) / options.messages}
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
