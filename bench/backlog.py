#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 9: how a server with a large queue starts, and what memory it holds it in."""

import time

import harness
import sending

LIMIT_SECONDS = 300


def filled(options, server):
    """Queues the messages while nobody takes any; the server has ended."""
    held = sending.Held()
    server.start()
    sending.submit(options, server, options.messages)
    server.stop()
    held.stop()


def at_rest(server, begin):
    """Waits until the server has read its queue and found nobody to send to: its CPU time stands still.

    Gives the seconds from `begin` to when it last did something.
    """
    used, last = server.cpu_seconds(), time.monotonic()
    while time.monotonic() - last < 2:
        time.sleep(0.05)
        before, used = used, server.cpu_seconds()
        if used - before > 0.005:
            last = time.monotonic()
        if time.monotonic() - begin > LIMIT_SECONDS:
            harness.fail(f"{server.name} does not come to rest")
    return last - begin


def measure(options, server):
    held = sending.Held()
    begin, ready_s = server.start_timed()
    first_s = held.first_connection() - begin
    rest_s = at_rest(server, begin)
    result = {"ready_s": ready_s, "first_s": first_s, "rest_s": rest_s,
              "cpu_s": server.cpu_seconds(),
              "mib": server.pss_kib() / 1024,
              **{f"{name} MiB": kib / 1024 for name, kib in server.pss_kib_by_name().items()}}
    server.stop()
    held.stop()
    return result


def main():
    options = harness.parse(__doc__, ["postern", "postfix"], messages=100000, domains=100,
                            bytes=4096, sessions=20, level="may")
    options.dns = sending.zones_serve(options)
    servers = sending.made(options)
    for server in servers:
        if server.is_new:
            filled(options, server)
    results = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in servers:
            result = measure(options, server)
            results[server.name].append(result)
            shown = "  ".join(f"{key} {value:.4g}" for key, value in result.items())
            print(f"round {number + 1}  {server.name:14} {shown}", flush=True)
    harness.table(results, "Postern", [
        ("ready_s", "seconds until the server says that it is ready, or its ports answer", "< 2"),
        ("first_s", "seconds until it connects to the first server", "< 2"),
        ("rest_s", "seconds until it has read all that it reads, and waits for others", "< 2"),
        ("cpu_s", "CPU seconds until then", "-"),
        ("mib", "MiB, proportional set size of all its processes", "< 300")])
    harness.done(options)


main()
