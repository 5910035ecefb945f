# SPDX-License-Identifier: Apache-2.0
"""Servers that mean harm: nothing they say grows, forges or reaches a terminal as it is."""
import contextlib
import json
import re

import pytest

from conftest import ANNA
from harness.dns import Dns, tools_missing
from harness.peer import Peer
from harness.server import Server
from harness.waiting import until
from test_queue import notices, queue, send
from test_roles import roles

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

PEER = "127.0.0.55"
ZONES = {"bad.example": ["@ MX 10 mx", "mx A " + PEER]}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Colours a terminal, rings, turns text around, and is no UTF-8.
NASTY = b"\x1b[31;1mred\x1b]0;title\x07\x08\x9b2J\xff\xfe\xe2\x80\xae end"


@pytest.fixture(scope="module")
def dns(workplace):
    with Dns(workplace / "hostile-dns", ZONES, unsigned=list(ZONES)) as running:
        yield running


@pytest.fixture
def sending(home, dns):
    """Nothing is tried again by itself."""
    dns.configure(home)
    home.configure(**{"Queue.DelayNoticeSeconds": "1"})
    with Server(home) as running:
        yield running


def mail_line(server, result):
    found = server.home.log_wait("mail", rf"Sent: .*<bob@bad\.example>, Result: {result}.*")
    assert found, server.home.log("mail")
    return found.group(0)


def memory_kib(server):
    [mailq] = roles(server)["mailq"]
    with open(f"/proc/{mailq}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


def flood(line):
    """Says a line again and again until the other side has had enough."""
    def reply(session, text):
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 256 << 20:
                session.sock.sendall(line * 1000)
                sent += 1000 * len(line)
        session.flooded = sent
        return None
    return reply


@pytest.mark.parametrize("verb", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("line", [b"250-more and more\r\n", b"2" * 100, b"250-" + b"x" * 5000 + b"\r\n"], ids=["lines", "endless", "long"])
def test_a_flood_is_cut(sending, verb, line):
    with Peer(PEER, **{verb: flood(line)}) as peer:
        send(sending, "bob@bad.example")
        told = mail_line(sending, "delayed")
        peer.wait(lambda peer: hasattr(peer.sessions[0], "flooded") or peer.changed.wait(0.1))
        until(lambda: hasattr(peer.sessions[0], "flooded"))
        # What fits into the buffers of sockets on the way, not more.
        assert peer.sessions[0].flooded < 64 << 20
    assert len(told) < 5000
    assert "no reply of SMTP" in told
    assert memory_kib(sending) < 100 * 1024


@pytest.mark.parametrize("code", [b"451", b"550"])
def test_control_characters_reach_neither_log_nor_notice_nor_terminal(sending, code):
    home = sending.home
    with Peer(PEER, RCPT=code + b" 5.1.1 " + NASTY):
        send(sending, "bob@bad.example")
        told = mail_line(sending, "(delayed|failed)")
        if code == b"451":
            listed = home.command("queue", "list").stdout + home.command("queue", "show", "all", check=False).stdout
            [entry] = queue(sending)
            listed += home.command("queue", "show", entry["id"]).stdout
            assert "red" in listed and not CONTROL.search(listed.replace("\n", "")), repr(listed)
            json.loads(home.command("queue", "list", "--json").stdout)
            home.command("queue", "remove", entry["id"])
    assert "red" in told and not CONTROL.search(told), repr(told)
    if code == b"550":
        [notice] = until(lambda: [made for made in notices(sending) if made.get_content_type() == "multipart/report"])
        raw = notice.as_bytes()
        assert b"red" in raw and not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", raw), raw
        assert notice["To"] == f"<{ANNA}>"


@pytest.mark.parametrize("reply", [b"99 no code", b"2500 too many digits", b"abc def", b"", b"250-one\r\n251 another", b"650 no class",
                                   b"250\x00ok", b"550 a\rX-Forged: yes", b"550 a\x00b"])
def test_what_is_no_reply_ends_the_session(sending, reply):
    with Peer(PEER, RCPT=reply):
        send(sending, "bob@bad.example")
        assert "no reply of SMTP" in mail_line(sending, "delayed")


def test_a_greeting_with_controls_is_escaped(sending):
    with Peer(PEER, greeting=b"554 " + NASTY):
        send(sending, "bob@bad.example")
        told = mail_line(sending, "delayed")
        assert "red" in told and not CONTROL.search(told), repr(told)
        probe = sending.home.command("tls", "probe", "bad.example", check=False).stdout
        assert not CONTROL.search(probe.replace("\n", "")), repr(probe)


def test_replies_nobody_asked_for_are_no_answers(sending):
    """Two replies to MAIL: the second must not be taken for that to RCPT, by which it was refused."""
    with Peer(PEER, EHLO="250 peer", MAIL=b"250 ok\r\n250 ok\r\n250 ok", RCPT="550 5.1.1 no", DATA="503 no", **{".": "250 ok"}) as peer:
        send(sending, "bob@bad.example")
        sending.home.log_wait("mail", r"Sent: .*<bob@bad\.example>, Result: .*")
        assert not peer.messages
    assert "Result: relayed" not in sending.home.log("mail")
