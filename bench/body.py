#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 6: MB per CPU second of a server for one large body over TLS."""

import os

import corpus
import harness
import peers

SERVERS = ["postern", "dovecot", "dovecot-sdbox"]


def mailbox_fill(options, servers):
    mbox = options.work / "body.mbox"
    for server in servers:
        if not server.is_new:
            continue
        if not mbox.exists():
            corpus.large(mbox, options.mib)
            os.chmod(mbox, 0o644)
        server.start()
        server.mailbox_import(mbox)
        server.stop()


def measure(options, server):
    fetcher = harness.Fetcher(options, server.ports["imaps"], peers.user(), "INBOX",
                              "FETCH 1 (BODY.PEEK[])")
    fetcher.run()
    before = server.cpu_seconds()
    answer = fetcher.run()
    cpu = server.cpu_seconds() - before
    fetcher.close()
    return {"mb": answer["bytes"] / 1e6, "mb_per_cpu_s": answer["bytes"] / 1e6 / cpu,
            "mb_per_s": answer["bytes"] / 1e6 / answer["seconds"]}


def main():
    options = harness.parse(__doc__, SERVERS, mib=1024)
    servers = peers.made(options)
    mailbox_fill(options, servers)
    results = harness.rounds(options, servers, lambda s: measure(options, s))
    harness.table(results, "Postern", [
        ("mb_per_cpu_s", "MB per CPU second of the server", ">= 5 times"),
        ("mb_per_s", "MB per second", "-")])
    harness.done(options)


main()
