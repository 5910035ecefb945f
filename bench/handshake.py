#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 6: server CPU of a TLS connection from accept to greeting, against a bare loop."""

import copy
import socket
import ssl

import harness
import peers

SERVERS = ["floor", "floor-1-ticket", "nginx", "dovecot-tuned", "dovecot", "postfix", "postern"]
FLOORS = {"floor", "floor-1-ticket"}
# key kind, version, how
CASES = [("ecdsa", "1.3", "full"), ("rsa", "1.3", "full"), ("ecdsa", "1.3", "resumed"),
         ("ecdsa", "1.2", "full"), ("rsa", "1.2", "full"), ("ecdsa", "1.2", "resumed")]
REACH = {("ecdsa", "1.3", "full"): "<= 0.9", ("rsa", "1.3", "full"): "<= 1.05",
         ("ecdsa", "1.3", "resumed"): "<= 1.0"}


def port_of(server):
    return server.ports.get("imaps") or server.ports.get("smtps") or server.ports["https"]


def greeting_of(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port_of(server))) as connection:
        with context.wrap_socket(connection) as tls:
            return tls.recv(4096).decode("ascii")


def measure(options, server, version, how):
    """Microseconds of CPU for a handshake: of all processes, and of the one that has the keys."""
    is_http = ["http"] if "https" in server.ports else []
    before, keys_before = server.cpu_seconds(), server.cpu_seconds("postern-keys")
    answer = harness.load(options, "load_handshake", port_of(server), version, how,
                          options.handshakes, options.peers, *is_http)
    used = server.cpu_seconds() - before
    keys = server.cpu_seconds("postern-keys") - keys_before
    wanted = 0.99 * (answer["handshakes"] - options.peers) if how == "resumed" else 0
    if how == "resumed" and answer["resumed"] < wanted and not server.name.startswith("Dovecot"):
        print(f"    {server.name}: only {answer['resumed']} of {answer['handshakes']} resumed")
    return {"cpu_us": 1e6 * used / answer["handshakes"],
            "keys_us": 1e6 * keys / answer["handshakes"],
            "resumed": 100 * answer["resumed"] / answer["handshakes"],
            "per_second": answer["handshakes"] / answer["seconds"]}


class Kind:
    """All servers with one kind of certificate, up at the same time: idle ones cost nothing."""

    def __init__(self, options, kind):
        self.options = copy.copy(options)
        self.options.key_kind = kind
        self.options.work = options.work / kind
        self.options.work.mkdir(mode=0o755, exist_ok=True)
        self.servers = peers.made(self.options)

    def start(self):
        floors = [server for server in self.servers if isinstance(server, peers.Floor)]
        others = [server for server in self.servers if server not in floors]
        for server in others:
            server.start()
            # The floor says what Postern says.
            if server.name == "Postern":
                for floor in floors:
                    floor.GREETING = greeting_of(server)
        for server in floors:
            server.start()

    def stop(self):
        for server in self.servers:
            server.stop()

    def measured(self, cases):
        """Server after server in each case, so that a slow minute falls on all."""
        self.start()
        try:
            return {case: {server.name: measure(self.options, server, *case[1:])
                           for server in self.servers} for case in cases}
        finally:
            self.stop()


def shown(case, results):
    """The medians of a case, and what each is to the floor of the same run."""
    kind, version, how = case
    floor = harness.median(results, "floor", "cpu_us") if "floor" in results else 0
    reach = f" (reach of Postern/floor: {REACH[case]})" if case in REACH else ""
    print(f"\nTLS {version} {kind} {how}: microseconds of server CPU{reach}")
    for name in results:
        value = harness.median(results, name, "cpu_us")
        keys = harness.median(results, name, "keys_us")
        line = f"    {name:16} {value:8.0f}"
        if floor:
            ratios = [one["cpu_us"] / other["cpu_us"]
                      for one, other in zip(results[name], results["floor"])]
            line += f"   {value / floor:6.2f} of the floor ({min(ratios):.2f} to {max(ratios):.2f})"
        if keys:
            line += f"   keys {keys:.0f}"
        if how == "resumed":
            line += f"   resumed {harness.median(results, name, 'resumed'):.0f} %"
        print(line + f"   {harness.median(results, name, 'per_second'):.0f}/s")


def main():
    options = harness.parse(__doc__, SERVERS, handshakes=800, peers=8, only="")
    cases = [case for case in CASES if options.only in " ".join(case)]
    kinds = {kind: Kind(options, kind) for kind in dict.fromkeys(case[0] for case in cases)}
    results = {case: {} for case in cases}
    for number in range(options.rounds):
        for name, kind in kinds.items():
            for case, by_server in kind.measured([c for c in cases if c[0] == name]).items():
                for server, result in by_server.items():
                    results[case].setdefault(server, []).append(result)
                print(f"round {number + 1}  {' '.join(case):20}",
                      "  ".join(f"{server} {result['cpu_us']:.0f}"
                                for server, result in by_server.items()), flush=True)
    for case in cases:
        shown(case, results[case])
    harness.done(options)


main()
