# SPDX-License-Identifier: Apache-2.0
"""ClientHellos of every kind, byte by byte, and what a server answers to them.

A peer is a dict, as it stands in cases.json:

    version     "SSLv2" to "TLSv1.2": the version in the hello itself (TLSv1.3 is a TLSv1.2 with `versions`)
    format      "SSLv2": the hello has SSL 2.0's form, which peers of the 1990s send (RFC 5246 appendix E.2)
    suites      IANA names, in the peer's order
    versions    supported_versions (RFC 8446 section 4.2.1); absent: no such extension
    groups      supported_groups; absent: no such extension
    shares      groups that a key share is sent for
    signatures  signature_algorithms; absent: no such extension
    renegotiation  "extension" (default), "signal" (RFC 5746's SCSV) or "none"
    fallback    true: TLS_FALLBACK_SCSV (RFC 7507)
    name        server_name
    legacy      a number in place of the version in the hello itself

"GREASE" stands for a value of RFC 8701 among suites, versions, groups, shares and signatures.

Answers up to ServerHelloDone, and TLS 1.3's ServerHello, are plain text: no keys are needed to read them.
"""
import os
import struct

from suites import NUMBERS, SUITES

VERSIONS = {"SSLv2": 0x0002, "SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303,
            "TLSv1.3": 0x0304}
# RFC 8701: values that mean nothing, which a server must pass over.
GREASE = 0x7a7a
VERSIONS["GREASE"] = GREASE
VERSION_NAMES = {number: name for name, number in VERSIONS.items()}
GROUPS = {"P-256": 0x0017, "P-384": 0x0018, "P-521": 0x0019, "X25519": 0x001d, "X448": 0x001e,
          "secp256k1": 0x0016, "brainpoolP256r1": 0x001a, "ffdhe2048": 0x0100, "ffdhe3072": 0x0101,
          "ffdhe4096": 0x0102, "GREASE": GREASE, "ffdhe6144": 0x0103, "ffdhe8192": 0x0104, "X25519MLKEM768": 0x11ec}
GROUP_NAMES = {number: name for name, number in GROUPS.items()}
SIGNATURES = {"rsa_pkcs1_md5": 0x0101, "rsa_pkcs1_sha1": 0x0201, "ecdsa_sha1": 0x0203,
              "rsa_pkcs1_sha224": 0x0301, "rsa_pkcs1_sha256": 0x0401, "rsa_pkcs1_sha384": 0x0501,
              "rsa_pkcs1_sha512": 0x0601, "ecdsa_secp256r1_sha256": 0x0403, "ecdsa_secp384r1_sha384": 0x0503,
              "rsa_pss_rsae_sha256": 0x0804, "rsa_pss_rsae_sha384": 0x0805, "rsa_pss_rsae_sha512": 0x0806,
              "ed25519": 0x0807, "GREASE": GREASE}
SIGNATURE_NAMES = {number: name for name, number in SIGNATURES.items()}
SIGNAL_RENEGOTIATION, SIGNAL_FALLBACK = 0x00ff, 0x5600
RECORD_ALERT, RECORD_HANDSHAKE = 21, 22
MESSAGE_SERVER_HELLO, MESSAGE_SERVER_KEY_EXCHANGE, MESSAGE_SERVER_HELLO_DONE = 2, 12, 14
# RFC 8446 section 4.1.3: the random of a HelloRetryRequest, and the ends of one that tells of a downgrade.
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
SENTINELS = {b"DOWNGRD\x01": "TLSv1.2", b"DOWNGRD\x00": "TLSv1.1"}
# The generators of the NIST curves: points as good as any.
POINTS = {
    "P-256": "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
             "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    "P-384": "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
             "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    "P-521": "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ff"
             "a8de3348b3c1856a429bf97e7e31c2e5bd66011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17"
             "273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
}
MLKEM768_KEY_BYTES = 1184


class Unreadable(Exception):
    """What came is no answer to a ClientHello."""


def vector(size_bytes, content):
    return len(content).to_bytes(size_bytes, "big") + content


def numbers(values):
    return b"".join(struct.pack(">H", value) for value in values)


def share_of(group):
    """A public value that is valid in this group; nobody knows its secret, and nobody needs to."""
    if group == "GREASE":
        return b"\x00"
    if group in POINTS:
        return bytes.fromhex(POINTS[group])
    if group == "X25519MLKEM768":
        # A key of zero coefficients is well formed (FIPS 203 section 7.2).
        return bytes(MLKEM768_KEY_BYTES) + os.urandom(32)
    if group == "X25519":
        return os.urandom(32)
    if group == "X448":
        return os.urandom(56)
    # 4 is a square, so it lies in the subgroup of every prime of RFC 7919.
    return (4).to_bytes(int(group.removeprefix("ffdhe")) // 8, "big")


def extension(number, content):
    return struct.pack(">H", number) + vector(2, content)


def extensions_of(peer):
    out = b""
    if "GREASE" in peer.get("versions", []):
        out += extension(GREASE, b"")
    if "name" in peer:
        out += extension(0, vector(2, b"\x00" + vector(2, peer["name"].encode())))
    if peer.get("renegotiation", "extension") == "extension" and peer["version"] != "SSLv3":
        out += extension(0xff01, b"\x00")
    if "groups" in peer:
        out += extension(10, vector(2, numbers(GROUPS[name] for name in peer["groups"])))
        out += extension(11, b"\x01\x00")
    if "signatures" in peer:
        out += extension(13, vector(2, numbers(SIGNATURES[name] for name in peer["signatures"])))
    if "versions" in peer:
        out += extension(43, vector(1, numbers(VERSIONS[name] for name in peer["versions"])))
    if "shares" in peer:
        shares = b"".join(struct.pack(">H", GROUPS[name]) + vector(2, share_of(name)) for name in peer["shares"])
        out += extension(51, vector(2, shares))
    return out


def suite_numbers(peer):
    signals = []
    if peer.get("renegotiation") == "signal":
        signals.append(SIGNAL_RENEGOTIATION)
    if peer.get("fallback"):
        signals.append(SIGNAL_FALLBACK)
    return [NUMBERS[name] for name in peer["suites"]] + signals


def hello_sslv2(peer):
    suites = b"".join(b"\x00" + struct.pack(">H", number) for number in suite_numbers(peer))
    body = struct.pack(">BHHHH", 1, VERSIONS[peer["version"]], len(suites), 0, 16) + suites + os.urandom(16)
    return struct.pack(">H", 0x8000 | len(body)) + body


def hello(peer):
    """The bytes of the peer's ClientHello, record header included."""
    if peer.get("format") == "SSLv2":
        return hello_sslv2(peer)
    session_id = os.urandom(32) if "versions" in peer else b""
    extensions = extensions_of(peer)
    body = (struct.pack(">H", peer.get("legacy", VERSIONS[peer["version"]])) + os.urandom(32) + vector(1, session_id)
            + vector(2, numbers(suite_numbers(peer))) + b"\x01\x00"
            + (vector(2, extensions) if extensions else b""))
    record_version = min(VERSIONS[peer["version"]], VERSIONS["TLSv1"])
    return struct.pack(">BH", RECORD_HANDSHAKE, record_version) + vector(2, b"\x01" + vector(3, body))


class Reader:
    """Takes numbers and vectors off the front of bytes."""

    def __init__(self, content):
        self.rest = content

    def take(self, count):
        if len(self.rest) < count:
            raise Unreadable("a message is cut short")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def vector(self, size_bytes):
        return self.take(self.number(size_bytes))


def parse_server_hello(content, outcome):
    reader = Reader(content)
    version, random = reader.number(2), reader.take(32)
    reader.vector(1)
    number = reader.number(2)
    suite = next((one for one in SUITES.values() if one.number == number), None)
    reader.take(1)
    extensions = Reader(reader.vector(2)) if reader.rest else Reader(b"")
    while extensions.rest:
        number, value = extensions.number(2), extensions.vector(2)
        if number == 43:
            version = int.from_bytes(value, "big")
        elif number == 51:
            outcome["group"] = group_name(int.from_bytes(value[:2], "big"))
        elif number == 0xff01:
            outcome["renegotiation"] = True
    outcome["version"] = VERSION_NAMES.get(version, f"0x{version:04x}")
    outcome["suite"] = suite.iana if suite else "unknown"
    if random == RETRY_RANDOM:
        outcome["retry"] = True
    elif random[24:] in SENTINELS:
        outcome["sentinel"] = SENTINELS[random[24:]]
    return suite


def group_name(number):
    return GROUP_NAMES.get(number, f"0x{number:04x}")


def parse_key_exchange(content, suite, outcome):
    reader = Reader(content)
    if suite.exchange == "ECDHE":
        reader.take(1)
        outcome["group"] = group_name(reader.number(2))
        reader.vector(1)
    else:
        prime = int.from_bytes(reader.vector(2), "big")
        outcome["group"] = f"DH {prime.bit_length()}"
        reader.vector(2)
        reader.vector(2)
    if outcome["version"] == "TLSv1.2" and reader.rest:
        number = reader.number(2)
        outcome["signature"] = SIGNATURE_NAMES.get(number, f"0x{number:04x}")


def records(receive):
    """Yields (type, content); `receive` gives more bytes, b"" at the end."""
    waiting = b""
    while True:
        while len(waiting) < 5 or len(waiting) < 5 + int.from_bytes(waiting[3:5], "big"):
            more = receive()
            if not more:
                if waiting:
                    raise Unreadable(f"the connection ended inside a record: {waiting[:40]!r}")
                return
            waiting += more
        end = 5 + int.from_bytes(waiting[3:5], "big")
        if waiting[0] not in (20, RECORD_ALERT, RECORD_HANDSHAKE, 23):
            raise Unreadable(f"no TLS record: {waiting[:40]!r}")
        yield waiting[0], waiting[5:end]
        waiting = waiting[end:]


def messages(waiting):
    """Splits handshake messages off a buffer; gives them and what is left."""
    found = []
    while len(waiting) >= 4 and len(waiting) >= 4 + int.from_bytes(waiting[1:4], "big"):
        end = 4 + int.from_bytes(waiting[1:4], "big")
        found.append((waiting[0], waiting[4:end]))
        waiting = waiting[end:]
    return found, waiting


def answer(receive):
    """What the server chose, or the alert that it sent; {} when it closed without a word."""
    outcome, suite, waiting = {}, None, b""
    for kind, content in records(receive):
        if kind == RECORD_ALERT:
            return {"alert": content[1]}
        found, waiting = messages(waiting + content)
        for number, body in found:
            if number == MESSAGE_SERVER_HELLO:
                suite = parse_server_hello(body, outcome)
                if outcome["version"] == "TLSv1.3":
                    return outcome
            elif number == MESSAGE_SERVER_KEY_EXCHANGE and suite:
                parse_key_exchange(body, suite, outcome)
            elif number == MESSAGE_SERVER_HELLO_DONE:
                return outcome
    return outcome
