# SPDX-License-Identifier: Apache-2.0
"""Postern and Postfix send mail to each other, with every extension that both have."""
import hashlib
import os
import re

from clients import notices, queue
from harness.waiting import until
from world import DOMAIN as LOADED
from world import MX, POSTFIX, arrived, delivered, notice, relay, submit, submit_utf8
from world import POSTFIX_DOMAIN as DOMAIN

FLOOR = {"SmtpSecurity.ServerTlsProtocols": "TLSv1.1,TLSv1.2,TLSv1.3", "SmtpSecurity.ServerTlsCiphers": "HIGH",
         "SmtpSecurity.TlsFloor": "TLSv1.2", "SmtpSecurity.TlsFloorMode": "reply"}


# ---- to Postfix

def test_over_verified_tls(mta_server, postfix):
    submit(mta_server, [f"u1@{DOMAIN}"], b"Subject: plain\r\n\r\n.\r\n..dots\r\nlast\r\n")
    assert delivered(postfix, "u1", "plain").endswith(b"\r\n\r\n.\r\n..dots\r\nlast\r\n")
    line = mta_server.home.log_wait("mail", rf"Sent: .*<u1@{DOMAIN}>, Result: relayed, Status: 2\.0\.0 250 .*").group(0)
    assert f"Remote-Host: mx.{DOMAIN} [{POSTFIX}]" in line and "TLS: verify TLSv1.3" in line
    postfix.log_wait(r"TLS connection established from .*: TLSv1\.3")


def test_bytes_beyond_ascii(mta_server, postfix):
    body = "Grüße, 你好\r\n".encode()
    submit(mta_server, [f"u2@{DOMAIN}"], b"Subject: eight\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
           b"Content-Transfer-Encoding: 8bit\r\n\r\n" + body, ["BODY=8BITMIME"])
    assert delivered(postfix, "u2", "eight").endswith(b"\r\n\r\n" + body)


def test_an_address_beyond_ascii(mta_server, postfix):
    submit_utf8(mta_server, f"jürgen@{DOMAIN}", "Subject: utf8 ü\r\n\r\nHello.\r\n".encode())
    assert delivered(postfix, "jürgen", "utf8 ü").endswith(b"\r\n\r\nHello.\r\n")


def test_a_large_message(mta_server, postfix):
    body = os.urandom(6 << 20).hex().encode()
    lines = b"".join(body[at:at + 76] + b"\r\n" for at in range(0, len(body), 76))
    submit(mta_server, [f"u3@{DOMAIN}"], b"Subject: large\r\n\r\n" + lines)
    raw = delivered(postfix, "u3", "large")
    assert hashlib.sha256(raw.partition(b"\r\n\r\n")[2]).digest() == hashlib.sha256(lines).digest()


def test_many_recipients(mta_server, postfix):
    many = range(100, 250)
    for some in (many[:100], many[100:]):
        submit(mta_server, [f"u{number}@{DOMAIN}" for number in some], b"Subject: many\r\n\r\nHello.\r\n")
    until(lambda: all(postfix.received(f"u{number}") for number in many))
    until(lambda: queue(mta_server) == [])
    assert all(len(postfix.received(f"u{number}")) == 1 for number in many)
    ids = set(re.findall(rf"Queue-ID: (\S+), Recipient: <u1\d\d@{DOMAIN}>", mta_server.home.log("mail")))
    assert 1 <= len(ids) <= 2


def test_an_unknown_recipient(mta_server, postfix):
    submit(mta_server, [f"nobody@{DOMAIN}"], b"Subject: to nobody\r\n\r\nHello.\r\n", ["RET=HDRS", "ENVID=e1"])
    fields = notice(mta_server, "failed", f"nobody@{DOMAIN}")
    assert (fields["status"], fields["original-envelope-id"], fields["remote-mta"]) == ("5.1.1", "e1", f"dns; mx.{DOMAIN}")
    assert fields["diagnostic-code"].startswith("smtp; 550 5.1.1 ")


def test_the_last_server_tells_of_success(mta_server, postfix):
    """Postfix knows DSN: the notice is its, and comes back to us by mail."""
    submit(mta_server, [f"u4@{DOMAIN}"], b"Subject: tell me\r\n\r\nHello.\r\n", ["ENVID=e2"],
           ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;Four@{DOMAIN}"])
    fields = notice(mta_server, "delivered", f"u4@{DOMAIN}")
    assert fields["reporting-mta"] == f"dns; mx.{DOMAIN}"
    assert (fields["original-envelope-id"], fields["original-recipient"]) == ("e2", f"rfc822;Four@{DOMAIN}")


# ---- from Postfix

def test_from_postfix_over_tls(mta_server, postfix):
    relay(postfix, "u5", "hello from postfix")
    assert arrived(mta_server, "hello from postfix").get_payload() == "Hello.\r\n"
    line = mta_server.home.log_wait("mail", rf"Recv: .*From: <u5@{DOMAIN}>.*").group(0)
    assert "SSL: yes" in line and "TLS: TLSv1.3" in line
    postfix.log_wait(rf"Untrusted TLS connection established to mx\.{re.escape(LOADED)}\[{MX}\]:25: TLSv1\.3")


def test_from_postfix_with_dane(mta_server, postfix):
    """Its resolver has proven our TLSA records; our certificate fits one of them."""
    relay(postfix, "dane", "postfix proven by dns")
    arrived(mta_server, "postfix proven by dns")
    postfix.log_wait(rf"Verified TLS connection established to mx\.{re.escape(LOADED)}\[{MX}\]:25: TLSv1\.3")


def test_many_lines_and_dots_from_postfix(mta_server, postfix):
    text = "".join(f".{number}\n" for number in range(20000))
    relay(postfix, "encrypt", "dots from postfix", text)
    assert arrived(mta_server, "dots from postfix").get_payload() == text.replace("\n", "\r\n")


def test_postfix_hears_why_it_is_too_old(mta_server, postfix):
    """A floor that it cannot meet: it has our words in its log and in what its sender gets."""
    config = mta_server.home.config_path.read_text()
    mta_server.home.configure(**FLOOR)
    mta_server.home.command("reload")
    try:
        relay(postfix, "old", "too old")
        postfix.log_wait(r"status=bounced .*said: 550 5\.7\.10 Sending server negotiated an old and insecure TLS version, "
                         r"TLSv1\.1, sending server will need to be upgraded to support at least TLSv1\.2")
        mta_server.home.log_wait("mail", rf"Rejected: Service: SMTP, From: <old@{DOMAIN}>, .*550 5\.7\.10")
    finally:
        mta_server.home.config_path.write_text(config)
        mta_server.home.command("reload")
    assert "too old" not in [made["Subject"] for made in notices(mta_server)]


def test_postfix_hears_that_its_domain_has_to_come_encrypted(mta_server, postfix):
    """A row of TlsPolicy about the sender's domain: in the clear it is refused in words, and with TLS taken."""
    config = mta_server.home.config_path.read_text()
    mta_server.home.list_add("TlsPolicy", Peer=DOMAIN, Direction="in", Service="SMTP", MinVersion="TLSv1.2")
    mta_server.home.command("reload")
    try:
        relay(postfix, "clear", "a partner in the clear")
        postfix.log_wait(r"status=bounced .*said: 550 5\.7\.10 Encryption needed: mail of postfix\.example is taken over "
                         r"TLSv1\.2 or newer only, and this session is not encrypted")
        relay(postfix, "encrypt", "a partner over TLS")
        arrived(mta_server, "a partner over TLS")
    finally:
        mta_server.home.config_path.write_text(config)
        mta_server.home.command("reload")
    assert "a partner in the clear" not in [made["Subject"] for made in notices(mta_server)]


def test_postfix_is_refused_an_old_handshake(mta_server, postfix):
    relay(postfix, "old", "much too old")
    postfix.log_wait(r"to=<anna@example\.org>.*status=deferred .*(TLS handshake|Cannot start TLS)")
    mta_server.home.log_wait("security", r"TLS: .* offered at most TLSv1\.1; ")


def test_postfix_hears_that_tls_is_wanted(mta_server, postfix):
    mta_server.home.configure(**{"Service[SMTP].RequireTls": "1"})
    mta_server.home.command("reload")
    try:
        relay(postfix, "clear", "in the clear")
        postfix.log_wait(r"said: 530 5\.7\.0 Must issue a STARTTLS command first")
    finally:
        mta_server.home.configure(**{"Service[SMTP].RequireTls": "0"})
        mta_server.home.command("reload")
