# SPDX-License-Identifier: Apache-2.0
"""Each kind of failed handshake gives one line in security.log, and that line is exactly this one."""
import re
import socket
import ssl
import struct
import sys
from pathlib import Path

import pytest

from conftest import home_copy
from harness.openssl import HAS_HYBRID, HYBRID_GROUP
from harness.server import Server

sys.path.append(str(Path(__file__).resolve().parent.parent / "truth"))
from hello import hello, vector  # noqa: E402

SECONDS = 20
NEW = {"version": "TLSv1.2", "versions": ["TLSv1.3", "TLSv1.2"], "groups": ["X25519"], "shares": ["X25519"],
       "signatures": ["rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", "rsa_pkcs1_sha256"],
       "suites": ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}
OLD = {"version": "TLSv1.2", "groups": ["P-256"], "signatures": ["rsa_pkcs1_sha256"],
       "suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}
PROTOCOLS = "Security/ServerTlsProtocols (mailserver.cfg:LINE) admits TLSv1.2, TLSv1.3"
GROUPS = (f"Security/EnableEphemeralECDH (mailserver.cfg:LINE) admits {HYBRID_GROUP + ', ' if HAS_HYBRID else ''}"
          "X25519, P-256, X448, P-384, P-521, ffdhe2048, ffdhe3072, ffdhe4096")
REFUSED = "; answered with alert 40, handshake_failure"
TOO_OLD = "; answered with alert 70, protocol_version"
SCANNER = "; a scanner, or a client of another service"
MALFORMED = "; a scanner, or a fault in its TLS library"


def of(peer, **changes):
    return hello({name: value for name, value in {**peer, **changes}.items() if value is not None})


def record(kind, content, version=0x0301):
    return struct.pack(">BH", kind, version) + vector(2, content)


# What a peer sends on IMAPS, and the line; then it closes.
RAW = {
    "at most TLSv1.1": (
        of(OLD, version="TLSv1.1", signatures=None, suites=["TLS_RSA_WITH_AES_128_CBC_SHA"]),
        f"offered at most TLSv1.1; {PROTOCOLS}{TOO_OLD}"),
    "SSLv3": (
        of(OLD, version="SSLv3", groups=None, signatures=None, suites=["TLS_RSA_WITH_AES_128_CBC_SHA"]),
        f"offered at most SSLv3; {PROTOCOLS}{REFUSED}"),
    "SSLv2": (
        of(OLD, version="SSLv2", format="SSLv2"),
        f"sent a hello of SSLv2; {PROTOCOLS}; nothing but a scanner or a program of the nineties does so"
        f"{TOO_OLD}"),
    "the form of SSLv2, for TLSv1": (
        of(OLD, version="TLSv1", format="SSLv2"), f"offered at most TLSv1; {PROTOCOLS}{TOO_OLD}"),
    "listed versions": (
        of(NEW, versions=["TLSv1.1", "TLSv1"]), f"offered TLSv1, TLSv1.1; {PROTOCOLS}{TOO_OLD}"),
    "no common suite": (
        of(OLD, suites=["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"]),
        "offered no usable suite, only TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA; "
        f"Security/ServerTlsCiphers (mailserver.cfg:LINE) admits none of these{REFUSED}"),
    "no common suite of TLSv1.3": (
        of(NEW, versions=["TLSv1.3"], suites=["TLS_RSA_WITH_AES_128_CBC_SHA"]),
        "offered no usable suite, only TLS_RSA_WITH_AES_128_CBC_SHA; "
        f"Security/ServerTlsCiphers (mailserver.cfg:LINE) admits none of these{REFUSED}"),
    "no common group in TLSv1.3": (
        of(NEW, versions=["TLSv1.3"], groups=["ffdhe8192", "secp256k1"], shares=[]),
        "offered no group for the key exchange that is admitted, only ffdhe8192, secp256k1; "
        f"{GROUPS}{REFUSED}"),
    "no common group in TLSv1.2": (
        of(OLD, groups=["brainpoolP256r1"]),
        "offered no group for the key exchange that is admitted, only brainpoolP256r1; "
        f"{GROUPS}{REFUSED}"),
    "no curve of the certificate": (
        of(OLD, groups=["X25519"], suites=["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]),
        "offered only suites for an ECDSA certificate (TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), and no curve of such "
        "among its groups (only X25519); an RSA certificate beside it helps peers that have suites for it"
        f"{REFUSED}"),
    "no common signature in TLSv1.3": (
        of(NEW, versions=["TLSv1.3"], signatures=["ed25519"]),
        "accepts no kind of signature that the certificates can give and that is strong enough for the version, "
        "only ed25519; there is RSA and ECDSA; a peer that knows SHA-1 only, in TLSv1.2, has to be upgraded"
        f"{REFUSED}"),
    "SHA-1 only in TLSv1.2": (
        of(OLD, signatures=["rsa_pkcs1_sha1", "ecdsa_sha1"]),
        "accepts no kind of signature that the certificates can give and that is strong enough for the version, "
        "only rsa_pkcs1_sha1, ecdsa_sha1; there is RSA and ECDSA; a peer that knows SHA-1 only, in TLSv1.2, has to "
        f"be upgraded{REFUSED}"),
    "a fallback": (
        of(OLD, fallback=True),
        "had fallen back to an older version, TLSv1.2, though a newer one is possible (RFC 7507); something on the "
        "way may have disturbed its first attempt; answered with alert 86, inappropriate_fallback"),
    "HTTP": (
        b"GET / HTTP/1.1\r\nHost: mail\r\n\r\n",
        "spoke plain HTTP where TLS was expected (it began with GET / HTTP/1.1); its address has to begin with "
        "https:"),
    "IMAP": (
        b"a1 CAPABILITY\r\n",
        "spoke plain SMTP, IMAP or POP3 where TLS was expected (it began with a1 CAPABILITY); set the client to "
        "SSL/TLS on this port, or to STARTTLS on the port for it"),
    "SMTP": (
        b"EHLO client.example\r\n",
        "spoke plain SMTP, IMAP or POP3 where TLS was expected (it began with EHLO client.example); set the client "
        "to SSL/TLS on this port, or to STARTTLS on the port for it"),
    "bytes that would write a line of their own": (
        b"x\n[20/Nov/2026 00:00:00] IMAP: User root doesn't exist. Attempt from IP address 192.0.2.1\n",
        f"spoke no TLS where TLS was expected (it began with x){SCANNER}"),
    "nothing": (b"", "closed the connection before it said anything; a port check, most often"),
    "half a record": (
        of(OLD)[:40],
        "closed the connection in the middle of the handshake; clients that mislike the certificate often do so "
        "without a word; look into the client's log"),
    "a hello cut short within": (
        record(22, b"\x01" + vector(3, b"\x03\x03" + bytes(20))),
        f"sent a malformed message (length mismatch){MALFORMED}; answered with alert 50, decode_error"),
    "another message first": (
        record(22, b"\x0e" + vector(3, b"")),
        f"sent a message out of turn (unexpected message){MALFORMED}; answered with alert 10, "
        "unexpected_message"),
    "an alert first": (
        record(21, b"\x02\x46"),
        f"sent a message out of turn (unexpected message){MALFORMED}; answered with alert 10, "
        "unexpected_message"),
    "unknown_ca after the certificate": (
        of(OLD) + record(21, b"\x02\x30", 0x0303),
        "refused: it does not trust whoever issued the certificate (alert 48, unknown_ca); give it the root, or "
        "install a certificate of a public CA with its whole chain"),
}


@pytest.fixture(scope="module")
def listening(home_template, workplace):
    """A server as `postern init` made it, without the suites of static RSA."""
    home = home_copy(home_template, workplace / "failures")
    home.ports_shift(30000)
    with Server(home) as running:
        yield running


@pytest.fixture(scope="module")
def rsa_only(home_template, workplace):
    home = home_copy(home_template, workplace / "failures-rsa")
    home.ports_shift(35000)
    for path in (home.path / "sslcert").glob("server-ecdsa.*"):
        path.unlink()
    with Server(home) as running:
        yield running


def lines(home):
    """The lines of failed handshakes, stamps and line numbers taken out."""
    found = [line.partition("] ")[2] for line in home.log("security").splitlines()]
    return [re.sub(r"mailserver\.cfg:\d+", "mailserver.cfg:LINE", line) for line in found]


def line_after(server, action):
    """The one line that an action brings."""
    before = len(lines(server.home))
    action()
    pattern = r"\A(?:.*\n){%d}" % (before + 1)
    assert server.home.log_wait("security", pattern, SECONDS), "no line came"
    found = lines(server.home)[before:]
    assert len(found) == 1, found
    return found[0]


def send(server, service, content):
    """Sends it, takes the answer, closes."""
    with socket.create_connection(("127.0.0.1", server.ports[service]), SECONDS) as peer:
        peer.sendall(content)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65536):
            pass


@pytest.mark.parametrize("kind", RAW)
def test_the_line_of_each_kind(listening, kind):
    content, expected = RAW[kind]
    assert line_after(listening, lambda: send(listening, "IMAPS", content)) == f"TLS: 127.0.0.1 {expected}"


def test_a_certificate_of_another_kind(rsa_only):
    peer = of(OLD, suites=["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"], signatures=["ecdsa_secp256r1_sha256"])
    assert line_after(rsa_only, lambda: send(rsa_only, "POP3S", peer)) == (
        "TLS: 127.0.0.1 offered only suites for another kind of certificate "
        "(TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256) than there is (RSA only); put a pair of the other kind beside it, "
        f"as sslcert/server.crt (RSA) or server-ecdsa.crt{REFUSED}")


def test_after_starttls_the_other_table_is_named(listening):
    def act():
        with socket.create_connection(("127.0.0.1", listening.ports["SMTP"]), SECONDS) as peer:
            stream = peer.makefile("rwb", buffering=0)
            stream.readline()
            stream.write(b"EHLO client.example\r\n")
            while stream.readline()[3:4] == b"-":
                pass
            stream.write(b"STARTTLS\r\n")
            assert stream.readline().startswith(b"220 ")
            stream.write(RAW["at most TLSv1.1"][0])
            stream.read()
    assert line_after(listening, act) == (
        "TLS: 127.0.0.1 offered at most TLSv1.1; SmtpSecurity/ServerTlsProtocols (mailserver.cfg:LINE) admits "
        f"TLSv1.2, TLSv1.3{TOO_OLD}")


def openssl_refuses(server, context, name="localhost"):
    with socket.create_connection(("127.0.0.1", server.ports["IMAPS"]), SECONDS) as peer:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(peer, server_hostname=name)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_does_not_know_the_root(listening, version):
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    assert line_after(listening, lambda: openssl_refuses(listening, context)) == (
        "TLS: 127.0.0.1 refused: it does not trust whoever issued the certificate (alert 48, unknown_ca); give it the "
        "root, or install a certificate of a public CA with its whole chain")


def test_a_name_that_no_certificate_holds_is_no_failure_of_ours(listening):
    """The client decides: it takes the default certificate, or says what it holds against it."""
    context = ssl.create_default_context(cafile=str(listening.home.certificate))
    before = len(lines(listening.home))
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", listening.ports["IMAPS"]), SECONDS) as peer:
        with context.wrap_socket(peer, server_hostname="elsewhere.example") as secured:
            assert secured.recv(100).startswith(b"* OK")
    context.check_hostname = True
    assert line_after(listening, lambda: openssl_refuses(listening, context, "elsewhere.example")).startswith(
        "TLS: 127.0.0.1 refused: ")
    assert len(lines(listening.home)) == before + 1
