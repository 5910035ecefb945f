# SPDX-License-Identifier: Apache-2.0
"""AUTH EXTERNAL by client certificates, at the real listeners: whom it lets in, and whom not."""
import base64
import imaplib
import re
import shutil
import smtplib
import socket
import ssl

import pytest

from clients import client, tls_context
from conftest import ANNA, BERT, PASSWORDS, home_copy
from harness.server import Server
from harness.user_authority import UserAuthority
from harness.waiting import SECONDS

SERVICES = ["Submission", "SMTPS", "IMAP", "IMAPS", "POP3", "POP3S"]


@pytest.fixture(scope="module")
def users(workplace):
    """The certificates of the tests, by name."""
    folder = workplace / "authorities"
    good, other = UserAuthority(folder, "good"), UserAuthority(folder, "other")
    made = {"good": good, "other": other, "anna": good.issue("anna", [ANNA])}
    made["any-use"] = good.issue("any-use", [ANNA.upper()], usage=None)
    made["two-names"] = good.issue("two-names", [ANNA, BERT])
    made["expired"] = good.issue("expired", [ANNA], days=(-10, -1))
    made["not-yet"] = good.issue("not-yet", [ANNA], days=(1, 10))
    made["server"] = good.issue("server", [ANNA], usage="serverAuth")
    made["nobody"] = good.issue("nobody")
    made["stranger"] = good.issue("stranger", ["stranger@example.org"])
    made["weak"] = good.issue("weak", [ANNA], key="rsa:1024")
    made["sha1"] = good.issue("sha1", [ANNA], digest="sha1")
    made["revoked"] = good.issue("revoked", [ANNA])
    made["foreign"] = other.issue("foreign", [ANNA])
    return made


@pytest.fixture(scope="module")
def server(home_template, workplace, users):
    home = home_copy(home_template, workplace / "home-external")
    home.configure(**{f"Service[{name}].ClientCertificates": "1" for name in SERVICES})
    clients = home.path / "sslca" / "clients"
    clients.mkdir(parents=True)
    shutil.copy(users["good"].root, clients / "good.crt")
    # What is trusted elsewhere counts for nothing here.
    shutil.copy(users["other"].root, home.path / "sslca" / "other.crt")
    users["good"].revoke("revoked")
    users["good"].list_make(clients / "good.crl", form="DER")
    clients.chmod(0o755)
    with Server(home) as running:
        yield running


def context_for(server, pair, highest=None):
    context = tls_context(server)
    if pair:
        context.set_ciphers("ALL:@SECLEVEL=0")  # for the weak one: what the server says is asked here
        context.load_cert_chain(pair)
    if highest:
        context.maximum_version = highest
    return context


def imap(server, pair, highest=None):
    return imaplib.IMAP4_SSL("localhost", server.ports["IMAPS"], timeout=SECONDS,
                             ssl_context=context_for(server, pair, highest))


def external(connection, authzid=b""):
    """AUTHENTICATE EXTERNAL; gives the server's answer."""
    try:
        return connection.authenticate("EXTERNAL", lambda challenge: authzid)[0]
    except imaplib.IMAP4.error as error:
        return str(error)


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["anna", "any-use", "two-names"])
def test_right(server, users, name, highest):
    connection = imap(server, users[name], highest)
    assert "AUTH=EXTERNAL" in connection.capabilities
    assert external(connection) == "OK"
    assert connection.select("INBOX")[0] == "OK"
    connection.logout()
    assert re.search(rf"IMAP: User {ANNA} authenticated from IP address \S+ by EXTERNAL$", server.home.log("audit"), re.M)


@pytest.mark.parametrize("authzid, answer", [
    (ANNA, "OK"), (BERT, "OK"), (BERT.upper(), "OK"), ("postmaster@example.org", "AUTHENTICATIONFAILED")])
def test_name_asked_for(server, users, authzid, answer):
    connection = imap(server, users["two-names"])
    assert answer in external(connection, authzid.encode())
    connection.shutdown()


def test_other_user(server, users):
    connection = imap(server, users["anna"])
    assert "AUTHENTICATIONFAILED" in external(connection, BERT.encode())
    assert connection.state == "NONAUTH"
    connection.shutdown()
    assert server.home.log_wait("warning", rf"IMAPS: \S+: a login of {BERT} by EXTERNAL was refused: the certificate is "
                                           "another user's")
    assert server.home.log_wait("security", rf"IMAP: Invalid password for user {BERT}\. Attempt from IP address \S+")


def test_unknown_account(server, users):
    connection = imap(server, users["stranger"])
    assert "AUTHENTICATIONFAILED" in external(connection)
    connection.shutdown()
    assert server.home.log_wait("security", r"IMAP: User stranger@example\.org doesn't exist\. Attempt from IP address \S+\.")


def test_no_certificate(server):
    connection = imap(server, None)
    assert "AUTH=EXTERNAL" not in connection.capabilities and "AUTH=PLAIN" in connection.capabilities
    assert "CANNOT" in external(connection)
    connection.login(ANNA, PASSWORDS[ANNA])
    connection.logout()


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name, words", [
    ("expired", "it has expired"), ("not-yet", "it is not valid yet"), ("server", "it is not made for clients"),
    ("nobody", r"it names no mail address \(subjectAltName, rfc822Name\)"), ("revoked", "it was revoked"),
    ("weak", "a key or a signature in its chain is too weak"), ("sha1", "a key or a signature in its chain is too weak"),
    ("foreign", "its issuer does not stand in sslca/clients")])
def test_bad(server, users, name, words, highest):
    """The handshake goes on, the password still serves, and the log says why."""
    connection = imap(server, users[name], highest)
    assert "AUTH=EXTERNAL" not in connection.capabilities
    assert "CANNOT" in external(connection)
    connection.login(ANNA, PASSWORDS[ANNA])
    connection.logout()
    assert server.home.log_wait(
        "security", rf"TLS: \S+ showed a certificate \(CN={name}\) that logs nobody in: {words}; service IMAPS$")


@pytest.mark.parametrize("service", ["Submission", "SMTPS"])
def test_smtp(server, users, service):
    context = context_for(server, users["anna"])
    if service == "SMTPS":
        connection = smtplib.SMTP_SSL("localhost", server.ports[service], timeout=SECONDS, context=context)
    else:
        connection = smtplib.SMTP("localhost", server.ports[service], timeout=SECONDS)
        connection.ehlo()
        assert "auth" not in connection.esmtp_features
        connection.starttls(context=context)
    connection.ehlo()
    assert connection.esmtp_features["auth"].split() == ["EXTERNAL", "PLAIN", "LOGIN"]
    assert connection.docmd("AUTH", "EXTERNAL " + base64.b64encode(BERT.encode()).decode())[0] == 535
    assert connection.docmd("AUTH", "EXTERNAL =")[0] == 235
    connection.sendmail(ANNA, [ANNA], f"Subject: by certificate at {service}\r\n\r\nText.\r\n")
    connection.quit()
    assert server.home.log_wait("mail", rf"User: {ANNA}, .*Subject: by certificate at {service}, .*, Auth: EXTERNAL$")


@pytest.mark.parametrize("service", ["POP3", "POP3S"])
def test_pop3(server, users, service):
    raw = socket.create_connection(("localhost", server.ports[service]), timeout=SECONDS)
    file = raw.makefile("rb")
    if service == "POP3":
        file.readline()
        raw.sendall(b"STLS\r\n")
        file.readline()
    raw = context_for(server, users["anna"]).wrap_socket(raw, server_hostname="localhost")
    file = raw.makefile("rb")
    if service == "POP3S":
        file.readline()
    raw.sendall(b"AUTH\r\n")
    assert [file.readline() for _ in range(5)] == [b"+OK\r\n", b"EXTERNAL\r\n", b"PLAIN\r\n", b"LOGIN\r\n", b".\r\n"]
    raw.sendall(b"AUTH EXTERNAL\r\n")
    assert file.readline() == b"+ \r\n"
    raw.sendall(b"*\r\n")
    assert file.readline().startswith(b"-ERR ")
    raw.sendall(b"AUTH EXTERNAL\r\n")
    assert file.readline() == b"+ \r\n"
    raw.sendall(b"\r\n")
    assert file.readline().startswith(b"+OK ")
    raw.close()


def test_curl(server, users):
    said = client("curl", "-s", "--cacert", server.home.certificate, "--cert", users["anna"], "--login-options",
                  "AUTH=EXTERNAL", "--user", f"{ANNA}:", f"imaps://localhost:{server.ports['IMAPS']}/", "-X", "NOOP", "-v")
    assert "AUTHENTICATE EXTERNAL" in said and " OK " in said


def test_tls_show(server):
    assert "  users       asked for certificates, judged by sslca/clients\n" in server.home.command(
        "tls", "show", "--service", "IMAPS").stdout


class Resumption:
    """Connections with one context, so that the second takes the session of the first."""

    def __init__(self, server, pair, highest):
        self.server, self.context, self.session = server, context_for(server, pair, highest), None

    def capabilities(self):
        """What is offered, and whether the session was resumed."""
        raw = socket.create_connection(("localhost", self.server.ports["IMAPS"]), timeout=SECONDS)
        with self.context.wrap_socket(raw, server_hostname="localhost", session=self.session) as connection:
            line = connection.recv(4096).decode()
            self.session = connection.session
            connection.sendall(b"a LOGOUT\r\n")
            while connection.recv(4096):
                pass
            return line, connection.session_reused


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumed(server, users, highest):
    """The identity goes with the session, and ends with the files by which it was judged."""
    clients = server.home.path / "sslca" / "clients"
    name = f"resumed-{highest.name}"
    good = Resumption(server, users["good"].issue(name, [ANNA]), highest)
    bad = Resumption(server, users["foreign"], highest)
    for resumption, is_offered in (good, True), (bad, False):
        for is_reused in False, True:
            line, reused = resumption.capabilities()
            assert ("AUTH=EXTERNAL" in line) == is_offered and reused == is_reused
    kept = (clients / "good.crl").read_bytes()
    try:
        users["good"].revoke(name)
        users["good"].list_make(clients / "good.crl")
        server.home.command("reload")
        line, reused = good.capabilities()
        assert not reused and "AUTH=EXTERNAL" not in line
    finally:
        (clients / "good.crl").write_bytes(kept)
        server.home.command("reload")
    line, reused = good.capabilities()
    assert not reused and "AUTH=EXTERNAL" in line


def test_files_are_read_anew(server, users):
    clients = server.home.path / "sslca" / "clients"

    def offered(name):
        connection = imap(server, users[name])
        connection.shutdown()
        return "AUTH=EXTERNAL" in connection.capabilities

    def check(words, code):
        done = server.home.command("check", check=False)
        assert done.returncode == code and re.search(words, done.stdout)

    def reload_fails(words):
        done = server.home.command("reload", check=False)
        assert done.returncode != 0 and re.search(words, done.stderr + done.stdout)
        check(f"sslca/clients: error: .*{words}", 2)

    try:
        shutil.copy(users["other"].root, clients / "other.pem")
        server.home.command("reload")
        assert offered("foreign") and offered("anna")
        # A damaged file is refused, and what was before goes on.
        (clients / "other.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        reload_fails(r"sslca/clients/other\.pem: certificate number 1 is damaged; correct or remove it")
        assert offered("foreign") and offered("anna")
        (clients / "other.pem").write_text("nothing")
        reload_fails(r"sslca/clients/other\.pem: it holds no certificate in PEM form")
        (clients / "other.pem").unlink()
        (clients / "other.crl").write_bytes(b"\x30\x03nix")
        reload_fails(r"sslca/clients/other\.crl: it holds no revocation list")
        (clients / "other.crl").unlink()
        # A list that is out of date says nothing about today.
        users["good"].list_make(clients / "z.crl", days=-1)
        (clients / "good.crl").rename(clients / "good.kept")
        server.home.command("reload")
        assert not offered("anna")
        check("sslca/clients: warning: the revocation list of CN=good is out of date: nobody with a certificate of it can "
              "log in by it; put a new list there", 1)
        assert server.home.log_wait("security", r"logs nobody in: the revocation list of its issuer is out of date; put a "
                                                r"new one into sslca/clients; service IMAPS$")
        (clients / "z.crl").unlink()
        # Without a list nothing is revoked; without anchors nobody is asked.
        server.home.command("reload")
        assert offered("revoked") and not offered("foreign")
        (clients / "good.crt").rename(clients / "good.away")
        server.home.command("reload")
        assert not offered("anna")
        check("sslca/clients: warning: there is no certificate of an issuer", 1)
        assert server.home.log_wait("warning", "ClientCertificates is 1, but .*/sslca/clients holds no certificate")
    finally:
        for old, new in ("good.away", "good.crt"), ("good.kept", "good.crl"):
            if (clients / old).exists():
                (clients / old).rename(clients / new)
        for name in "other.pem", "other.crl", "z.crl":
            (clients / name).unlink(missing_ok=True)
        server.home.command("reload")
    assert offered("anna")
