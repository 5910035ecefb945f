# SPDX-License-Identifier: Apache-2.0
"""Each kind of failed handshake gives one line in security.log, and that line is exactly this one."""
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from clients import client
from conftest import ROOT, home_copy
from harness.openssl import HAS_HYBRID, HYBRID_GROUP
from harness.server import Server
from harness.waiting import SECONDS

sys.path.append(str(Path(__file__).resolve().parent.parent / "truth"))
from hello import POINTS, hello, vector  # noqa: E402

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


def with_version(number):
    """A hello that lists one version alone."""
    listed = struct.pack(">HHBH", 43, 3, 2, 0x0304)
    made = of(NEW, versions=["TLSv1.3"])
    assert listed in made
    return made.replace(listed, struct.pack(">HHBH", 43, 3, 2, number))


def key_exchange(point):
    return record(22, b"\x10" + vector(3, vector(1, point)), 0x0303)


# What a peer sends on IMAPS, and the line; then it closes.
RAW = {
    "RC4 and 3DES": (
        of(OLD, suites=["TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_EXPORT_WITH_RC4_40_MD5"]),
        "offered no usable suite, only TLS_RSA_WITH_RC4_128_SHA, TLS_RSA_WITH_3DES_EDE_CBC_SHA, "
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5; Security/ServerTlsCiphers (mailserver.cfg:LINE) admits none of these"
        f"{REFUSED}"),
    "a version of a draft": (
        with_version(0x7f1c), f"offered a version that is not known here; {PROTOCOLS}{TOO_OLD}"),
    "a hello that says it is renegotiating": (
        of(OLD).replace(b"\xff\x01\x00\x01\x00", b"\xff\x01\x00\x01\x01"),
        f"sent a malformed message (renegotiation encoding err){MALFORMED}; answered with alert 50, decode_error"),
    "a point that lies on no curve": (
        of(OLD) + key_exchange(b"\x04" + bytes(63) + b"\x01"),
        f"sent a malformed message (bad key share){MALFORMED}; answered with alert 47, illegal_parameter"),
    "a record that does not decrypt": (
        of(OLD) + key_exchange(bytes.fromhex(POINTS["P-256"])) + record(20, b"\x01", 0x0303)
        + record(22, bytes(40), 0x0303),
        "sent a record that does not decrypt; wrong keys, or tampering on the way; answered with alert 20, "
        "bad_record_mac"),
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
        "offered only suites for an ECDSA certificate (TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), and not its curve, "
        "P-256, among its groups (only X25519); an RSA certificate beside it helps peers that have suites for it"
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
    assert server.home.log_wait("security", pattern), "no line came"
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
        "TLS: 127.0.0.1 (EHLO client.example) offered at most TLSv1.1; SmtpSecurity/ServerTlsProtocols "
        f"(mailserver.cfg:LINE) admits TLSv1.2, TLSv1.3{TOO_OLD}")


def openssl_refuses(server, context, name="localhost"):
    with socket.create_connection(("127.0.0.1", server.ports["IMAPS"]), SECONDS) as peer:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(peer, server_hostname=name)


def test_the_curve_of_the_certificate_is_named(home):
    """Not any curve counts, but the certificate's own."""
    pair = home.path / "sslcert" / "server-ecdsa"
    client("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days", "30",
           "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", pair.with_suffix(".key"),
           "-out", pair.with_suffix(".crt"))
    with Server(home) as server:
        peer = of(OLD, suites=["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"], groups=["P-256", "X25519"],
                  signatures=["ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384"])
        assert line_after(server, lambda: send(server, "IMAPS", peer)) == (
            "TLS: 127.0.0.1 offered only suites for an ECDSA certificate (TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), "
            "and not its curve, P-384, among its groups (only P-256, X25519); an RSA certificate beside it helps peers "
            f"that have suites for it{REFUSED}")


NO_KEY = ("came while the private key could not be used: there is no such thing; error.log says more; answered with "
          "alert 80, internal_error")


def test_a_key_that_is_gone(server):
    """Who loads the keys anew, after a crash, may find none."""
    for path in (server.home.path / "sslcert").glob("*.key"):
        path.unlink()
    listed = subprocess.run(["ps", "--ppid", str(server.process.pid), "-o", "pid=,args="], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    os.kill(int(re.search(r"^ *(\d+) \S+ role keys ", listed, re.M)[1]), signal.SIGKILL)
    assert server.home.log_wait("error", "certificate server refused"), server.home.log("error")
    for peer in (of(NEW), of(OLD)):
        assert line_after(server, lambda: send(server, "IMAPS", peer)) == f"TLS: 127.0.0.1 {NO_KEY}"


BROKEN = ("broke the connection in the middle of the handshake (Connection reset by peer); clients that mislike the "
          "certificate often do so without a word; look into the client's log")


def test_a_connection_that_is_reset(listening):
    def act():
        with socket.create_connection(("127.0.0.1", listening.ports["IMAPS"]), SECONDS) as peer:
            peer.sendall(of(OLD))
            assert peer.recv(100)
            # Closing now sends a reset.
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert line_after(listening, act) == f"TLS: 127.0.0.1 {BROKEN}"


# ---- somebody in between

class Between:
    """Relays one connection, and changes what the client says first; a context manager that gives a port."""

    def __init__(self, port, change):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.change = port, change
        self.thread = threading.Thread(target=self.relay)

    def __enter__(self):
        self.thread.start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_):
        self.thread.join(SECONDS)
        self.listener.close()

    def relay(self):
        with self.listener.accept()[0] as near, socket.create_connection(("127.0.0.1", self.port), SECONDS) as far:
            back = threading.Thread(target=self.copy, args=(far, near))
            back.start()
            far.sendall(self.change(near.recv(65536)))
            self.copy(near, far)
            back.join(SECONDS)

    @staticmethod
    def copy(source, target):
        try:
            while more := source.recv(65536):
                target.sendall(more)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def context_for(server, version):
    context = ssl.create_default_context(cafile=str(server.home.certificate))
    context.minimum_version = context.maximum_version = version
    return context


def shake_between(server, context, change, session=None):
    with Between(server.ports["IMAPS"], change) as port:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as peer:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(peer, server_hostname="localhost", session=session)


OP_NO_EXTENDED_MASTER_SECRET = 1
FINISHED = "sent a Finished that does not verify; tampering on the way; answered with alert 51, decrypt_error"


def test_a_hello_that_somebody_changed(listening):
    """The two sides hold different messages to be what was said; the keys are the same (RFC 5246 section 7.4.9)."""
    context = context_for(listening, ssl.TLSVersion.TLSv1_2)
    context.options |= OP_NO_EXTENDED_MASTER_SECRET
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA:AES256-SHA")

    def change(said):
        assert b"\x00\x2f\x00\x35" in said
        return said.replace(b"\x00\x2f\x00\x35", b"\x00\x35\x00\x2f")
    assert line_after(listening, lambda: shake_between(listening, context, change)) == f"TLS: 127.0.0.1 {FINISHED}"


OTHER = ("and this server did not agree: the handshake failed (binder does not verify); compare what it offers with "
         "`postern tls show`; answered with alert ")
# OpenSSL 3.0 sends the first; RFC 8446 section 6.2 wants the second, which newer ones send.
OTHER_ALERTS = ("47, illegal_parameter", "51, decrypt_error")


def test_a_ticket_that_somebody_changed(listening):
    """The last bytes of the hello prove that the peer knows the session (RFC 8446 section 4.2.11)."""
    context = context_for(listening, ssl.TLSVersion.TLSv1_3)
    with socket.create_connection(("127.0.0.1", listening.ports["IMAPS"]), SECONDS) as peer:
        with context.wrap_socket(peer, server_hostname="localhost") as secured:
            assert secured.recv(100).startswith(b"* OK")
            session = secured.session
    assert session.has_ticket
    assert line_after(listening, lambda: shake_between(
        listening, context, lambda said: said[:-1] + bytes([said[-1] ^ 1]), session)) in [
            f"TLS: 127.0.0.1 {OTHER}{alert}" for alert in OTHER_ALERTS]


# ---- alerts

def manual_rows(heading):
    """The rows of a table of the manual, which holds the same words as the code."""
    section = (ROOT / "docs" / "manual" / "failures.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines()
            if line.startswith("| ")]
    return rows[1:]


ALERTS = {int(number): (name.strip("`"), meaning, cure)
          for number, name, meaning, cure in manual_rows("Alerts that the peer sends")}


def alert_sent(number):
    return of(OLD) + record(21, bytes([2, number]), 0x0303)


@pytest.mark.parametrize("number", ALERTS)
def test_each_alert_of_a_peer(listening, number):
    name, meaning, cure = ALERTS[number]
    assert line_after(listening, lambda: send(listening, "POP3S", alert_sent(number))) == (
        f"TLS: 127.0.0.1 refused: {meaning} (alert {number}, {name}); {cure}")


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


# ---- all of them

def test_each_kind_in_the_manual_is_seen_here():
    """A row of the manual, its parts in braces aside, is the beginning of a line that a case expects."""
    silent = (ROOT / "tests" / "dialog" / "tls" / "silent.dialog").read_text()
    seen = [line for _, line in RAW.values()] + [NO_KEY, BROKEN, FINISHED, OTHER]
    seen += re.findall(r"^log security .*127\\\.0\\\.0\\\.1 (?:\\\(EHLO \S+\\\) )?(.*)\$/$", silent, re.M)
    seen.append("offered only suites for another kind of certificate (X) than there is (RSA only)")
    missing = []
    for what, *_ in manual_rows("What happened"):
        pattern = re.sub(r"\\\{\w+\\\}", ".*", re.escape(what))
        if not any(re.match(pattern, line) for line in seen):
            missing.append(what)
    assert not missing


def test_such_lines_are_no_attack_and_stand_in_no_other_log(listening):
    for content, _ in RAW.values():
        send(listening, "IMAPS", content)
    for number in ALERTS:
        send(listening, "IMAPS", alert_sent(number))
    send(listening, "IMAPS", b"the last of them")
    assert listening.home.log_wait("security", "the last of them")
    logs = listening.home.path / "store" / "logs"
    for path in logs.glob("*.log"):
        if path.name != "security.log":
            assert "TLS: 127.0.0.1" not in path.read_text(errors="replace"), path.name
    for rules in (ROOT / "dist" / "fail2ban" / "postern.conf", "/etc/fail2ban/filter.d/kerio.conf"):
        assert re.search(r"^Lines: \d+ lines, 0 ignored, 0 matched,", client(
            "fail2ban-regex", logs / "security.log", rules), re.M), rules
