#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 1: how many of N connections resume a TLS session, over all processes of a server."""

import harness
import peers

SERVERS = ["postern", "postern-fronts", "dovecot", "dovecot-tuned", "postfix", "nginx"]


def measure(options, server):
    result = {}
    port = server.ports.get("imaps") or server.ports.get("smtps") or server.ports["https"]
    is_http = ["http"] if "https" in server.ports else []
    for version in ("1.2", "1.3"):
        cpu = server.cpu_seconds()
        answer = harness.load(options, "load_resume", port, version, options.connections,
                              options.open, *is_http)
        result[f"tls{version}_percent"] = 100 * answer["resumed"] / answer["connections"]
        result[f"tls{version}_cpu_ms"] = (
            1000 * (server.cpu_seconds() - cpu) / answer["connections"])
    return result


def main():
    options = harness.parse(__doc__, SERVERS, connections=500, open=8)
    results = harness.rounds(options, peers.made(options), lambda s: measure(options, s))
    harness.table(results, "Postern", [
        ("tls1.2_percent", "TLS 1.2 sessions resumed, percent", "100"),
        ("tls1.3_percent", "TLS 1.3 sessions resumed, percent", "100"),
        ("tls1.2_cpu_ms", "server CPU per TLS 1.2 connection, ms", "-"),
        ("tls1.3_cpu_ms", "server CPU per TLS 1.3 connection, ms", "-")])
    harness.done(options)


main()
