# SPDX-License-Identifier: Apache-2.0
"""What Postern offers as a client, and what comes of it: the rules of the specification for the other direction, read
apart from Postern's own code like model.py, whose cipher strings it uses. The servers are those of client_servers.py.
"""
from collections import namedtuple

import model
from suites import SUITES

# Section 2: mail that is sent, and everything else.
TABLES = {"SMTP": "SmtpSecurity", "Submission": "SmtpSecurity", "SMTPS": "SmtpSecurity", "POP3": "Security",
          "POP3S": "Security", "IMAPS": "Security", "HTTPS": "Security"}
DEFAULTS = {"EnableEphemeralDH": "1", "EphemeralDHKeySize": "0", "EnableEphemeralECDH": "1",
            "ClientTlsProtocols": "", "ClientTlsCiphers": "", "TlsFloor": "", "TlsFloorMode": "observe"}
UPGRADE = "it has to be upgraded"

Policy = namedtuple("Policy", "table protocols suites suites13 curves finite dh_min refused sources")


def settings_of(configuration, service):
    table = TABLES[service]
    variables = configuration.get(table, {})
    values = {name: variables.get(name, "").strip() or default for name, default in DEFAULTS.items()}
    return table, values, set(variables)


def highest_run(protocols):
    """Rule 6: a client cannot offer a hole, so it offers what stands above the last one."""
    run = [protocols[-1]]
    for name in reversed(protocols[:-1]):
        if model.EVERY.index(name) + 1 != model.EVERY.index(run[0]):
            break
        run.insert(0, name)
    return run


def policy_of(configuration, service):
    table, values, stand = settings_of(configuration, service)
    string = values["ClientTlsCiphers"] or model.DEFAULT_CIPHERS
    suites = [suite for suite in model.expand(string) if model.admits(suite, values)]
    suites13 = model.expand13(string)
    # Rule 9: for clients the size is the smallest one that is accepted.
    dh_min = (int(values["EphemeralDHKeySize"]) or 2048) if values["EnableEphemeralDH"] == "1" else 0
    curves = model.CURVES if values["EnableEphemeralECDH"] == "1" else []
    finite = [name for name, bits in model.FINITE.items() if dh_min and bits >= dh_min]
    listed = [model.protocol_name(name) for name in values["ClientTlsProtocols"].split(",") if name.strip()]
    protocols = [name for name in model.EVERY if name in (listed or model.EVERY)
                 and model.has_suite(suites, suites13, name) and (name != "TLSv1.3" or curves or finite)]
    floor, refused = values["TlsFloor"], []
    if floor and values["TlsFloorMode"] == "handshake":
        refused = [name for name in protocols if model.EVERY.index(name) < model.EVERY.index(floor)]
    protocols = highest_run([name for name in protocols if name not in refused])
    return Policy(table, protocols, suites, suites13, curves, finite, dh_min, refused, stand)


def source(policy, variable):
    where = "(mailserver.cfg:LINE)" if variable in policy.sources else "(the default)"
    return f"{policy.table}/{variable} {where}"


def protocols_words(policy, answered=None):
    by = "TlsFloor" if answered in policy.refused else "ClientTlsProtocols"
    return f"{source(policy, by)} offers {', '.join(policy.protocols)}"


# ---- the hello

def offers(configuration, service):
    """What a server sees: versions from old to new, suites in order, groups in order."""
    policy = policy_of(configuration, service)
    newest = policy.protocols[-1]
    found = {"groups": policy.curves + policy.finite,
             "suites": [suite.iana for suite in policy.suites
                        if any(name != "TLSv1.3" and model.ORDER.index(suite.since) <= model.ORDER.index(name)
                               for name in policy.protocols)]}
    if newest == "TLSv1.3":
        found["suites"] = policy.suites13 + found["suites"]
        found["versions"] = policy.protocols
    else:
        # RFC 8446 section 4.2.1: without TLS 1.3 there is no list; and OpenSSL has finite-field and hybrid groups for
        # it alone.
        found["at most"] = newest
        found["groups"] = [name for name in policy.curves if name != "X25519MLKEM768"]
    if policy.protocols == ["TLSv1.3"]:
        found["suites"] = policy.suites13
    return found


# ---- what comes of it

def failed(words):
    return {"failed": words}


def without_version(policy, server):
    newest = server["versions"][-1]
    if policy.protocols[-1] == "TLSv1.3" or model.EVERY.index(newest) > model.EVERY.index(policy.protocols[-1]):
        # It reads the list, or finds nothing so old among its own.
        return failed("refused: it speaks none of the versions offered; "
                      f"{protocols_words(policy)} (alert 70, protocol_version); {UPGRADE}")
    return failed(f"answered with {newest}; {protocols_words(policy, newest)}; {UPGRADE}; answered with alert 70, "
                  "protocol_version")


def answer_13(policy):
    # The server keeps OpenSSL's order, and takes the group of the first share.
    suite = next((name for name in model.DEFAULT_13 if name in policy.suites13), None)
    if suite is None:
        return failed("refused: it found nothing acceptable in what was offered")
    return {"version": "TLSv1.3", "suite": suite, "group": (policy.curves + policy.finite)[0]}


def answer_old(policy, server, version):
    ours = [suite.iana for suite in policy.suites
            if model.ORDER.index(suite.since) <= model.ORDER.index(version)]
    suite = next((SUITES[name] for name in server["suites"] if name in ours), None)
    if suite is None:
        return failed(f"refused: it found nothing acceptable in what was offered: {', '.join(policy.protocols)}, the "
                      f"suites of {source(policy, 'ClientTlsCiphers')}, the groups ")
    outcome = {"version": version, "suite": suite.iana, "group": ""}
    if suite.exchange == "ECDHE":
        outcome["group"] = "X25519"
    if suite.exchange != "DHE":
        return outcome
    bits = server.get("dh", 2048)
    if bits < policy.dh_min:
        return failed(f"came with a DH group of {bits} bits; {source(policy, 'EphemeralDHKeySize')} wants "
                      f"{policy.dh_min} or more; the next attempt offers no DHE; the server needs a larger group; "
                      "answered with alert 40, handshake_failure")
    return {**outcome, "group": "dh1024" if bits == 1024 else f"ffdhe{bits}"}


def answer(configuration, service, server):
    policy = policy_of(configuration, service)
    shared = [name for name in server["versions"] if name in policy.protocols]
    if not shared:
        return without_version(policy, server)
    return answer_13(policy) if shared[-1] == "TLSv1.3" else answer_old(policy, server, shared[-1])
