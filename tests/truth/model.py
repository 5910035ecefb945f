# SPDX-License-Identifier: Apache-2.0
"""What tls-policy says that a listener answers to a peer, worked out from the rules alone.

This is a second reading of the specification, in another language and with none of Postern's code, so that a
mistake would have to be made twice. It knows listeners that hold an RSA-2048 and an ECDSA P-256 certificate, as
`postern init` makes them. The numbers of rules are those of section 3 of the specification.
"""
from collections import namedtuple

from suites import BY_OPENSSL, SUITES

EVERY = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
ORDER = ["SSLv2", "SSLv3"] + EVERY
DEFAULT_CIPHERS = "AESGCM:HIGH:+EDH-RSA-DES-CBC3-SHA:+EDH-DSS-DES-CBC3-SHA:+DES-CBC3-SHA"
DEFAULT_13 = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"]
DEFAULTS = {"EnableEphemeralDH": "1", "EphemeralDHKeySize": "0", "EnableEphemeralECDH": "1",
            "DontInsertEmptyFragments": "1", "ServerTlsProtocols": "", "ServerTlsCiphers": "",
            "ServerCipherPreference": "1"}
TABLES = {"SMTP": "SmtpSecurity", "Submission": "SmtpSecurity", "SMTPS": "SmtpSecurity", "IMAP": "Security",
          "IMAPS": "Security", "POP3": "Security", "POP3S": "Security", "HTTPS": "Security"}
# Rule 10: the hybrid group comes first. The order of the others is Postern's own choice, as its manual tells it.
CURVES = ["X25519MLKEM768", "X25519", "P-256", "X448", "P-384", "P-521"]
FINITE = {"ffdhe2048": 2048, "ffdhe3072": 3072, "ffdhe4096": 4096}
HANDSHAKE_FAILURE, PROTOCOL_VERSION, INAPPROPRIATE_FALLBACK = 40, 70, 86
# RFC 8422 section 5.1.1: the peer's groups hold for the certificate's curve as well.
CERTIFICATE_CURVE = "P-256"
NAMED = 4

Policy = namedtuple("Policy", "table protocols suites suites13 curves finite dh_bits server_order sources")


# ---- cipher strings (rules 2 to 4)

def size_of(suite):
    return "".join(c for c in suite.cipher.partition("(")[2] if c.isdigit())


def is_null(suite):
    return suite.cipher == "None"


def is_anonymous(suite):
    return suite.proof == "None"


def cipher_is(*names):
    return lambda suite: suite.cipher.partition("(")[0] in names


def all_of(*tests):
    return lambda suite: all(test(suite) for test in tests)


def exchange_is(name):
    return lambda suite: suite.exchange == name


def proven(suite):
    return not is_anonymous(suite)


# ciphers(1), as far as the cases use it.
KEYWORDS = {
    "ALL": lambda suite: not is_null(suite),
    "HIGH": lambda suite: not is_null(suite),
    "AESGCM": cipher_is("AESGCM"),
    "AESCCM": cipher_is("AESCCM", "AESCCM8"),
    "AESCCM8": cipher_is("AESCCM8"),
    "AES": cipher_is("AES", "AESGCM", "AESCCM", "AESCCM8"),
    "AES128": all_of(cipher_is("AES", "AESGCM", "AESCCM", "AESCCM8"), lambda suite: size_of(suite) == "128"),
    "AES256": all_of(cipher_is("AES", "AESGCM", "AESCCM", "AESCCM8"), lambda suite: size_of(suite) == "256"),
    "CHACHA20": cipher_is("CHACHA20/POLY1305"),
    "CAMELLIA": cipher_is("Camellia"),
    "ARIA": cipher_is("ARIAGCM"),
    "ARIAGCM": cipher_is("ARIAGCM"),
    "kECDHE": exchange_is("ECDHE"), "kEECDH": exchange_is("ECDHE"),
    "kDHE": exchange_is("DHE"), "kEDH": exchange_is("DHE"),
    "ECDHE": all_of(exchange_is("ECDHE"), proven), "EECDH": all_of(exchange_is("ECDHE"), proven),
    "DHE": all_of(exchange_is("DHE"), proven), "EDH": all_of(exchange_is("DHE"), proven),
    "kRSA": exchange_is("RSA"), "RSA": exchange_is("RSA"),
    "aRSA": lambda suite: suite.proof == "RSA",
    "aECDSA": lambda suite: suite.proof == "ECDSA", "ECDSA": lambda suite: suite.proof == "ECDSA",
    "aNULL": is_anonymous, "eNULL": is_null, "NULL": is_null,
    "ADH": all_of(exchange_is("DHE"), is_anonymous), "AECDH": all_of(exchange_is("ECDHE"), is_anonymous),
    "SHA1": lambda suite: suite.digest == "SHA1", "SHA": lambda suite: suite.digest == "SHA1",
    "SHA256": lambda suite: suite.digest == "SHA256", "SHA384": lambda suite: suite.digest == "SHA384",
    "TLSv1.2": lambda suite: suite.since == "TLSv1.2",
    # Known to the world, but no suite of today's OpenSSL.
    **{name: lambda suite: False for name in ("3DES", "RC4", "MD5", "DES", "EXP", "EXPORT", "LOW", "MEDIUM", "SEED",
                                              "IDEA", "DSS", "PSK", "SRP", "EDH-RSA-DES-CBC3-SHA",
                                              "EDH-DSS-DES-CBC3-SHA", "DES-CBC3-SHA", "RC4-SHA", "RC4-MD5",
                                              "TLS_RSA_WITH_RC4_128_SHA")},
}


def part_test(name):
    by_name = BY_OPENSSL.get(name) or SUITES.get(name.upper())
    if by_name:
        return lambda suite: suite is by_name
    # A name that nobody knows is skipped (rule 3), or the string is refused and not our case.
    return KEYWORDS.get(name, lambda suite: False)


def suite13_of(name):
    suite = SUITES.get(name.upper())
    return suite.iana if suite and suite.since == "TLSv1.3" else None


def rules_of(string):
    for rule in string.replace(",", ":").replace(" ", ":").split(":"):
        if rule:
            operator = rule[0] if rule[0] in "!+-@" else ""
            yield operator, rule[len(operator):]


def expand(string):
    """The suites of TLS 1.2 and older that a cipher string stands for, in order."""
    chosen, idle, killed = [], [suite for suite in SUITES.values() if suite.since != "TLSv1.3"], []
    for operator, names in rules_of(string):
        if suite13_of(names):
            continue
        if operator == "@":
            chosen.sort(key=lambda suite: -int(size_of(suite)))
            continue
        tests = [part_test(name) for name in names.split("+")]
        hit = [suite for suite in (chosen if operator in ("+", "-", "!") else idle)
               if all(test(suite) for test in tests)]
        if operator == "!":
            killed += [suite for suite in chosen + idle if all(test(suite) for test in tests)]
        rest = [suite for suite in chosen if suite not in hit]
        chosen = rest if operator in ("-", "!") else rest + hit
        idle = [suite for suite in SUITES.values()
                if suite.since != "TLSv1.3" and suite not in chosen and suite not in killed]
    return [suite for suite in chosen if proven(suite) and not is_null(suite)]


def expand13(string):
    """Rule 3: positive TLS 1.3 names are the list; otherwise OpenSSL's three; `!`, `-`, `+` work on it."""
    rules = [(operator, suite13_of(name)) for operator, name in rules_of(string) if suite13_of(name)]
    listed = [] if any(operator == "" for operator, _ in rules) else list(DEFAULT_13)
    killed = set()
    for operator, name in rules:
        was_there = name in listed
        if operator == "" and (was_there or name in killed):
            continue
        if was_there:
            listed.remove(name)
        if operator == "" or operator == "+" and was_there:
            listed.append(name)
        if operator == "!":
            killed.add(name)
    return listed


# ---- the policy of a listener

def settings_of(configuration, service):
    """The variables that hold for a service, and who says so."""
    table = TABLES[service]
    values, sources = dict(DEFAULTS), {name: None for name in DEFAULTS}
    layers = [(table, configuration.get(table, {})),
              (f"Service:{service}", configuration.get("Service", {}).get(service, {}))]
    for place, layer in layers:
        for name, value in layer.items():
            if name in DEFAULTS and value.strip():
                values[name], sources[name] = value.strip(), place
            elif name in DEFAULTS and place == table:
                # It stands there, to say that the default is meant.
                sources[name] = place
    # The old switch, turned round; the new one wins.
    for place, layer in layers:
        if "DisableEphemeralDH" in layer and "EnableEphemeralDH" not in layer:
            values["EnableEphemeralDH"] = "0" if layer["DisableEphemeralDH"] == "1" else "1"
    return table, values, sources


def protocol_name(text):
    name = text.strip().lower().replace("sslv3", "SSLv3").replace("tlsv1.0", "tlsv1").replace("tlsv", "TLSv")
    return name


def admits(suite, values):
    return (suite.exchange != "ECDHE" or values["EnableEphemeralECDH"] == "1") and \
           (suite.exchange != "DHE" or values["EnableEphemeralDH"] == "1")


def has_suite(suites, suites13, protocol):
    if protocol == "TLSv1.3":
        return bool(suites13)
    return any(ORDER.index(suite.since) <= ORDER.index(protocol) for suite in suites)


def policy_of(configuration, service):
    table, values, sources = settings_of(configuration, service)
    string = values["ServerTlsCiphers"] or DEFAULT_CIPHERS
    suites = [suite for suite in expand(string) if admits(suite, values)]
    suites13 = expand13(string)
    size = int(values["EphemeralDHKeySize"]) or 2048
    dh_bits = size if values["EnableEphemeralDH"] == "1" else 0
    curves = CURVES if values["EnableEphemeralECDH"] == "1" else []
    finite = [name for name, bits in FINITE.items() if dh_bits and bits >= dh_bits]
    listed = [protocol_name(name) for name in values["ServerTlsProtocols"].split(",") if name.strip()]
    protocols = [name for name in EVERY if name in (listed or EVERY)]
    # Rules 8 and 9: what is there by default only, and cannot be, is dropped.
    protocols = [name for name in protocols if has_suite(suites, suites13, name)
                 and (name != "TLSv1.3" or curves or finite)]
    return Policy(table, protocols, suites, suites13, curves, finite, dh_bits,
                  values["ServerCipherPreference"] == "1", sources)


# ---- the answer

def source_text(policy, variable):
    place = policy.sources[variable]
    if place is None:
        return f"{policy.table}/{variable} (the default)"
    return f"{place}/{variable} (mailserver.cfg:LINE)"


def says_version(policy, peer):
    if "versions" in peer:
        offered = "offered " + ", ".join(name for name in ORDER if name in peer["versions"])
    else:
        offered = f"offered at most {peer['version']}"
    return f"{offered}; {source_text(policy, 'ServerTlsProtocols')} admits {', '.join(policy.protocols)}"


def says_suites(policy, peer):
    suites = [name for name in peer["suites"] if name != "GREASE"]
    named = ", ".join(suites[:NAMED])
    more = f" and {len(suites) - NAMED} more" if len(suites) > NAMED else ""
    return f"offered no usable suite, only {named}{more}; {source_text(policy, 'ServerTlsCiphers')}"


def refused(alert, log=None):
    return {"alert": alert}, log


def versions_offered(peer):
    if "versions" in peer:
        return [name for name in peer["versions"] if name in ORDER]
    return ORDER[:ORDER.index(peer["version"]) + 1]


def strong_signatures(peer):
    """RFC 5246 section 7.4.1.4.1: without the extension SHA-1 is meant, which rule 5 refuses in TLS 1.2."""
    return [name for name in peer.get("signatures", []) if not name.endswith(("sha1", "md5"))]


def can_prove(suite, version, peer):
    """Whether the peer takes a signature or key of our certificate of that kind."""
    if suite.proof == "ECDSA" and "groups" in peer and CERTIFICATE_CURVE not in peer["groups"]:
        return False
    if version != "TLSv1.2":
        return True
    prefix = "ecdsa_" if suite.proof == "ECDSA" else "rsa_"
    return any(name.startswith(prefix) for name in strong_signatures(peer))


def is_sslv2(peer):
    """SSL 2.0 itself, not only its form."""
    return peer["version"] == "SSLv2"


def ordered(policy, ours, theirs):
    first, second = (ours, theirs) if policy.server_order else (theirs, ours)
    return [one for one in first if one in second]


def says_no_choice(policy, peer, version, curves):
    """A suite may be shared, but not what goes with it."""
    shared = [suite for suite in policy.suites
              if ORDER.index(suite.since) <= ORDER.index(version) and suite.iana in peer["suites"]]
    on_curve = [suite for suite in shared if suite.proof != "ECDSA" or "groups" not in peer
                or CERTIFICATE_CURVE in peer["groups"]]
    if not shared:
        return says_suites(policy, peer)
    if not on_curve:
        return "offered only suites for an ECDSA certificate"
    if not curves and all(suite.exchange == "ECDHE" for suite in on_curve):
        return "offered no group for the key exchange that is admitted"
    return "accepts no kind of signature that the certificates can give"


def answer_old(policy, peer, version):
    if version == "TLSv1.2" and not strong_signatures(peer):
        return refused(HANDSHAKE_FAILURE, "accepts no kind of signature that the certificates can give")
    # RFC 8422 section 4 lets a server guess where no groups are listed; OpenSSL does not.
    curves = ordered(policy, policy.curves, peer.get("groups", []))
    usable = [suite.iana for suite in policy.suites
              if ORDER.index(suite.since) <= ORDER.index(version) and can_prove(suite, version, peer)
              and (suite.exchange != "ECDHE" or curves)]
    shared = ordered(policy, usable, peer["suites"])
    if not shared:
        return refused(HANDSHAKE_FAILURE, says_no_choice(policy, peer, version, curves))
    suite = SUITES[shared[0]]
    outcome = {"version": version, "suite": suite.iana}
    # RFC 8446 section 4.1.3: the random tells a peer that both could do better. (OpenSSL looks for TLS 1.2 itself,
    # so a list with a hole there has no sentinel in TLS 1.0 and 1.1.)
    if version == "TLSv1.2" and "TLSv1.3" in policy.protocols:
        outcome["sentinel"] = "TLSv1.2"
    elif version != "TLSv1.2" and "TLSv1.2" in policy.protocols:
        outcome["sentinel"] = "TLSv1.1"
    if suite.exchange == "ECDHE":
        outcome["group"] = curves[0]
    elif suite.exchange == "DHE":
        outcome["group"] = f"DH {policy.dh_bits}"
    return outcome, None


def answer_13(policy, peer):
    shared = ordered(policy, policy.suites13, peer["suites"])
    if not shared:
        return refused(HANDSHAKE_FAILURE, says_suites(policy, peer))
    groups = [name for name in policy.curves + policy.finite if name in peer["groups"]]
    sent = [name for name in peer["shares"] if name in groups]
    if not groups:
        return refused(HANDSHAKE_FAILURE, "offered no group for the key exchange that is admitted")
    outcome = {"version": "TLSv1.3", "suite": shared[0], "group": (sent or groups)[0]}
    # RFC 8446 section 4.1.4: a group of the peer's that it sent no share for is asked for.
    if not sent:
        outcome["retry"] = True
    return outcome, None


def answer(configuration, service, peer):
    """What the server says, as hello.answer gives it, and a part of the line in security.log where it refuses."""
    policy = policy_of(configuration, service)
    offered = versions_offered(peer)
    if is_sslv2(peer):
        return refused(PROTOCOL_VERSION, "sent a hello of SSLv2; "
                       f"{source_text(policy, 'ServerTlsProtocols')} admits {', '.join(policy.protocols)}")
    if peer["version"] == "SSLv3":
        return refused(HANDSHAKE_FAILURE, says_version(policy, peer))
    shared = [name for name in EVERY if name in offered and name in policy.protocols]
    if not shared:
        return refused(PROTOCOL_VERSION, says_version(policy, peer))
    version = shared[-1]
    if peer.get("fallback") and ORDER.index(offered[-1] if "versions" not in peer else max(
            offered, key=ORDER.index)) < ORDER.index(policy.protocols[-1]):
        return refused(INAPPROPRIATE_FALLBACK, "had fallen back to an older version")
    if version == "TLSv1.3":
        return answer_13(policy, peer)
    return answer_old(policy, peer, version)
