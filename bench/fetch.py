#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures 4 and 5: CPU of a server for flags and envelopes of a large mailbox, over TLS."""

import os
import resource
import time

import corpus
import harness
import peers

SERVERS = ["postern", "dovecot", "dovecot-sdbox"]
FLAGS = "FETCH 1:* (FLAGS)"
ENVELOPES = "FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE)"


def all_cpu_seconds(server):
    """Of the server, and of the tools that have ended."""
    tools = resource.getrusage(resource.RUSAGE_CHILDREN)
    return server.cpu_seconds() + tools.ru_utime + tools.ru_stime


def mailbox_fill(options, servers):
    """Imports the corpus into every server that is new."""
    mbox = options.work / "large.mbox"
    for server in servers:
        if not server.is_new:
            continue
        if not mbox.exists():
            corpus.many(mbox, options.messages)
            os.chmod(mbox, 0o644)
        server.start()
        cpu, start = all_cpu_seconds(server), time.monotonic()
        server.mailbox_import(mbox)
        print(f"import   {server.name:16} {time.monotonic() - start:.1f} s, "
              f"CPU of server and tool {all_cpu_seconds(server) - cpu:.1f} s", flush=True)
        server.stop()


def cpu_of(server, work):
    before = server.cpu_seconds()
    answer = work()
    return server.cpu_seconds() - before, answer


def fetch_run(options, server, command, repeat):
    """CPU of one command in a fresh session, the mean of `repeat`, and the bytes of its answer."""
    fetcher = harness.Fetcher(options, server.ports["imaps"], peers.user(), "INBOX", command)
    cpu, answers = cpu_of(server, lambda: [fetcher.run() for _ in range(repeat)])
    fetcher.close()
    return cpu / repeat, answers[-1]["bytes"] / 1e6


def measure(options, server):
    server.forget_fetched()
    first, _ = fetch_run(options, server, ENVELOPES, 1)
    warm, envelope_mb = fetch_run(options, server, ENVELOPES, options.repeat)
    flags, flags_mb = fetch_run(options, server, FLAGS, options.repeat)
    return {"flags_cpu_s": flags, "first_cpu_s": first, "warm_cpu_s": warm,
            "flags_mb": flags_mb, "envelope_mb": envelope_mb}


def main():
    options = harness.parse(__doc__, SERVERS, messages=100000, repeat=5)
    servers = peers.made(options)
    mailbox_fill(options, servers)
    results = harness.rounds(options, servers, lambda s: measure(options, s))
    harness.table(results, "Postern", [
        ("flags_cpu_s", f"server CPU seconds, {FLAGS}", "<= 1/2"),
        ("first_cpu_s", f"server CPU seconds, {ENVELOPES}, first time", "<= 1/4"),
        ("warm_cpu_s", f"server CPU seconds, {ENVELOPES}, warm", "<= 1/4")])
    harness.done(options)


main()
