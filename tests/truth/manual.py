# SPDX-License-Identifier: Apache-2.0
"""docs/manual/truth.md, made from the table of truth."""

import rules

ALERTS = {40: "handshake_failure", 47: "illegal_parameter", 50: "decode_error", 70: "protocol_version",
          80: "internal_error", 86: "inappropriate_fallback", 109: "missing_extension"}

RULES_HEAD = """
## Which rule how many of them prove

| rule | what it says | cases |
|---|---|---|
"""

HEAD = """# The table of truth

What a listener answers to a peer, for {policies} policies and {peers} kinds of peers: {cases} cases. And what Postern as a
client makes of {servers} kinds of servers: {client_cases} cases, which stand [further down](#where-postern-is-the-client). Each of them is
run against a real Postern whenever its tests run (`script/test truth`), with a real connection to the real port. The
page is made from the data of those tests, tests/truth/cases.json: do not edit it; change the data and run
`tests/truth/generate.py --manual`.

Most outcomes were worked out by a second reading of the rules in [kerio-variables.md](kerio-variables.md), written
apart from Postern's own code (tests/truth/model.py, client_model.py); the others were written down by hand (tests/truth/written.json).
The server of all cases holds the two certificates that `postern init` makes, RSA of 2048 bits and ECDSA P-256.

How to read a line: *rule* names the rule or section of the specification that it proves. *Answer* is the version, the
suite under its IANA name and the group of the key exchange, or the alert by which the server refuses. "Asks for
X25519" is a HelloRetryRequest: the peer can do the group, but sent no key share for it. *security.log* is a part of
the line that the refusal leaves there, with LINE for the number of the line in mailserver.cfg.
"""

PEERS_HEAD = """
## The peers

A suite list is in the peer's order. "At most" is the highest version of a peer whose hello has no list of versions.

| peer | its hello |
|---|---|
"""


CLIENT_HEAD = """
## Where Postern is the client

`postern tls probe` of a running server connects to these servers, in the variables' way and in that of the row of
TlsPolicy that a line names. *Comes of it* is the version, the suite and the group, or that the connection fails;
*security.log* is then a part of its line, with ADDRESS for the server's, as PIN in a row stands for the pin of its key. Of a server that only looks at the hello,
the line tells what was offered to it; groups that this OpenSSL lacks are left out.

### The servers

| server | what it does |
|---|---|
"""


def cell(text):
    return text.replace("|", "\\|")


def code(text):
    return f"`{cell(text)}`"


def listed(names, shown=6):
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def peer_text(peer):
    if "complete" in peer:
        whole = peer["complete"]
        return f"finishes the handshake: {whole['version']}, " + code(whole.get("ciphers", "ALL"))
    if "versions" in peer:
        parts = ["lists " + ", ".join(peer["versions"])]
    else:
        parts = [f"at most {peer['version']}"]
    if peer.get("format"):
        parts.append("in the form of SSL 2.0")
    parts.append(listed(peer["suites"]))
    for key, text in (("groups", "groups"), ("shares", "shares for"), ("signatures", "signatures")):
        if key in peer:
            parts.append(f"{text} {listed(peer[key]) or 'none'}")
        elif key != "shares" and peer.get("format") != "SSLv2":
            parts.append(f"no {text}")
    if peer.get("renegotiation") == "signal":
        parts.append("secure renegotiation by the signal suite")
    elif peer.get("renegotiation") == "none":
        parts.append("without secure renegotiation")
    if peer.get("fallback"):
        parts.append("the signal of a fallback")
    if "name" in peer:
        parts.append(f"asks for {peer['name']}")
    return "; ".join(parts)


def answer_text(expect):
    if "reply" in expect:
        return (expect["version"] + ", " if "version" in expect else "") + code(expect["reply"])
    if "exit" in expect:
        return f"exit code {expect['exit']}"
    if "alert" in expect:
        name = ALERTS.get(expect["alert"])
        return f"alert {expect['alert']} {name}" if name else f"alert {expect['alert']}"
    parts = [expect["version"]] + ([expect["suite"]] if "suite" in expect else [])
    if "group" in expect:
        parts.append(f"asks for {expect['group']}" if expect.get("retry") else expect["group"])
    if "signature" in expect:
        parts.append(f"signed with {expect['signature']}")
    if "sentinel" in expect:
        parts.append(f"says that it could more than {expect['sentinel']}")
    if "renegotiation" in expect:
        parts.append("secure renegotiation")
    if "resumed" in expect:
        parts.append("resumed" if expect["resumed"] else "a full handshake")
    if "ticket" in expect:
        parts.append("a ticket" if expect["ticket"] else "no ticket")
    if "records" in expect:
        parts.append(f"first data in {expect['records']} record" + ("s" if expect["records"] > 1 else ""))
    return ", ".join(parts)


def policy_text(policy):
    """The variables of a policy; tables that are alike are named once."""
    security, smtp = policy.get("Security"), policy.get("SmtpSecurity")
    layers = [("Security and SmtpSecurity", security)] if security == smtp and security is not None else [
        ("Security", security), ("SmtpSecurity", smtp)]
    lines = [f"* {place}: " + (", ".join(code(f"{name} = {value}".rstrip()) for name, value in variables.items())
                               or "nothing set") for place, variables in layers if variables is not None]
    lines += [f"* {place}: " + ", ".join(code(f"{name} = {value}") for name, value in variables.items())
              for place, variables in policy.items()
              if place not in ("Security", "SmtpSecurity", "Service", "openssl_cnf")]
    lines += [f"* Service {place}: " + ", ".join(code(f"{name} = {value}") for name, value in variables.items())
              for place, variables in policy.get("Service", {}).items()]
    if "openssl_cnf" in policy:
        lines.append(f"* the server's `OPENSSL_CONF` is {policy['openssl_cnf']}: see the end of the page")
    return "\n".join(lines)


def case_row(case, policies):
    who = case.get("peer", "")
    if "say" in case:
        who += (", " if who else "") + "says " + ", ".join(f"`{words}`" for words in case["say"])
    if "then" in case:
        who += f", with a ticket; then the policy is \"{case['then']}\""
    if "hybrid" in case:
        who += ", OpenSSL 3.5 or newer" if case["hybrid"] else ", OpenSSL before 3.5"
    log = code(case["log"]) if "log" in case else "mail.log: " + code(case["mail"]) if "mail" in case else ""
    return f"| {case['service']} | {cell(who)} | {answer_text(case['expect'])} | {case['rule']} | {log} |"


def shakes_text(data):
    by_policy = {}
    for case in data["cases"]:
        if "says" not in case:
            by_policy.setdefault(case["policy"], []).append(case)
    out = "\n## The answers\n"
    for name, cases in by_policy.items():
        out += f"\n### {name}\n\n{policy_text(data['policies'][name])}\n\n"
        out += "| service | peer | answer | rule | security.log |\n|---|---|---|---|---|\n"
        out += "\n".join(case_row(case, data["policies"]) for case in cases) + "\n"
    return out


def checks_text(data):
    rows = [case for case in data["cases"] if "says" in case]
    if not rows:
        return ""
    out = "\n## What `postern check` says\n\nExit code 2: the file is refused, and a running server keeps its " \
          "policy. Exit code 1: it is taken, with warnings.\n\n" \
          "| variables | exit code | a part of what it says | rule |\n|---|---|---|---|\n"
    for case in rows:
        variables = policy_text(data["policies"][case["policy"]]).replace("\n* ", "; ").removeprefix("* ")
        out += f"| {variables} | {case['expect']['exit']} | {code(case['says'])} | {case['rule']} |\n"
    return out


def raw_text(raw):
    if "alert" in raw:
        return f"sends alert {raw['alert']}"
    if "say" in raw:
        return f"sends {code(raw['say'].strip())}"
    if "bytes" in raw:
        return f"sends the bytes {raw['bytes']}, and closes"
    if "reset" in raw:
        return "resets the connection"
    if "hello" not in raw:
        return "closes the connection"
    hello = raw["hello"]
    more = ", says that it could more" if hello.get("sentinel") else ""
    more += ", without secure renegotiation" if "renegotiation" in hello else ""
    more += f", asks for {hello['retry']}" if "retry" in hello else ""
    more += ", and what follows is no ciphertext" if "then" in hello else ""
    return f"answers with {hello['version']} and {hello['suite']}{more}, and closes"


def server_text(server):
    if "raw" in server:
        return f"reads the hello, then {raw_text(server['raw'])}"
    parts = ["speaks " + ", ".join(server["versions"])]
    parts += [listed(server["suites"])] if "suites" in server else []
    parts += [f"DHE of {server['dh']} bits"] if "dh" in server else []
    parts += [f"shows a certificate that is {server['certificate']}"] if "certificate" in server else []
    return "; ".join(parts)


def offer_text(offers):
    versions = ", ".join(offers["versions"]) if "versions" in offers else f"at most {offers['at most']}"
    return f"offers {versions}; {listed(offers['suites'], 3)}; groups {', '.join(offers['groups']) or 'none'}"


def client_row(case):
    expect = case["expect"]
    who = cell(case["server"])
    if "row" in case:
        who += "; row: " + ", ".join(code(f"{name} = {value}") for name, value in case["row"].items())
    if "offers" in case:
        comes = offer_text(case["offers"])
    elif expect["outcome"] == "failed":
        comes = "fails"
    else:
        comes = ", ".join(expect[key] for key in ("version", "suite", "group") if expect.get(key))
        comes += f"; its certificate is {case['certificate']}" if "certificate" in case else ""
    log = code(case["log"]) if "log" in case and "offers" not in case else ""
    return f"| {case['service']} | {who} | {comes} | {case['rule']} | {log} |"


def clients_text(data):
    out = CLIENT_HEAD + "".join(f"| {cell(name)} | {server_text(server)} |\n"
                                for name, server in data["servers"].items())
    by_policy = {}
    for case in data["client_cases"]:
        by_policy.setdefault(case["policy"], []).append(case)
    for name, cases in by_policy.items():
        out += f"\n### {name}\n\n{policy_text(data['policies'][name])}\n\n"
        out += "| to | server | comes of it | rule | security.log |\n|---|---|---|---|---|\n"
        out += "\n".join(map(client_row, cases)) + "\n"
    return out


def page(data):
    out = HEAD.format(policies=len(data["policies"]), peers=len(data["peers"]), cases=len(data["cases"]),
                      servers=len(data["servers"]), client_cases=len(data["client_cases"]))
    out += RULES_HEAD + "".join(f"| {rule} | {cell(says)} | {count} |\n" for rule, says, count, _ in
                                rules.covered(data["cases"] + data["client_cases"]))
    out += PEERS_HEAD + "".join(f"| {cell(name)} | {peer_text(peer)} |\n" for name, peer in data["peers"].items())
    out += shakes_text(data) + checks_text(data) + clients_text(data)
    out += "\n## The hostile files\n\n" \
           "What `OPENSSL_CONF` names in the environment of the server, where a policy says so.\n"
    for name, text in data["openssl_cnf"].items():
        out += f"\n### {name}\n\n```\nopenssl_conf = a\n{text}```\n"
    return out
