#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the table of truth: products of policies and peers, whose outcome model.py works out, and the cases of
written.json, which stand for themselves.

    generate.py            writes tests/truth/cases.json
    generate.py --manual   writes docs/manual/truth.md from it
    generate.py --check    says whether both are up to date (exit code 1 when not)
"""
import itertools
import json
import sys
from pathlib import Path

import client_cases
import manual
import model
import rules
from peers import PEERS, new

HERE = Path(__file__).resolve().parent
CASES, WRITTEN = HERE / "cases.json", HERE / "written.json"
MANUAL = HERE.parents[1] / "docs" / "manual" / "truth.md"
SERVICES = list(model.TABLES)
HYBRID = "X25519MLKEM768"
EVERY = ",".join(model.EVERY)


class Table:
    """The table being made."""

    def __init__(self):
        self.policies, self.peers, self.cases, self.names = {}, {}, [], set()
        # Each case goes to another service, so that all of them meet all kinds.
        self.turn = itertools.cycle(SERVICES)

    def policy(self, name, **layers):
        """A policy of the two tables and of services; Both=... stands for the two tables."""
        both = layers.pop("Both", None)
        if both is not None:
            layers = {"Security": both, "SmtpSecurity": both, **layers}
        self.policies[name] = layers
        return name

    def add(self, rule, policy, peer, service=None, **more):
        service = service or next(self.turn)
        name = f"{policy} | {service} | {peer}"
        if "hybrid" in more:
            name += f" | {'with' if more['hybrid'] else 'without'} {HYBRID}"
        if name in self.names:
            return
        self.names.add(name)
        self.peers[peer] = PEERS[peer]
        expect, log = model.answer(self.policies[policy], service, PEERS[peer])
        case = {"name": name, "rule": rule, "direction": "listener", "policy": policy, "service": service,
                "peer": peer, "expect": expect, **more}
        if log:
            case["log"] = log
        self.cases.append(case)

    def add_pair(self, rule, policies, peer, service, expect):
        """A session made under the first policy is offered under the second."""
        policy, then = policies
        for one in policies:
            self.policies.setdefault(one, {name: {"ServerTlsCiphers": one.removeprefix("ciphers ")}
                                           for name in ("Security", "SmtpSecurity")})
        version = peer.removeprefix("finishes ")
        self.peers.setdefault(peer, {"complete": {"version": version}})
        name = f"{policy} | {service} | {peer}, with a ticket | {then}"
        self.names.add(name)
        self.cases.append({"name": name, "rule": rule, "direction": "listener", "policy": policy, "service": service,
                           "peer": peer, "then": then, "expect": expect})

    def add_all(self, rule, policies, peers, services=(None,)):
        for policy, peer, service in itertools.product(policies, peers, services):
            self.add(rule, policy, peer, service)


def protocol_lists(table):
    """Rules 1 and 6: every list there is, with and without holes, and none."""
    peers = ["at most SSLv3", "at most TLSv1", "at most TLSv1.1", "at most TLSv1.2", "TLSv1.3 only", "today's",
             "lists all four", "lists TLSv1 and TLSv1.1"]
    policies = [table.policy("nothing set", Both={}), table.policy("empty values", Both={
        "ServerTlsProtocols": "", "ServerTlsCiphers": " ", "EphemeralDHKeySize": ""})]
    for count in range(1, len(model.EVERY) + 1):
        for chosen in itertools.combinations(model.EVERY, count):
            policies.append(table.policy(f"protocols {','.join(chosen)}", Both={
                "ServerTlsProtocols": ",".join(chosen)}))
    table.add_all("1, 6", policies, peers)
    spelled = table.policy("protocols in other spellings", Both={"ServerTlsProtocols": " tlsV1.0 , TLSV1.2"})
    unavailable = table.policy("protocols SSLv3,TLSv1.2", Both={"ServerTlsProtocols": "SSLv3,TLSv1.2"})
    table.add_all("1, 7", [spelled, unavailable], peers[:6])


def services_and_tables(table):
    """Section 2: which table governs what, and overrides of one service."""
    peers = ["at most TLSv1.1", "at most TLSv1.2", "TLSv1.3 only"]
    strict = {"ServerTlsProtocols": "TLSv1.3"}
    loose = {"ServerTlsProtocols": "TLSv1,TLSv1.1,TLSv1.2"}
    policies = [table.policy("Security strict, SmtpSecurity loose", Security=strict, SmtpSecurity=loose),
                table.policy("Security loose, SmtpSecurity strict", Security=loose, SmtpSecurity=strict)]
    table.add_all("section 2", policies, peers, SERVICES)
    for service in SERVICES:
        override = table.policy(f"{service} stricter than its table", Both=loose,
                                Service={service: {"ServerTlsProtocols": "TLSv1.2,TLSv1.3",
                                                   "ServerTlsCiphers": "ECDHE+AESGCM"}})
        neighbour = SERVICES[(SERVICES.index(service) + 1) % len(SERVICES)]
        table.add_all("section 2", [override], ["at most TLSv1.1", "DHE only", "today's"], [service, neighbour])
    exchange = table.policy("IMAPS without DHE and ECDHE", Both=loose, Service={
        "IMAPS": {"EnableEphemeralDH": "0", "EnableEphemeralECDH": "0"}})
    table.add_all("section 2, 9", [exchange], ["DHE only", "ECDHE only", "static RSA only"], ["IMAPS", "IMAP"])
    order = table.policy("POP3 lets the peer's order decide", Both=loose, Service={
        "POP3": {"ServerCipherPreference": "0"}})
    table.add_all("section 2", [order], ["DHE before ECDHE"], ["POP3", "POP3S"])


STRINGS = [
    "HIGH:!aNULL:!MD5",
    "ECDHE+AESGCM",
    "ECDHE:DHE",
    "kRSA",
    "ALL:!ECDHE",
    "ALL:-AES128:+kRSA",
    "HIGH:+AES256",
    "HIGH:-kDHE:!CAMELLIA:!ARIA",
    "ALL:!AES:@STRENGTH",
    "AES128:AES256:@STRENGTH",
    "aECDSA",
    "aRSA:!kRSA",
    "ALL:!SHA1:!SHA256:!SHA384",
    "SHA1",
    "AESCCM:CAMELLIA",
    "CHACHA20:AESGCM",
    "RC4:3DES:AES128",
    "HIGH:!aNULL:!eNULL:!ADH:!AECDH:!EXPORT",
    "HIGH:NOSUCHNAME",
    "ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:AES128-SHA",
    "DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256:ECDHE-RSA-AES256-GCM-SHA384:TLS_RSA_WITH_RC4_128_SHA",
    "tls_rsa_with_aes_128_cbc_sha256:!TLS_RSA_WITH_AES_128_CBC_SHA",
    "HIGH:!TLS_RSA_WITH_AES_128_CBC_SHA:!TLS_RSA_WITH_AES_256_CBC_SHA",
]
STRING_PEERS = ["at most TLSv1", "at most TLSv1.2", "CBC only", "DHE before ECDHE", "static RSA only",
                "ChaCha20 only", "AES-128-GCM only", "AES-256 of ECDHE-RSA, CBC-SHA384"]


def cipher_strings(table):
    """Rules 2 and 3: what the strings leave, for lists by default and for peers of each kind."""
    for string in STRINGS:
        table.policy(f"ciphers {string}", Both={"ServerTlsCiphers": string})
        table.add_all("3", [f"ciphers {string}"], STRING_PEERS)
    table.add_all("2", ["nothing set"], [
        "DHE only", "ECDHE only", "static RSA only", "CBC only", "CCM only", "Camellia only", "ARIA only",
        "ChaCha20 only", "RC4, 3DES and export", "RC4, 3DES and export, TLSv1", "a pre-shared key",
        "P-384 before P-256"])


def suites_13(table):
    """Rule 3: names of TLS 1.3 in a cipher string."""
    peers = [f"{name} only" for name in (*model.DEFAULT_13, "TLS_AES_128_CCM_SHA256")] + ["TLS 1.3, ChaCha20 first"]
    for string in ("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:HIGH", "HIGH:!TLS_AES_128_GCM_SHA256",
                   "HIGH:-TLS_AES_256_GCM_SHA384:+TLS_CHACHA20_POLY1305_SHA256", "HIGH:TLS_AES_128_CCM_SHA256",
                   "TLS_CHACHA20_POLY1305_SHA256:!TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:HIGH",
                   "HIGH:+TLS_AES_256_GCM_SHA384", "CHACHA20:!AESGCM",
                   "HIGH:!TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
                   "HIGH:!TLS_AES_128_GCM_SHA256:!TLS_AES_256_GCM_SHA384:!TLS_CHACHA20_POLY1305_SHA256"):
        name = table.policy(f"ciphers {string}", Both={"ServerTlsCiphers": string})
        table.add_all("3", [name], peers)
        table.add("3, 8", name, "today's")
    alone = table.policy("TLSv1.3 with one suite", Both={"ServerTlsProtocols": "TLSv1.3",
                                                        "ServerTlsCiphers": "TLS_AES_128_GCM_SHA256"})
    table.add_all("3", [alone], peers[:3] + ["at most TLSv1.2", "today's"])


def anonymous(table):
    """Rule 4: whatever the string says, nothing without proof or encryption."""
    peers = ["anonymous", "anonymous, TLSv1", "anonymous first, then CBC", "NULL encryption", "NULL encryption, TLSv1"]
    policies = ["nothing set", "protocols TLSv1,TLSv1.1", "ciphers HIGH:!aNULL:!MD5", "ciphers ALL:-AES128:+kRSA",
                table.policy("ciphers ALL, DH of 1024 bits", Both={"ServerTlsCiphers": "ALL",
                                                                  "EphemeralDHKeySize": "1024"}),
                table.policy("ciphers ALL:-aNULL:-eNULL", Both={"ServerTlsCiphers": "ALL:-aNULL:-eNULL"})]
    table.add_all("4", policies, peers)


def exchanges(table):
    """Rule 9: DHE and ECDHE on and off, and the sizes of DHE."""
    peers = ["DHE only", "DHE only, TLSv1", "ECDHE only", "ECDHE only, TLSv1", "static RSA only",
             "static RSA only, TLSv1", "ECDHE and DHE", "today's", "TLS 1.3 with X25519", "TLS 1.3 with P-521",
             "TLS 1.3 with ffdhe2048", "TLS 1.3 with ffdhe4096"]
    for dhe, ecdhe in itertools.product("10", "10"):
        name = table.policy(f"DHE {dhe}, ECDHE {ecdhe}", Both={"EnableEphemeralDH": dhe, "EnableEphemeralECDH": ecdhe})
        table.add_all("9", [name], peers)
    for size in ("1024", "2048", "4096"):
        name = table.policy(f"DH of {size} bits", Both={"EphemeralDHKeySize": size})
        table.add_all("9", [name], peers[:2] + ["ECDHE and DHE", "TLS 1.3 with X25519", "TLS 1.3 with ffdhe4096",
                                                "at most TLSv1.2"])
        table.add_all("9", [table.policy(f"DH of {size} bits, no ECDHE", Both={
            "EphemeralDHKeySize": size, "EnableEphemeralECDH": "0"})], ["today's", "at most TLSv1.2", "at most TLSv1"])
    off = table.policy("DH of 4096 bits while DHE is off", Both={"EphemeralDHKeySize": "4096",
                                                                "EnableEphemeralDH": "0"})
    old_switch = table.policy("DisableEphemeralDH 1", Both={"DisableEphemeralDH": "1"})
    both = table.policy("DisableEphemeralDH 1, EnableEphemeralDH 1", Both={"DisableEphemeralDH": "1",
                                                                           "EnableEphemeralDH": "1"})
    table.add_all("9", [off, old_switch, both], ["DHE only", "DHE only, TLSv1", "TLS 1.3 with ffdhe2048"])
    bare = table.policy("TLSv1.2 with static RSA only", Both={
        "ServerTlsProtocols": "TLSv1.2", "EnableEphemeralDH": "0", "EnableEphemeralECDH": "0"})
    table.add_all("9", [bare], ["ECDHE and DHE", "static RSA only", "at most TLSv1.2", "today's"])


def groups(table):
    """Rules 9 and 10: which groups there are, with and without a share for them."""
    peers = [f"TLS 1.3 with {name}" for name in ("P-256", "P-384", "X448", "ffdhe3072")] + [
        "TLS 1.3 with ffdhe2048, X25519 without a share", "TLS 1.3 with brainpool's share, P-256 without one",
        "TLS 1.3 with secp256k1", "P-384 before P-256", "X25519 alone, ECDHE-RSA", "X25519 alone, ECDHE-ECDSA",
        "secp256k1 alone", "secp256k1 alone, with static RSA"]
    table.add_all("9, 10", ["nothing set", "DHE 1, ECDHE 0"], peers)


def preference(table):
    """ServerCipherPreference, in TLS 1.2 and 1.3, for suites and groups."""
    peers = ["DHE before ECDHE", "TLS 1.3, ChaCha20 first", "P-384 before P-256", "ECDHE and DHE", "CBC only",
             "at most TLSv1", "today's", "at most TLSv1.2"]
    strings = {"": "default ciphers", "AES128:AES256:CHACHA20": "AES-128 first", "DHE:ECDHE": "DHE first"}
    for order, (string, text) in itertools.product("01", strings.items()):
        name = table.policy(f"preference {order}, {text}", Both={"ServerCipherPreference": order,
                                                                "ServerTlsCiphers": string})
        table.add_all("ServerCipherPreference", [name], peers)


def signatures(table):
    """Rule 5: SHA-1 in TLS 1.0 and 1.1 only."""
    peers = ["RSA signatures only", "ECDSA signatures only", "SHA-1 signatures only",
             "SHA-1 and MD5 signatures before SHA-256", "SHA-1 signatures only, TLSv1.1"]
    policies = ["nothing set", "protocols TLSv1,TLSv1.1,TLSv1.2,TLSv1.3", "protocols TLSv1.2,TLSv1.3"]
    table.add_all("5", policies, peers)


def signals(table):
    """RFC 5746, RFC 7507, RFC 6066."""
    peers = ["fell back to TLSv1", "fell back to TLSv1.1", "fell back to TLSv1.2", "fallback signal in a full hello",
             "secure renegotiation by signal", "secure renegotiation by signal, TLSv1", "no secure renegotiation",
             "asks for an unknown name", "asks for an unknown name, TLSv1", "asks for localhost"]
    policies = ["nothing set", "protocols TLSv1.2", "protocols TLSv1,TLSv1.1"]
    table.add_all("6", policies, peers)


HOSTILE = {
    "weak": "[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nMaxProtocol = TLSv1.2\n"
            "CipherString = ALL:eNULL:aNULL:@SECLEVEL=0\nCiphersuites = TLS_AES_128_CCM_SHA256\nGroups = secp256k1\n"
            "Options = UnsafeLegacyRenegotiation,-ServerPreference\n",
    "strict": "[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1.3\nMaxProtocol = TLSv1.3\n"
              "CipherString = PSK:@SECLEVEL=5\nCiphersuites = TLS_AES_128_CCM_8_SHA256\nGroups = brainpoolP512r1\n"
              "SignatureAlgorithms = ed448\n",
    # Providers of the machine's own, among which OpenSSL's default one is not.
    "foreign": "[a]\nproviders = p\nalg_section = q\n[p]\nbase = r\n[r]\nactivate = 1\n[q]\n"
               "default_properties = provider=nobody\n",
}


def hostile(table):
    """Rule 5: the machine's openssl.cnf must not leak in."""
    peers = ["at most TLSv1", "at most TLSv1.1", "at most TLSv1.2", "today's", "TLS_AES_128_CCM_SHA256 only",
             "TLS_AES_128_GCM_SHA256 only", "secp256k1 alone", "anonymous", "anonymous, TLSv1", "NULL encryption",
             "DHE only", "DHE before ECDHE", "SHA-1 signatures only", "TLS 1.3 with ffdhe2048",
             "TLS 1.3, ChaCha20 first"]
    for kind in HOSTILE:
        for name, variables in (("nothing set", {}), ("TLSv1.2,TLSv1.3", {"ServerTlsProtocols": "TLSv1.2,TLSv1.3"})):
            policy = table.policy(f"{name}, under a {kind} openssl.cnf", Both=variables)
            table.add_all("5", [policy], peers)
            table.policies[policy] = {**table.policies[policy], "openssl_cnf": kind}


def hybrid(table):
    """Rule 10: X25519MLKEM768 where OpenSSL has it."""
    PEERS["TLS 1.3 with X25519MLKEM768"] = new(["TLSv1.3"], ["TLS_AES_128_GCM_SHA256"], HYBRID,
                                             groups=[HYBRID, "X25519"])
    PEERS["TLS 1.3 with X25519MLKEM768 and nothing else"] = new(["TLSv1.3"], ["TLS_AES_128_GCM_SHA256"], HYBRID,
                                                              groups=[HYBRID])
    peers = ("TLS 1.3 with X25519MLKEM768", "TLS 1.3 with X25519MLKEM768 and nothing else")
    for policy, peer in itertools.product(("nothing set", "DHE 0, ECDHE 1", "DHE 1, ECDHE 0"), peers):
        for service in SERVICES if policy == "nothing set" else (None,):
            for without in (False, True):
                has = [name for name in model.CURVES if not (without and name == HYBRID)]
                kept, model.CURVES = model.CURVES, has
                table.add("10", policy, peer, service, hybrid=not without)
                model.CURVES = kept


def every_service(table):
    """What holds, holds on each port: kinds of peers that the rules tell apart, on all eight."""
    peers = ["SSL 2.0", "SSLv3 in SSL 2.0's form", "TLSv1 in SSL 2.0's form", "TLSv1.1 in SSL 2.0's form",
             "TLSv1.2 in SSL 2.0's form", "at most SSLv3", "at most TLSv1", "at most TLSv1.1", "at most TLSv1.2",
             "TLSv1.3 only", "today's, with GREASE", "anonymous", "RC4, 3DES and export", "DHE only",
             "static RSA only"]
    table.add_all("6", ["nothing set", "protocols TLSv1.2,TLSv1.3"], peers, SERVICES)
    table.add_all("9", ["DHE 0, ECDHE 0"], ["at most TLSv1.2", "DHE only", "ECDHE only", "TLSv1.3 only"], SERVICES)
    table.add_all("5", [f"nothing set, under a {kind} openssl.cnf" for kind in HOSTILE],
                  ["at most TLSv1", "anonymous", "today's"], SERVICES)


TICKETS_LOSE = "ciphers CHACHA20:TLS_CHACHA20_POLY1305_SHA256"

# What a service may have of its own -> the peer that shows it, where both tables are loose.
OVERRIDES = {
    "EnableEphemeralDH 0": "DHE only", "DisableEphemeralDH 1": "DHE only", "EphemeralDHKeySize 4096": "DHE only",
    "EnableEphemeralECDH 0": "ECDHE and DHE", "ServerCipherPreference 0": "DHE before ECDHE",
    "ServerTlsProtocols TLSv1.2": "at most TLSv1.1", "ServerTlsCiphers kRSA": "at most TLSv1.2",
}


def overrides(table):
    """Section 2: each variable of a service overrides its table for that service, and for no other."""
    for service, (override, peer) in itertools.product(SERVICES, OVERRIDES.items()):
        name, _, value = override.partition(" ")
        policy = table.policy(f"{service} with {override}", Both={"ServerTlsProtocols": "TLSv1.1,TLSv1.2"},
                              Service={service: {name: value}})
        neighbour = SERVICES[(SERVICES.index(service) + 1) % len(SERVICES)]
        table.add_all("section 2", [policy], [peer], [service, neighbour])
    variables = {"ServerTlsCiphers": ("ECDHE", "kRSA"), "EnableEphemeralDH": ("0", "1"),
                 "ServerCipherPreference": ("0", "1")}
    for name, values in variables.items():
        for first, second in (values, values[::-1]):
            policy = table.policy(f"Security with {name} {first}, SmtpSecurity with {second}",
                                  Security={name: first}, SmtpSecurity={name: second})
            table.add_all("section 2", [policy], ["DHE before ECDHE", "static RSA only"], SERVICES)


def tickets(table):
    """Section 7, on each port: a session resumes under the policy that it was made under, and under no other."""
    for service, version in itertools.product(SERVICES, ("TLSv1.2", "TLSv1.3")):
        peer = f"finishes {version}"
        for then, suites in (("nothing set", {"TLSv1.2": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                              "TLSv1.3": "TLS_AES_256_GCM_SHA384"}),
                             (TICKETS_LOSE, {"TLSv1.2": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                                             "TLSv1.3": "TLS_CHACHA20_POLY1305_SHA256"})):
            table.add_pair("section 7", ("nothing set", then), peer, service, {
                "version": version, "suite": suites[version], "resumed": then == "nothing set"})


def meaningless(table):
    """RFC 8701, and versions that nobody knows yet."""
    table.add_all("6", ["nothing set", "protocols TLSv1.2,TLSv1.3", "protocols TLSv1.3", "protocols TLSv1,TLSv1.1"],
                  ["today's, with GREASE", "lists GREASE and TLSv1.1", "a version of the future, unlisted"])


def make():
    table = Table()
    for part in (protocol_lists, services_and_tables, cipher_strings, suites_13, anonymous, exchanges, groups,
                 preference, signatures, signals, hostile, hybrid, every_service, overrides, tickets, meaningless):
        part(table)
    written = json.loads(WRITTEN.read_text())
    for kind, mine in (("policies", table.policies), ("peers", table.peers)):
        for name, value in written[kind].items():
            if mine.setdefault(name, value) != value:
                sys.exit(f"written.json: {kind} {name!r} means something else in generate.py")
    for case in written["cases"]:
        if case["name"] in table.names:
            sys.exit(f"written.json: {case['name']!r} stands twice")
        table.names.add(case["name"])
    clients = client_cases.make(HOSTILE)
    return {"openssl_cnf": HOSTILE, "policies": {**table.policies, **clients.policies}, "peers": table.peers,
            "servers": clients.servers, "cases": table.cases + written["cases"], "client_cases": clients.cases}


def text_of(data):
    """JSON with one policy, peer and case to a line, so that a difference can be read."""
    def line(value):
        return json.dumps(value, ensure_ascii=False)
    parts = []
    for name, value in data.items():
        if isinstance(value, dict):
            rows = ",\n".join(f"{line(key)}: {line(one)}" for key, one in value.items())
            parts.append(f"{line(name)}: {{\n{rows}\n}}")
        else:
            rows = ",\n".join(line(one) for one in value)
            parts.append(f"{line(name)}: [\n{rows}\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    data = make()
    cases, page = text_of(data), manual.page(data)
    if "--check" in sys.argv:
        stale = [path.name for path, text in ((CASES, cases), (MANUAL, page))
                 if not path.exists() or path.read_text() != text]
        stale += rules.lacking(data["cases"] + data["client_cases"])
        if stale:
            sys.exit(f"not up to date: {', '.join(stale)}; run tests/truth/generate.py and generate.py --manual")
    elif "--manual" in sys.argv:
        MANUAL.write_text(page)
    else:
        CASES.write_text(cases)
        print(f"{len(data['cases'])} cases of listeners, {len(data['client_cases'])} of clients, "
              f"{len(data['policies'])} policies, {len(data['peers'])} peers, {len(data['servers'])} servers")


if __name__ == "__main__":
    main()
