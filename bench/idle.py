#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 3: memory of an idle IMAP session over TLS, all processes of the server."""

import subprocess
import time

import harness
import peers

SERVERS = ["postern", "dovecot", "dovecot-tuned"]


def measure(options, server):
    time.sleep(2)
    empty = server.pss_kib()
    cpu = server.cpu_seconds()
    load = subprocess.Popen(
        [options.build / "bench" / "load_idle", str(server.ports["imaps"]),
         str(options.connections), harness.PASSWORD, harness.DOMAIN, str(peers.USERS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if load.stdout.readline() != "ready\n":
        harness.fail("load_idle failed")
    time.sleep(options.settle)
    full = server.pss_kib()
    used = server.cpu_seconds() - cpu
    load.stdin.close()
    load.wait(60)
    return {"empty_mib": empty / 1024, "full_mib": full / 1024,
            "kib_each": (full - empty) / options.connections,
            "login_cpu_ms": 1000 * used / options.connections}


def main():
    options = harness.parse(__doc__, SERVERS, connections=2000, settle=10)
    results = harness.rounds(options, peers.made(options), lambda s: measure(options, s))
    harness.table(results, "Postern", [
        ("kib_each", "KiB of proportional memory per idle session", "<= 24 KiB"),
        ("empty_mib", "MiB without a session", "-"),
        ("login_cpu_ms", "server CPU from connect to IDLE, ms", "-")])
    harness.done(options)


main()
