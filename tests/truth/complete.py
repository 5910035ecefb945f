# SPDX-License-Identifier: Apache-2.0
"""Peers that finish the handshake, for what only then can be seen: tickets, signatures of TLS 1.0, records.

A peer says `complete`: {"version": ..., "ciphers": OpenSSL's string}. It trusts the server's root and, being at
security level 0, takes whatever the server gives: a refusal is the server's.
"""
import re
import ssl
import warnings

from suites import BY_OPENSSL

VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1,
            "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
RECORD_APPLICATION_DATA = 23
SMTP_REPLY_END = re.compile(rb"(?:^|\r\n)[0-9]{3} [^\r\n]*\r\n$")


def context_of(certificate, peer):
    context = ssl.create_default_context(cafile=str(certificate))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = VERSIONS[peer["version"]]
    context.set_ciphers(peer.get("ciphers", "ALL") + ":@SECLEVEL=0")
    return context


class Wire:
    """TLS over memory, so that the records can be counted."""

    def __init__(self, stream, context, session):
        self.stream, self.came = stream, b""
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_hostname="localhost", session=session)

    def step(self, function, *arguments):
        while True:
            try:
                return function(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                more = self.stream.recv(65536)
                self.came += more
                if more:
                    self.into.write(more)
                else:
                    self.into.write_eof()
            finally:
                self.flush()

    def flush(self):
        waiting = self.out.read()
        if waiting:
            self.stream.sendall(waiting)


def data_records(came):
    """How many records of application data there are; before TLS 1.3 the handshake has none."""
    count = 0
    while len(came) >= 5:
        count += came[0] == RECORD_APPLICATION_DATA
        came = came[5 + int.from_bytes(came[3:5], "big"):]
    return count


def alert_of(error):
    """The number of an alert, from OpenSSL's words for it."""
    names = {"HANDSHAKE_FAILURE": 40, "PROTOCOL_VERSION": 70, "INSUFFICIENT_SECURITY": 71, "INTERNAL_ERROR": 80}
    return next((number for name, number in names.items() if name in (error.reason or "")), None)


def converse_in_words(wire, case):
    """Says the case's words, as a client of SMTP; gives the last line that comes."""
    for words in case["say"]:
        wire.step(wire.tls.write, words.encode() + b"\r\n")
        said = b""
        while not SMTP_REPLY_END.search(said):
            more = wire.step(wire.tls.read, 4096)
            if not more:
                break
            said += more
    return said.decode("ascii", "replace").splitlines()[-1] if said else ""


def converse(wire, case):
    """Reads the greeting, or what the service answers first after STARTTLS; the ticket of TLS 1.3 comes along."""
    if case["service"] in ("SMTP", "Submission"):
        wire.step(wire.tls.write, b"NOOP\r\n")
    elif case["service"] == "IMAP":
        wire.step(wire.tls.write, b"a2 NOOP\r\n")
    elif case["service"] == "POP3":
        wire.step(wire.tls.write, b"CAPA\r\n")
    elif case["service"] == "HTTPS":
        wire.step(wire.tls.write, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return wire.step(wire.tls.read, 4096)


def shake_wire(connect, certificate, case, peer, address, first=None):
    """`first`: (context, session) of an earlier connection."""
    context, session = first or (context_of(certificate, peer), None)
    with connect(case["service"], address) as stream:
        wire = Wire(stream, context, session)
        wire.step(wire.tls.do_handshake)
        reply = converse_in_words(wire, case) if "say" in case else converse(wire, case)
        name, _, _ = wire.tls.cipher()
        suite = BY_OPENSSL.get(name)
        got = {"version": wire.tls.version(), "suite": suite.iana if suite else name,
               "resumed": wire.tls.session_reused, "records": data_records(wire.came),
               "ticket": wire.tls.session is not None and wire.tls.session.has_ticket}
        if "say" in case:
            got["reply"] = reply
        return got, (context, wire.tls.session)


def shake(connect, certificate, case, peer, address, first=None):
    try:
        return shake_wire(connect, certificate, case, peer, address, first)[0]
    except ssl.SSLError as error:
        return {"alert": alert_of(error), "error": str(error)}


def session_make(connect, certificate, case, peer, address):
    return shake_wire(connect, certificate, case, peer, address)[1]
