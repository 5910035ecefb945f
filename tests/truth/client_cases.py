# SPDX-License-Identifier: Apache-2.0
"""The cases of the table of truth where Postern is the client; client_model.py works out what comes of them."""
import itertools

import client_model
import model

SERVICES = list(client_model.TABLES)
ALL_OLD = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
           "TLS_RSA_WITH_AES_128_CBC_SHA"]
SERVERS = {
    "TLSv1 only": {"versions": ["TLSv1"], "suites": ALL_OLD},
    "TLSv1.1 only": {"versions": ["TLSv1.1"], "suites": ALL_OLD},
    "TLSv1.2 only": {"versions": ["TLSv1.2"], "suites": ALL_OLD},
    "TLSv1.3 only": {"versions": ["TLSv1.3"]},
    "TLSv1 to TLSv1.2": {"versions": ["TLSv1", "TLSv1.1", "TLSv1.2"], "suites": ALL_OLD},
    "all four": {"versions": model.EVERY, "suites": ALL_OLD},
    "ECDHE only": {"versions": ["TLSv1.2"], "suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
    "ECDHE with CBC only": {"versions": ["TLSv1.2"], "suites": ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"]},
    "DHE only": {"versions": ["TLSv1.2"], "suites": ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"]},
    "static RSA only": {"versions": ["TLSv1.2"], "suites": ["TLS_RSA_WITH_AES_128_GCM_SHA256"]},
    "DHE before ECDHE": {"versions": ["TLSv1.2"], "suites": ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
                                                            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
    "DHE of 1024 bits": {"versions": ["TLSv1.2"], "suites": ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"], "dh": 1024},
    "DHE of 1024 bits, TLSv1": {"versions": ["TLSv1"], "suites": ["TLS_DHE_RSA_WITH_AES_128_CBC_SHA"], "dh": 1024},
    "DHE of 4096 bits": {"versions": ["TLSv1.2"], "suites": ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"], "dh": 4096},
    "anonymous only": {"versions": ["TLSv1.2"], "suites": ["TLS_DH_anon_WITH_AES_256_GCM_SHA384"]},
    "looks at the hello": {"raw": {"alert": 40}},
}
REFUSALS = {
    40: "refused: it found nothing acceptable in what was offered: TLSv1.2, TLSv1.3, the suites of "
        "SmtpSecurity/ClientTlsCiphers (the default), the groups ",
    42: "refused: it wants a certificate of the client (alert 42, bad_certificate)",
    47: "refused: it holds a value in what was offered to be wrong (alert 47, illegal_parameter)",
    48: "refused: it does not trust a certificate (alert 48, unknown_ca)",
    49: "refused: it does not want to go on (alert 49, access_denied)",
    50: "refused: it could not read what it got (alert 50, decode_error)",
    70: "refused: it speaks none of the versions offered; SmtpSecurity/ClientTlsProtocols (mailserver.cfg:LINE) offers "
        "TLSv1.2, TLSv1.3 (alert 70, protocol_version); it has to be upgraded",
    71: "refused: it wants stronger algorithms than SmtpSecurity/ClientTlsCiphers (the default) and ",
    80: "refused: it failed inside (alert 80, internal_error)",
    86: "refused: it takes the versions offered for a fallback; SmtpSecurity/ClientTlsProtocols",
    112: "refused: it does not know the name ADDRESS (alert 112, unrecognized_name)",
    116: "refused: it wants a certificate of the client (alert 116, certificate_required)",
    120: "refused: it found no common application protocol (alert 120, no_application_protocol)",
    255: "refused with alert 255",
}
OFFERS_12 = "SmtpSecurity/ClientTlsProtocols (mailserver.cfg:LINE) offers TLSv1.2, TLSv1.3"
RAW = {
    "answers with SSLv3": ({"hello": {"version": "SSLv3", "suite": "TLS_RSA_WITH_AES_128_CBC_SHA"}},
                           f"answered with SSLv3; {OFFERS_12}; it has to be upgraded; answered with alert 70, "
                           "protocol_version"),
    "answers with TLSv1": ({"hello": {"version": "TLSv1", "suite": "TLS_RSA_WITH_AES_128_CBC_SHA"}},
                           f"answered with TLSv1; {OFFERS_12}; it has to be upgraded; answered with alert 70, "
                           "protocol_version"),
    "answers with TLSv1.1": ({"hello": {"version": "TLSv1.1", "suite": "TLS_RSA_WITH_AES_128_CBC_SHA"}},
                             f"answered with TLSv1.1; {OFFERS_12}; it has to be upgraded; answered with alert 70, "
                             "protocol_version"),
    "answers with the mark of a downgrade": (
        {"hello": {"version": "TLSv1.2", "suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "sentinel": True}},
        "answered with TLSv1.2 and the mark of a server that can do better (RFC 8446 section 4.1.3); "
        f"{OFFERS_12}; something on the way changes handshakes"),
    "answers with a suite that was not offered": (
        {"hello": {"version": "TLSv1.2", "suite": "TLS_RSA_WITH_RC4_128_SHA"}},
        "which was not offered; SmtpSecurity/ClientTlsCiphers (the default) says what is"),
    "answers with an anonymous suite": (
        {"hello": {"version": "TLSv1.2", "suite": "TLS_DH_anon_WITH_AES_256_GCM_SHA384"}},
        "chose the suite TLS_DH_anon_WITH_AES_256_GCM_SHA384, which was not offered"),
    "answers without RFC 5746": (
        {"hello": {"version": "TLSv1.2", "suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "renegotiation": "none"}},
        "lacks safe renegotiation (RFC 5746); it has to be upgraded; until then LegacyRenegotiation in a row of "
        "TlsPolicy admits it"),
    "answers in the clear": ({"say": "220 hello\r\n"}, "spoke no TLS where TLS was expected (it began with 220 hello)"),
    "closes": ({}, "closed the connection when TLS began; its log says why"),
    "closes within a record": ({"bytes": "1603030040"}, "closed the connection in the middle of the handshake; its log"),
    "breaks off": ({"reset": True}, "broke the connection in the middle of the handshake (Connection reset by peer)"),
    "answers with a hello cut short": ({"bytes": "16030300050200000103"},
                                       "sent a malformed message (length mismatch); a fault in its TLS library; "
                                       "answered with alert 50, decode_error"),
    "answers with another message first": ({"bytes": "16030300040b000000"},
                                           "sent a message out of turn (unexpected message); a fault in its TLS "
                                           "library; answered with alert 10, unexpected_message"),
    "answers with a group that was not offered": (
        {"hello": {"version": "TLSv1.3", "suite": "TLS_AES_128_GCM_SHA256", "retry": "secp256k1"}},
        "chose a group for the key exchange that was not offered; SmtpSecurity/EnableEphemeralECDH (the default) offers "),
    "answers with a record that nobody can read": (
        {"hello": {"version": "TLSv1.3", "suite": "TLS_AES_128_GCM_SHA256", "share": "X25519",
                   "then": "1703030020" + "00" * 32}},
        "sent a record that does not decrypt; wrong keys, or tampering on the way; answered with alert 20, "
        "bad_record_mac"),
}
CERTIFICATES = {
    "good": None,
    "expired": "its certificate expired on ",
    "elsewhere": "its certificate is made for elsewhere.example, not for ADDRESS",
    "self-signed": "its certificate is signed by itself, and not trusted here",
    "stranger": "its certificate comes from CN=Truth strange, whose certificate is neither trusted here nor sent along",
}
ROW_VERIFY, ROW_PIN = {"Level": "verify"}, {"Level": "pin", "Pin": "PIN"}
ROW_OTHER_PIN = {"Level": "pin", "Pin": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
LEGACY = {"LegacyRenegotiation": "1", "Reason": "replaced in spring", "Expires": "2099-01-01"}


class ClientTable:
    def __init__(self):
        self.policies, self.servers, self.cases = {}, {}, []
        self.turn = itertools.cycle(SERVICES)

    def policy(self, name, **layers):
        both = layers.pop("Both", None)
        self.policies[name] = layers if both is None else {"Security": both, "SmtpSecurity": both, **layers}
        return name

    def case(self, rule, policy, server, service, expect, **more):
        name = f"{policy} | {service} to | {server}" + (f" | {more['row']}" if "row" in more else "")
        words = expect.pop("failed", None)
        case = {"name": name, "rule": rule, "direction": "client", "policy": policy, "service": service,
                "server": server, "expect": {**expect, "outcome": "failed" if words else "tls"}, **more}
        if words:
            case["log"] = words
        self.cases.append(case)

    def add(self, rule, policy, server, service=None):
        """A case whose outcome the model works out."""
        service = service or next(self.turn)
        self.servers[server] = SERVERS[server]
        if "raw" in SERVERS[server]:
            hello = client_model.offers(self.policies[policy], service)
            self.case(rule, policy, server, service, {"failed": "refused: it found nothing acceptable"}, offers=hello)
        else:
            self.case(rule, policy, server, service,
                      client_model.answer(self.policies[policy], service, SERVERS[server]))

    def add_all(self, rule, policies, servers, services=(None,)):
        for policy, server, service in itertools.product(policies, servers, services):
            self.add(rule, policy, server, service)


def protocol_lists(table):
    """Rules 1 and 6: every list there is."""
    policies = [table.policy("as a client, nothing set", Both={})]
    for count in range(1, len(model.EVERY) + 1):
        for chosen in itertools.combinations(model.EVERY, count):
            policies.append(table.policy(f"as a client, protocols {','.join(chosen)}",
                                         Both={"ClientTlsProtocols": ",".join(chosen)}))
    table.add_all("1, 6", policies, ["TLSv1 only", "TLSv1.1 only", "TLSv1.2 only", "TLSv1.3 only", "TLSv1 to TLSv1.2",
                                     "looks at the hello"])


def cipher_strings(table):
    """Rules 2 to 4."""
    for string in ("ECDHE+AESGCM", "kRSA", "HIGH:!aNULL:!kRSA", "DHE", "ECDHE:!AESGCM:TLS_AES_128_GCM_SHA256",
                   "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE+AESGCM",
                   "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:!TLS_AES_256_GCM_SHA384"):
        policy = table.policy(f"as a client, ciphers {string}", Both={"ClientTlsCiphers": string})
        table.add_all("2, 3, 4", [policy], ["ECDHE only", "ECDHE with CBC only", "DHE only", "static RSA only",
                                            "all four", "looks at the hello"])
    table.add_all("4", ["as a client, nothing set"], ["anonymous only"], SERVICES)


def exchanges(table):
    """Rule 9: key exchanges, and the smallest DH group."""
    for dhe, ecdhe in (("0", "1"), ("1", "0"), ("0", "0")):
        policy = table.policy(f"as a client, DHE {dhe}, ECDHE {ecdhe}", Both={
            "EnableEphemeralDH": dhe, "EnableEphemeralECDH": ecdhe})
        table.add_all("9", [policy], ["ECDHE only", "DHE only", "static RSA only", "DHE before ECDHE", "TLSv1.3 only",
                                      "looks at the hello"])
    for size in ("0", "1024", "2048", "4096"):
        policy = table.policy(f"as a client, DHE of {size} or more", Both={"EphemeralDHKeySize": size})
        table.add_all("9", [policy], ["DHE of 1024 bits", "DHE of 1024 bits, TLSv1", "DHE only", "DHE of 4096 bits",
                                      "looks at the hello"])


def tables(table):
    """Section 2: SmtpSecurity for mail that is sent, Security for everything else."""
    strict, loose = {"ClientTlsProtocols": "TLSv1.3"}, {"ClientTlsProtocols": "TLSv1,TLSv1.1,TLSv1.2"}
    policies = [table.policy("as a client, Security strict, SmtpSecurity loose", Security=strict, SmtpSecurity=loose),
                table.policy("as a client, Security loose, SmtpSecurity strict", Security=loose, SmtpSecurity=strict)]
    table.add_all("section 2", policies, ["TLSv1.1 only", "TLSv1.2 only", "TLSv1.3 only"], SERVICES)
    # What is said of listeners does not touch clients.
    listener = table.policy("as a client, only listeners set", Both={
        "ServerTlsProtocols": "TLSv1.3", "ServerTlsCiphers": "TLS_AES_128_GCM_SHA256", "ServerCipherPreference": "0"})
    table.add_all("section 2", [listener], ["TLSv1 only", "all four", "looks at the hello"], ["SMTP", "POP3S"])


def floors(table):
    """Section 4: a floor holds for clients too."""
    for mode in ("observe", "handshake"):
        policy = table.policy(f"as a client, floor TLSv1.2, {mode}", Both={
            "TlsFloor": "TLSv1.2", "TlsFloorMode": mode})
        table.add_all("section 4", [policy], ["TLSv1 only", "TLSv1.1 only", "TLSv1.2 only", "TLSv1.3 only",
                                              "looks at the hello"], ["SMTP", "POP3S"])
        if mode == "observe":
            for case in table.cases:
                if case["policy"] == policy and case["server"] in ("TLSv1 only", "TLSv1.1 only"):
                    where = client_model.TABLES[case["service"]]
                    case["log"] = (f"negotiated {case['expect']['version']}, which {where}/TlsFloor "
                                   "(mailserver.cfg:LINE) observes: it wants TLSv1.2")


def raw_servers(table):
    """Section 6: what a server does, in words."""
    policy = table.policy("as a client, protocols TLSv1.2,TLSv1.3", Both={"ClientTlsProtocols": "TLSv1.2,TLSv1.3"})
    services = itertools.cycle(("SMTP", "SMTPS", "Submission"))
    for alert, words in REFUSALS.items():
        name = f"sends alert {alert}"
        table.servers[name] = {"raw": {"alert": alert}}
        table.case("section 6", policy, name, next(services), {"failed": words})
    for name, (raw, words) in RAW.items():
        table.servers[name] = {"raw": raw}
        # Where the hybrid group comes first, no other share is sent.
        more = {"hybrid": False} if "share" in raw.get("hello", {}) else {}
        table.case("section 6", policy, name, next(services), {"failed": words}, **more)


def rows(table):
    """TlsPolicy: certificates under each level, pins, and what a row narrows."""
    policy = table.policy("as a client, rows", Both={})
    found = {"version": "TLSv1.3"}
    for kind, words in CERTIFICATES.items():
        server = f"TLSv1.3, certificate {kind}"
        table.servers[server] = {"versions": ["TLSv1.3"], "certificate": kind}
        for level, row in (("may", None), ("encrypt", {"Level": "encrypt"})):
            more = {"row": row} if row else {}
            table.case("11", policy, server, "SMTP", dict(found), certificate=kind, **more)
        verified = dict(found) if words is None else {
            "failed": f"has no certificate that will do: {words}"}
        for service in ("SMTP", "POP3S"):
            table.case("11", policy, server, service, dict(verified), row=ROW_VERIFY)
        table.case("11", policy, server, "SMTPS", dict(found), row=ROW_PIN)
    server = "TLSv1.3, certificate good"
    table.case("11", policy, server, "SMTP", {
        "failed": "which is not pinned; TlsPolicy:ADDRESS/Level (mailserver.cfg:LINE) demands pin; ask whoever runs it"},
               row=ROW_OTHER_PIN)
    table.servers["TLSv1.2 only"] = SERVERS["TLSv1.2 only"]
    table.case("11", policy, "TLSv1.2 only", "SMTP", {
        "failed": "refused: it speaks none of the versions offered; TlsPolicy:ADDRESS/MinVersion (mailserver.cfg:LINE) "
                  "offers TLSv1.3 (alert 70, protocol_version)"}, row={"MinVersion": "TLSv1.3"})
    name = "answers without RFC 5746"
    table.case("11", policy, name, "SMTP", {"failed": "closed the connection in the middle of the handshake"},
               row=LEGACY)
    hello = client_model.offers({}, "SMTP")
    groups = [group for group in hello["groups"] if group != "X25519MLKEM768"]
    table.servers["looks at the hello"] = SERVERS["looks at the hello"]
    table.case("10", policy, "looks at the hello", "SMTP", {"failed": "refused: it found nothing acceptable"},
               row={"PostQuantum": "0"}, offers={**hello, "groups": groups})
    table.case("3", policy, "looks at the hello", "SMTP", {"failed": "refused: it found nothing acceptable"},
               row={"Ciphers": "ECDHE+AESGCM:TLS_AES_128_GCM_SHA256"},
               offers=client_model.offers({"SmtpSecurity": {
                   "ClientTlsCiphers": "ECDHE+AESGCM:TLS_AES_128_GCM_SHA256"}}, "SMTP"))


def hostile(table, kinds):
    """Rule 5: the machine's openssl.cnf must not leak in."""
    for kind in kinds:
        policy = table.policy(f"as a client, nothing set, under a {kind} openssl.cnf", Both={})
        table.add_all("5", [policy], ["TLSv1 only", "TLSv1.2 only", "TLSv1.3 only", "looks at the hello",
                                      "static RSA only"], ["SMTP", "POP3S"])
        table.policies[policy] = {**table.policies[policy], "openssl_cnf": kind}


def make(hostile_kinds):
    table = ClientTable()
    for part in (protocol_lists, cipher_strings, exchanges, tables, floors, raw_servers, rows):
        part(table)
    hostile(table, hostile_kinds)
    return table
