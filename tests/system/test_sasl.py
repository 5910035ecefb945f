# SPDX-License-Identifier: Apache-2.0
"""SCRAM-SHA-256 and -PLUS at the real listeners: our own client, gsasl, mutt (libgsasl), mbsync (Cyrus SASL)."""
import base64
import re
import socket
import ssl

import pytest

from clients import client, tls_context
from conftest import ANNA, BERT, PASSWORDS
from harness.scram import Scram, certificate_digest, certificate_signature
from harness.server import Server
from harness.waiting import SECONDS

SECRET = PASSWORDS[ANNA]


class Refused(Exception):
    pass


class Peer:
    """A line-wise client under TLS that logs in by SASL, on any of the three protocols."""

    def __init__(self, server, service, highest=None, session=None):
        self.protocol = {"S": "SMTP", "I": "IMAP", "P": "POP3"}[service[0]]
        self.socket = socket.create_connection(("localhost", server.ports[service]), timeout=SECONDS)
        self.file = None
        context = session[0] if session else tls_context(server)
        if highest:
            context.maximum_version = highest
        if not service.endswith("S"):
            self.file = self.socket.makefile("rb")
            self.line()
            self.say({"SMTP": "STARTTLS", "IMAP": "s STARTTLS", "POP3": "STLS"}[self.protocol])
            self.line()
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost",
                                          session=session[1] if session else None)
        self.file = self.socket.makefile("rb")
        if service.endswith("S"):
            self.line()
        if self.protocol == "SMTP":
            self.say("EHLO client.example")
            while self.line()[3] == "-":
                pass
        self.context = context

    def say(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def line(self):
        read = self.file.readline()
        if not read:
            raise Refused("closed")
        return read.decode().rstrip("\r\n")

    def challenge(self):
        """The bytes of a challenge; raises Refused with the line when it is none."""
        mark = "334 " if self.protocol == "SMTP" else "+ "
        line = self.line()
        if not line.startswith(mark):
            raise Refused(line)
        return base64.b64decode(line[len(mark):])

    def begin(self, mechanism, first):
        word = "a AUTHENTICATE" if self.protocol == "IMAP" else "AUTH"
        self.say(f"{word} {mechanism} {base64.b64encode(first).decode()}")
        return self.challenge()

    def answer(self, message):
        self.say(base64.b64encode(message).decode())

    def end(self):
        line = self.line()
        if not line.startswith(("235 ", "a OK ", "+OK ")):
            raise Refused(line)

    def scram(self, exchange, mechanism="SCRAM-SHA-256"):
        self.answer(exchange.last(self.begin(mechanism, exchange.first())))
        exchange.verify(self.challenge())
        self.answer(b"")
        self.end()

    def login_plain(self, user, password):
        word = "a AUTHENTICATE" if self.protocol == "IMAP" else "AUTH"
        self.say(f"{word} PLAIN {base64.b64encode(f'{chr(0)}{user}{chr(0)}{password}'.encode()).decode()}")
        self.end()

    def close(self):
        self.file.close()
        self.socket.close()


def bound(kind, connection):
    """The header and the data for a binding of this connection."""
    data = connection.get_channel_binding("tls-unique") if kind == "tls-unique" else certificate_digest(connection)
    return f"p={kind},,", data


@pytest.fixture(scope="module")
def scram_server(home_template, workplace):
    from conftest import home_copy
    home = home_copy(home_template, workplace / "home-scram")
    home.configure(**{"Server.AllowScram": "1"})
    with Server(home) as running:
        # The accounts were made without verifiers: the first login by PLAIN makes them.
        for address, password in PASSWORDS.items():
            peer = Peer(running, "IMAPS")
            peer.login_plain(address, password)
            peer.close()
        yield running


def audit_log(server):
    return (server.home.path / "store" / "logs" / "audit.log").read_text()


@pytest.mark.parametrize("service", ["Submission", "SMTPS", "IMAP", "IMAPS", "POP3", "POP3S"])
def test_scram(scram_server, service):
    peer = Peer(scram_server, service)
    peer.scram(Scram(ANNA.upper(), SECRET))
    peer.close()
    assert re.search(rf"{peer.protocol}: User {ANNA} authenticated from IP address \S+ by SCRAM-SHA-256\n",
                     audit_log(scram_server))


@pytest.mark.parametrize("service", ["Submission", "IMAPS", "POP3S"])
@pytest.mark.parametrize("kind, highest", [
    ("tls-unique", ssl.TLSVersion.TLSv1_2), ("tls-server-end-point", ssl.TLSVersion.TLSv1_2),
    ("tls-server-end-point", ssl.TLSVersion.TLSv1_3)])
def test_plus(scram_server, service, kind, highest):
    peer = Peer(scram_server, service, highest)
    assert "sha256" in certificate_signature(peer.socket).lower()
    peer.scram(Scram(ANNA, SECRET, *bound(kind, peer.socket)), "SCRAM-SHA-256-PLUS")
    peer.close()
    assert f"{peer.protocol}: User {ANNA} authenticated from IP address" in audit_log(scram_server)


def test_binding_of_a_resumed_session(scram_server):
    """tls-unique is then the server's Finished; which certificate was shown is not known any more."""
    peer = Peer(scram_server, "IMAPS", ssl.TLSVersion.TLSv1_2)
    kept = (peer.context, peer.socket.session)
    peer.close()
    again = Peer(scram_server, "IMAPS", session=kept)
    assert again.socket.session_reused
    again.scram(Scram(ANNA, SECRET, *bound("tls-unique", again.socket)), "SCRAM-SHA-256-PLUS")
    again.close()
    again = Peer(scram_server, "IMAPS", session=kept)
    assert again.socket.session_reused
    with pytest.raises(Refused):
        again.scram(Scram(ANNA, SECRET, *bound("tls-server-end-point", again.socket)), "SCRAM-SHA-256-PLUS")
    again.close()


def test_binding_of_another_connection(scram_server):
    """Somebody between passes on what a client says to him: the password is right, the login is not."""
    one, other = (Peer(scram_server, "IMAPS", ssl.TLSVersion.TLSv1_2) for _ in range(2))
    with pytest.raises(Refused, match="AUTHENTICATIONFAILED"):
        other.scram(Scram(ANNA, SECRET, *bound("tls-unique", one.socket)), "SCRAM-SHA-256-PLUS")
    one.close()
    other.close()
    assert scram_server.home.log_wait(
        "warning", rf"IMAPS: \S+: a login of {ANNA} by SCRAM-SHA-256-PLUS was refused: the password is right, but the channel binding "
                   "is that of another connection; somebody may stand between")


def test_tls_1_3_has_no_tls_unique(scram_server):
    peer = Peer(scram_server, "IMAPS", ssl.TLSVersion.TLSv1_3)
    with pytest.raises(Refused, match="AUTHENTICATIONFAILED"):
        peer.begin("SCRAM-SHA-256-PLUS", Scram(ANNA, SECRET, "p=tls-unique,,", b"x").first())
    peer.close()


def test_replay(scram_server):
    """A last message of another exchange is worth nothing, nor is one with a nonce of the client's alone."""
    peer = Peer(scram_server, "IMAPS")
    exchange = Scram(ANNA, SECRET, nonce="fixed")
    last = exchange.last(peer.begin("SCRAM-SHA-256", exchange.first()))
    peer.answer(last)
    peer.challenge()
    peer.answer(b"")
    peer.end()
    peer.close()
    peer = Peer(scram_server, "IMAPS")
    peer.begin("SCRAM-SHA-256", exchange.first())
    peer.answer(last)
    with pytest.raises(Refused, match="AUTHENTICATIONFAILED"):
        peer.challenge()
    challenge = peer.begin("SCRAM-SHA-256", exchange.first())
    peer.answer(exchange.last(challenge, nonce="fixed"))
    with pytest.raises(Refused, match="AUTHENTICATIONFAILED"):
        peer.challenge()
    peer.close()


def test_granted_only_at_the_end(scram_server):
    """Whoever does not take the server's proof is not logged in."""
    peer = Peer(scram_server, "IMAPS")
    exchange = Scram(ANNA, SECRET)
    peer.answer(exchange.last(peer.begin("SCRAM-SHA-256", exchange.first())))
    exchange.verify(peer.challenge())
    peer.say("*")
    assert peer.line().startswith("a BAD ")
    peer.say("b SELECT INBOX")
    assert peer.line().startswith("b BAD ") or peer.line().startswith("b NO ")
    peer.close()


def test_nobody_learns_who_exists(home):
    """Salt and count of a stranger, of an account without verifier and of one with it are of one kind, and stay."""
    def salts(server):
        found = {}
        for name in (ANNA, BERT, "nobody@example.org"):
            peer = Peer(server, "IMAPS")
            found[name] = re.sub("^r=[^,]*,", "", peer.begin("SCRAM-SHA-256", Scram(name, "x").first()).decode())
            peer.close()
        return found
    home.configure(**{"Server.AllowScram": "1"})
    home.ports_shift(1000)  # beside the server of the other tests
    with Server(home) as server:
        before = salts(server)
        peer = Peer(server, "IMAPS")
        peer.login_plain(BERT, PASSWORDS[BERT])
        peer.close()
        assert salts(server) == before
        home.user_add("nobody@example.org", "now somebody")
        assert salts(server) == before
        for text in before.values():
            assert re.fullmatch("s=[A-Za-z0-9+/]{22}==,i=65536", text)
    home.user_add("offline@example.org", "made without a server")
    with Server(home) as server:
        peer = Peer(server, "IMAPS")
        peer.scram(Scram("offline@example.org", "made without a server"))
        peer.close()
        assert salts(server) == before
        peer = Peer(server, "IMAPS")
        with pytest.raises(Refused):
            peer.scram(Scram(ANNA, SECRET))
        peer.close()
        assert server.home.log_wait("warning", rf"IMAPS: \S+: a login of {ANNA} by SCRAM-SHA-256 was refused: no verifier is kept .*")
        peer = Peer(server, "IMAPS")
        peer.scram(Scram("nobody@example.org", "now somebody"))
        peer.close()
        # Taken back and allowed again: the verifiers are gone.
        for value in "0", "1":
            home.configure(**{"Server.AllowScram": value})
            home.command("reload")
        peer = Peer(server, "IMAPS")
        with pytest.raises(Refused):
            peer.scram(Scram("nobody@example.org", "now somebody"))
        peer.close()


def gsasl(server, service, mechanism, *more, password=SECRET):
    protocol = "--smtp" if service == "Submission" else "--imap"
    return client("gsasl", protocol, "-m", mechanism, "-a", ANNA, "-p", password, *more,
                  f"--x509-ca-file={server.home.certificate}", "localhost", server.ports[service], stdin="")


@pytest.mark.parametrize("service", ["Submission", "IMAP"])
@pytest.mark.parametrize("options, binding", [
    (("--priority=NORMAL",), "tls-exporter"), (("--priority=NORMAL:-VERS-TLS1.3",), "tls-unique")])
def test_gsasl_plus(scram_server, service, options, binding):
    said = gsasl(scram_server, service, "SCRAM-SHA-256-PLUS", *options)
    assert "Client authentication finished (server trusted)" in said
    assert f"p={binding},,n={ANNA}" in "".join(
        base64.b64decode(word + "==", validate=False).decode(errors="replace")
        for word in re.findall(r"cD10[A-Za-z0-9+/]+", said))


def test_gsasl(scram_server):
    assert "Client authentication finished" in gsasl(scram_server, "IMAP", "SCRAM-SHA-256", "--no-cb")


def test_mutt(scram_server, folder):
    (folder / "muttrc").write_text(
        f'set folder = "imaps://localhost:{scram_server.ports["IMAPS"]}/"\nset imap_user = "{ANNA}"\n'
        f'set imap_pass = "{SECRET}"\nset imap_authenticators = "scram-sha-256"\n'
        f'set certificate_file = "{scram_server.home.certificate}"\nset record = "=Sent"\nset confirmcreate = no\n'
        f'set confirmappend = no\nset sendmail = /bin/true\nset from = "{ANNA}"\n')
    client("mutt", "-n", "-F", folder / "muttrc", "-s", "kept", BERT, stdin="The text.\n", HOME=str(folder))
    assert f"IMAP: User {ANNA} authenticated from IP address 127.0.0.1 by SCRAM-SHA-256\n" in audit_log(scram_server) or \
        f"IMAP: User {ANNA} authenticated from IP address ::1 by SCRAM-SHA-256\n" in audit_log(scram_server)


def test_mbsync(scram_server, folder):
    (folder / "mail").mkdir()
    (folder / "rc").write_text(
        f"IMAPAccount a\nHost localhost\nPort {scram_server.ports['IMAPS']}\nUser {BERT}\nPass {PASSWORDS[BERT]}\n"
        f"SSLType IMAPS\nCertificateFile {scram_server.home.certificate}\nAuthMechs SCRAM-SHA-256\n\n"
        f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {folder}/mail/\nInbox {folder}/mail/INBOX\n\n"
        "Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n")
    client("mbsync", "-c", folder / "rc", "-a", HOME=str(folder))
    assert re.search(rf"IMAP: User {BERT} authenticated from IP address \S+ by SCRAM-SHA-256\n", audit_log(scram_server))
