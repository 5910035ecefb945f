# SPDX-License-Identifier: Apache-2.0
"""Postern and Postfix send mail to each other, with every extension that both have."""
import email
import email.policy
import hashlib
import os
import re
import smtplib
import ssl

import pytest

import mta
from clients import message, tls_context
from harness.authority import Authority, openssl
from harness.dns import Dns, tools_missing
from harness.fixtures import ANNA, PASSWORDS, home_copy
from harness.network import address_add
from harness.server import Server
from test_queue import notices, queue, until

MX, POSTFIX = "192.0.2.70", "192.0.2.71"
DOMAIN = "postfix.example"
LOADED = "example.org"
SECONDS = 30
FLOOR = {"SmtpSecurity.ServerTlsProtocols": "TLSv1.1,TLSv1.2,TLSv1.3", "SmtpSecurity.ServerTlsCiphers": "HIGH",
         "SmtpSecurity.TlsFloor": "TLSv1.2", "SmtpSecurity.TlsFloorMode": "reply"}


@pytest.fixture(scope="module")
def authority(workplace):
    folder = workplace / "mta-certificates"
    folder.mkdir()
    return Authority(folder, "Lab")


def tlsa(home):
    """The keys of a home's certificates, as TLSA 3 1 1 has them."""
    found = []
    for path in sorted((home.path / "sslcert").glob("server*.crt")):
        key = openssl("x509", "-in", path, "-noout", "-pubkey")
        der = ssl.PEM_cert_to_DER_cert(key.replace("PUBLIC KEY", "CERTIFICATE"))
        found.append(f"_25._tcp.mx TLSA 3 1 1 {hashlib.sha256(der).hexdigest()}")
    return found


@pytest.fixture(scope="module")
def home(workplace, home_template, authority):
    made = home_copy(home_template, workplace / "home-mta")
    made.configure(**{"Server.Hostname": f"mx.{LOADED}", "Service[SMTP].Port": "25", "Service[SMTP].Addresses": MX,
                      "Queue.FirstRetrySeconds": "1", "Queue.LongestRetrySeconds": "1"})
    (made.path / "sslca").mkdir(exist_ok=True)
    (made.path / "sslca" / "lab.pem").write_text(authority.root.read_text())
    made.list_add("TlsPolicy", Peer=DOMAIN, Direction="out", Level="verify")
    return made


@pytest.fixture(scope="module")
def dns(request, workplace, home):
    reason = request.config.no_mounts or mta.missing() or tools_missing()
    if reason:
        pytest.skip(str(reason))
    address_add(MX)
    zones = {LOADED: ["@ MX 10 mx", f"mx A {MX}", *tlsa(home)], DOMAIN: ["@ MX 10 mx", f"mx A {POSTFIX}"]}
    with Dns(workplace / "mta-dns", zones) as running, mta.Unbound(workplace / "unbound", running):
        running.configure(home)
        yield running


@pytest.fixture(scope="module")
def server(home, dns):
    with Server(home) as running:
        yield running


@pytest.fixture(scope="module")
def postfix(workplace, server, authority):
    with mta.Postfix(workplace / "postfix", DOMAIN, POSTFIX, authority.issue("postfix", f"mx.{DOMAIN}")) as running:
        yield running


def submit(server, recipients, content, mail_options=(), rcpt_options=()):
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=30) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        assert smtp.sendmail(ANNA, recipients, content, mail_options, rcpt_options) == {}


def relay(postfix, sender, subject, text="Hello.\n", recipient=ANNA):
    """Hands Postfix a message for Postern; TRANSPORT@ names the way it goes."""
    with smtplib.SMTP(POSTFIX, 25, timeout=30) as smtp:
        smtp.sendmail(f"{sender}@{DOMAIN}", [recipient],
                      message(subject, sender, recipient, text).as_bytes(policy=email.policy.SMTP))


def delivered(postfix, user, subject):
    """The message of that subject in a mailbox of Postfix, with line ends as on the way."""
    def find():
        return [raw for raw in postfix.received(user) if f"Subject: {subject}\n".encode() in raw]
    [raw] = until(find, SECONDS)
    return raw.replace(b"\n", b"\r\n")


def arrived(server, subject):
    """The message of that subject in INBOX here."""
    def find():
        return [made for made in notices(server) if made["Subject"] == subject]
    [made] = until(find, SECONDS)
    return made


# ---- to Postfix

def test_over_verified_tls(server, postfix):
    submit(server, [f"u1@{DOMAIN}"], b"Subject: plain\r\n\r\n.\r\n..dots\r\nlast\r\n")
    assert delivered(postfix, "u1", "plain").endswith(b"\r\n\r\n.\r\n..dots\r\nlast\r\n")
    line = server.home.log_wait("mail", rf"Sent: .*<u1@{DOMAIN}>, Result: relayed, Status: 2\.0\.0 250 .*").group(0)
    assert f"Remote-Host: mx.{DOMAIN} [{POSTFIX}]" in line and "TLS: verify TLSv1.3" in line
    postfix.log_wait(r"TLS connection established from .*: TLSv1\.3")


def test_bytes_beyond_ascii(server, postfix):
    body = "Grüße, 你好\r\n".encode()
    submit(server, [f"u2@{DOMAIN}"], b"Subject: eight\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
           b"Content-Transfer-Encoding: 8bit\r\n\r\n" + body, ["BODY=8BITMIME"])
    assert delivered(postfix, "u2", "eight").endswith(b"\r\n\r\n" + body)


def test_an_address_beyond_ascii(server, postfix):
    submit_utf8(server, f"jürgen@{DOMAIN}", "Subject: utf8 ü\r\n\r\nHello.\r\n".encode())
    assert delivered(postfix, "jürgen", "utf8 ü").endswith(b"\r\n\r\nHello.\r\n")


def submit_utf8(server, recipient, content):
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=30) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        smtp.command_encoding = "utf-8"
        assert smtp.mail(ANNA, ["SMTPUTF8", "BODY=8BITMIME"])[0] == 250
        assert smtp.rcpt(recipient)[0] == 250
        assert smtp.data(content)[0] == 250


def test_a_large_message(server, postfix):
    body = os.urandom(6 << 20).hex().encode()
    lines = b"".join(body[at:at + 76] + b"\r\n" for at in range(0, len(body), 76))
    submit(server, [f"u3@{DOMAIN}"], b"Subject: large\r\n\r\n" + lines)
    raw = delivered(postfix, "u3", "large")
    assert hashlib.sha256(raw.partition(b"\r\n\r\n")[2]).digest() == hashlib.sha256(lines).digest()


def test_many_recipients(server, postfix):
    many = range(100, 250)
    for some in (many[:100], many[100:]):
        submit(server, [f"u{number}@{DOMAIN}" for number in some], b"Subject: many\r\n\r\nHello.\r\n")
    until(lambda: all(postfix.received(f"u{number}") for number in many), 60)
    until(lambda: queue(server) == [])
    assert all(len(postfix.received(f"u{number}")) == 1 for number in many)
    ids = set(re.findall(rf"Queue-ID: (\S+), Recipient: <u1\d\d@{DOMAIN}>", server.home.log("mail")))
    assert 1 <= len(ids) <= 2


def notice(server, action, recipient):
    """The fields of the notice about a recipient, whoever wrote it."""
    def find():
        for made in notices(server):
            if made.get_content_type() != "multipart/report":
                continue
            fields = {name.lower(): " ".join(value.split()) for block in made.get_payload()[1].get_payload()
                      for name, value in block.items()}
            if fields.get("action") == action and fields["final-recipient"].endswith(f";{recipient}".replace(";", "; ")):
                return fields
        return None
    return until(find, SECONDS)


def test_an_unknown_recipient(server, postfix):
    submit(server, [f"nobody@{DOMAIN}"], b"Subject: to nobody\r\n\r\nHello.\r\n", ["RET=HDRS", "ENVID=e1"])
    fields = notice(server, "failed", f"nobody@{DOMAIN}")
    assert (fields["status"], fields["original-envelope-id"], fields["remote-mta"]) == ("5.1.1", "e1", f"dns; mx.{DOMAIN}")
    assert fields["diagnostic-code"].startswith("smtp; 550 5.1.1 ")


def test_the_last_server_tells_of_success(server, postfix):
    """Postfix knows DSN: the notice is its, and comes back to us by mail."""
    submit(server, [f"u4@{DOMAIN}"], b"Subject: tell me\r\n\r\nHello.\r\n", ["ENVID=e2"],
           ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;Four@{DOMAIN}"])
    fields = notice(server, "delivered", f"u4@{DOMAIN}")
    assert fields["reporting-mta"] == f"dns; mx.{DOMAIN}"
    assert (fields["original-envelope-id"], fields["original-recipient"]) == ("e2", f"rfc822;Four@{DOMAIN}")


# ---- from Postfix

def test_from_postfix_over_tls(server, postfix):
    relay(postfix, "u5", "hello from postfix")
    assert arrived(server, "hello from postfix").get_payload() == "Hello.\r\n"
    line = server.home.log_wait("mail", rf"Recv: .*From: <u5@{DOMAIN}>.*").group(0)
    assert "SSL: yes" in line and "TLS: TLSv1.3" in line
    postfix.log_wait(rf"Untrusted TLS connection established to mx\.{re.escape(LOADED)}\[{MX}\]:25: TLSv1\.3")


def test_from_postfix_with_dane(server, postfix):
    """Its resolver has proven our TLSA records; our certificate fits one of them."""
    relay(postfix, "dane", "proven by dns")
    arrived(server, "proven by dns")
    postfix.log_wait(rf"Verified TLS connection established to mx\.{re.escape(LOADED)}\[{MX}\]:25: TLSv1\.3")


def test_many_lines_and_dots_from_postfix(server, postfix):
    text = "".join(f".{number}\n" for number in range(20000))
    relay(postfix, "encrypt", "dots", text)
    assert arrived(server, "dots").get_payload() == text.replace("\n", "\r\n")


def test_postfix_hears_why_it_is_too_old(server, postfix):
    """A floor that it cannot meet: it has our words in its log and in what its sender gets."""
    config = server.home.config_path.read_text()
    server.home.configure(**FLOOR)
    server.home.command("reload")
    try:
        relay(postfix, "old", "too old")
        postfix.log_wait(r"status=bounced .*said: 550 5\.7\.10 Sending server negotiated an old and insecure TLS version, "
                         r"TLSv1\.1, sending server will need to be upgraded to support at least TLSv1\.2")
        server.home.log_wait("mail", rf"Rejected: Service: SMTP, From: <old@{DOMAIN}>, .*550 5\.7\.10")
    finally:
        server.home.config_path.write_text(config)
        server.home.command("reload")
    assert "too old" not in [made["Subject"] for made in notices(server)]


def test_postfix_is_refused_an_old_handshake(server, postfix):
    relay(postfix, "old", "much too old")
    postfix.log_wait(r"to=<anna@example\.org>.*status=deferred .*(TLS handshake|Cannot start TLS)")
    server.home.log_wait("security", r"TLS: .* offered at most TLSv1\.1; ")


def test_postfix_hears_that_tls_is_wanted(server, postfix):
    server.home.configure(**{"Service[SMTP].RequireTls": "1"})
    server.home.command("reload")
    try:
        relay(postfix, "clear", "in the clear")
        postfix.log_wait(r"said: 530 5\.7\.0 Must issue a STARTTLS command first")
    finally:
        server.home.configure(**{"Service[SMTP].RequireTls": "0"})
        server.home.command("reload")
