# SPDX-License-Identifier: Apache-2.0
"""Postern and Exim, which speaks TLS by GnuTLS and sends by BDAT, send mail to each other."""
import hashlib
import os
import re

from clients import queue
from harness.waiting import until
from world import DOMAIN as OURS
from world import EXIM, MX, arrived, delivered, notice, relay, submit, submit_utf8
from world import EXIM_DOMAIN as DOMAIN

# Fields of mainlog.
TO_US = rf"=> anna@{re.escape(OURS)} .* H=mx\.{re.escape(OURS)} \[{MX}\] X=TLS1\.3:\S+"


# ---- to Exim

def test_over_tls_of_a_least_version(mta_server, exim):
    submit(mta_server, [f"u1@{DOMAIN}"], b"Subject: plain\r\n\r\n.\r\n..dots\r\nlast\r\n")
    assert delivered(exim, "u1", "plain").endswith(b"\r\n\r\n.\r\n..dots\r\nlast\r\n")
    line = mta_server.home.log_wait("mail", rf"Sent: .*<u1@{DOMAIN}>, Result: relayed, Status: 2\.0\.0 250 .*").group(0)
    assert f"Remote-Host: mx.{DOMAIN} [{EXIM}]" in line and "TLS: encrypt TLSv1.3" in line
    exim.log_wait(r"<= anna@example\.org .* P=esmtps L X=TLS1\.3:.* for u1@exim\.example")


def test_bytes_and_an_address_beyond_ascii(mta_server, exim):
    body = "Grüße, 你好\r\n".encode()
    submit_utf8(mta_server, f"jürgen@{DOMAIN}", "Subject: utf8 ü\r\nContent-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: 8bit\r\n\r\n".encode() + body)
    assert delivered(exim, "jürgen", "utf8 ü").endswith(b"\r\n\r\n" + body)


def test_a_large_message(mta_server, exim):
    body = os.urandom(6 << 20).hex().encode()
    lines = b"".join(body[at:at + 76] + b"\r\n" for at in range(0, len(body), 76))
    submit(mta_server, [f"u3@{DOMAIN}"], b"Subject: large\r\n\r\n" + lines)
    raw = delivered(exim, "u3", "large")
    assert hashlib.sha256(raw.partition(b"\r\n\r\n")[2]).digest() == hashlib.sha256(lines).digest()


def test_some_recipients_are_unknown(mta_server, exim):
    """Those that it takes get the message; the others come back in one notice each."""
    submit(mta_server, [f"u4@{DOMAIN}", f"nobody@{DOMAIN}", f"u5@{DOMAIN}"], b"Subject: some\r\n\r\nHello.\r\n")
    assert delivered(exim, "u4", "some") and delivered(exim, "u5", "some")
    fields = notice(mta_server, "failed", f"nobody@{DOMAIN}")
    assert (fields["status"], fields["remote-mta"]) == ("5.1.1", f"dns; mx.{DOMAIN}")
    assert fields["diagnostic-code"] == "smtp; 550 5.1.1 no such user"
    until(lambda: queue(mta_server) == [])


def test_success_is_told(mta_server, exim):
    submit(mta_server, [f"u6@{DOMAIN}"], b"Subject: tell me\r\n\r\nHello.\r\n", ["ENVID=e6"], ["NOTIFY=SUCCESS"])
    fields = notice(mta_server, "delivered", f"u6@{DOMAIN}")
    assert (fields["original-envelope-id"], fields["reporting-mta"]) == ("e6", f"dns; mx.{DOMAIN}")


# ---- from Exim

def test_from_exim_by_bdat(mta_server, exim):
    relay(exim, "u7", "hello from exim")
    assert arrived(mta_server, "hello from exim").get_payload() == "Hello.\r\n"
    line = mta_server.home.log_wait("mail", rf"Recv: .*From: <u7@{DOMAIN}>.*").group(0)
    assert "SSL: yes" in line and "TLS: TLSv1.3" in line
    # L: the commands were pipelined; K: the content went by BDAT.
    exim.log_wait(TO_US + r".* L K C=\"250")


def test_from_exim_with_dane(mta_server, exim):
    relay(exim, "dane", "exim proven by dns")
    arrived(mta_server, "exim proven by dns")
    exim.log_wait(TO_US + r" CV=dane")


def test_many_chunks_and_dots_from_exim(mta_server, exim):
    text = "".join(f".{number}\n" for number in range(100000))
    relay(exim, "u8", "dots from exim", text)
    assert arrived(mta_server, "dots from exim").get_payload() == text.replace("\n", "\r\n")


def test_exim_hears_of_an_unknown_recipient(mta_server, exim):
    relay(exim, "u9", "to nobody", recipient=f"nobody@{OURS}")
    exim.log_wait(rf"\*\* nobody@{re.escape(OURS)} .*: 550 5\.1\.1 No such user here")


def test_exim_hears_that_a_message_is_too_large(mta_server, exim):
    """SIZE at MAIL, or what comes by BDAT: it is refused for good, once."""
    mta_server.home.configure(**{"Limits.MessageBytes": "65536"})
    mta_server.home.command("reload")
    try:
        relay(exim, "u10", "too large", "x" * 70 + "\n" + ("y" * 70 + "\n") * 2000)
        exim.log_wait(rf"\*\* anna@{re.escape(OURS)} .*552 5\.3\.4 Message size exceeds the limit")
    finally:
        mta_server.home.configure(**{"Limits.MessageBytes": None})
        mta_server.home.command("reload")
