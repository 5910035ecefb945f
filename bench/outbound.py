#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 8: messages out of the queue to many domains, in the clear and by TLS."""

import time

import harness
import sending

WAYS = {"plain": sending.sink_plain, "tls": sending.sink_tls}
LIMIT_SECONDS = 120


def drain(options, server, way):
    """The queue is full when the server starts: the clock runs from the first to the last message."""
    held = sending.Held()
    server.start()
    sending.submit(options, server, options.messages)
    server.stop()
    held.stop()
    sink = WAYS[way](options)
    server.start()
    seconds = sink.wait(options.messages, LIMIT_SECONDS)
    sending.rest(server)
    cpu = server.cpu_seconds()
    server.stop()
    sink.stop()
    return {"drain_per_s": options.messages / seconds, "drain_ms": 1000 * cpu / options.messages,
            **sink.told}


def through(options, server, way):
    """Messages come in and go out at the same time: from the first byte to the last message."""
    sink = WAYS[way](options)
    server.start()
    sending.submit(options, server, options.sessions)
    sink.wait(options.sessions, LIMIT_SECONDS)
    sending.rest(server)
    cpu, begin = server.cpu_seconds(), time.monotonic()
    sending.submit(options, server, options.messages)
    sink.wait(options.messages + options.sessions, LIMIT_SECONDS)
    seconds = sink.last - begin
    sending.rest(server)
    cpu = server.cpu_seconds() - cpu
    server.stop()
    sink.stop()
    return {"through_per_s": options.messages / seconds,
            "through_ms": 1000 * cpu / options.messages,
            "through_sessions": sink.told["sessions"]}


def case(options, servers, way):
    results = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in servers:
            result = {**drain(options, server, way), **through(options, server, way)}
            results[server.name].append(result)
            shown = "  ".join(f"{key} {value:.4g}" for key, value in result.items())
            print(f"{way}, round {number + 1}  {server.name:14} {shown}", flush=True)
    harness.table(results, "Postern", [
        ("drain_per_s", f"{way}: messages a second, from the first that goes to the last", ">= 2 times"),
        ("drain_ms", f"{way}: server CPU per message, ms, from the server's start", "<= 1/2"),
        ("through_per_s", f"{way}: messages a second, from the first that comes to the last that goes",
         ">= 2 times"),
        ("through_ms", f"{way}: server CPU per message, ms", "<= 1/2")])


def main():
    options = harness.parse(__doc__, list(sending.SERVERS), messages=10000, domains=100, bytes=4096,
                            sessions=20, ways="plain,tls", level="may")
    options.dns = sending.zones_serve(options)
    servers = sending.made(options)
    for way in options.ways.split(","):
        case(options, servers, way)
    harness.done(options)


main()
