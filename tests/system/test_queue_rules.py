# SPDX-License-Identifier: Apache-2.0
"""Where mail goes, what it is said as, and what is demanded on the way: against servers that write it down."""
import re
import smtplib
import threading

import pytest

from clients import tls_context
from conftest import ANNA, PASSWORDS
from harness.dns import Dns, tools_missing
from harness.peer import Peer, server_tls
from harness.server import Server
from harness.waiting import SECONDS, until
from test_queue import QUICK, notice, queue, send

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

PEER, RELAY = "127.0.0.61", "127.0.0.62"
ZONES = {
    "peer.example": ["@ MX 10 mx", "mx A " + PEER, "alias CNAME @", "aliased MX 10 other", "other CNAME mx", "bare A " + PEER],
    "xn--bcher-kva.example": ["@ MX 10 mx.peer.example."],
    "loop.example": ["@ MX 10 here", "@ MX 20 mx.peer.example.", "here A " + PEER],
}
EHLO_UTF8 = "250-peer\r\n250-8BITMIME\r\n250 SMTPUTF8"
EHLO_TLS = "250-peer\r\n250-PIPELINING\r\n250 STARTTLS"


@pytest.fixture(scope="module")
def dns(workplace):
    with Dns(workplace / "rules-dns", ZONES, unsigned=list(ZONES)) as running:
        yield running


@pytest.fixture
def sending(home, dns):
    dns.configure(home)
    home.configure(**QUICK, **{"Server.Hostname": "here.loop.example"})
    with Server(home) as running:
        yield running


def sent(server, result):
    found = server.home.log_wait("mail", rf"Sent: .*Result: {result}.*")
    assert found, server.home.log("mail")
    return found.group(0)


@pytest.mark.parametrize("domain", ["peer.example", "alias.peer.example", "aliased.peer.example", "bare.peer.example", f"[{PEER}]"])
def test_every_kind_of_domain_leads_to_its_host(sending, domain):
    with Peer(PEER) as peer:
        send(sending, f"bob@{domain}")
        sent(sending, "relayed")
    assert [command for command in peer.commands if command.startswith("RCPT")] == [f"RCPT TO:<bob@{domain}>"]


def test_mail_that_leads_back_to_us_is_returned(sending):
    with Peer(PEER) as peer:
        send(sending, "bob@loop.example")
        fields, made = notice(sending, "failed")
        assert not peer.sessions
    assert fields["status"] == "5.4.6"
    assert "here.loop.example, this server, is its best MX" in made.get_payload()[0].get_payload().replace("\n    ", " ")


def send_utf8(server, recipient):
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=SECONDS) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        smtp.ehlo()
        smtp.command_encoding = "utf-8"
        assert smtp.mail(ANNA, ["SMTPUTF8", "BODY=8BITMIME"])[0] == 250
        assert smtp.rcpt(recipient)[0] == 250
        assert smtp.data(b"Subject: plain\r\n\r\nHello.\r\n")[0] == 250


def test_a_domain_beyond_ascii_is_said_in_ascii(sending):
    """So any server takes it."""
    with Peer(PEER) as peer:
        send_utf8(sending, "bob@b\u00fccher.example")
        sent(sending, "relayed")
    assert "RCPT TO:<bob@xn--bcher-kva.example>" in peer.commands
    assert not any("SMTPUTF8" in command for command in peer.commands)


def test_a_name_beyond_ascii_needs_a_server_that_takes_it(sending):
    with Peer(PEER) as peer:
        send_utf8(sending, "j\u00fcrgen@peer.example")
        assert "Status: 5.6.7 " in sent(sending, "failed")
        assert not any(command.startswith(("MAIL", "RCPT")) for command in peer.commands)
    with Peer(PEER, EHLO=EHLO_UTF8) as peer:
        send_utf8(sending, "j\u00fcrgen@peer.example")
        sent(sending, "relayed")
    assert any(command.startswith("MAIL") and command.endswith("SMTPUTF8") for command in peer.commands)
    assert "RCPT TO:<j\u00fcrgen@peer.example>" in [command.encode(errors="surrogateescape").decode() for command in peer.commands]


def test_one_connection_with_tls_takes_many_messages(sending):
    home = sending.home
    tls = server_tls(home.certificate, home.certificate.with_suffix(".key"))
    home.configure(**{"Queue.ConnectionsPerDestination": "1", "Queue.MessagesPerConnection": "3"})
    home.command("reload")
    go = threading.Event()
    with Peer(PEER, tls=tls, EHLO=EHLO_TLS, **{".": lambda session, text: go.wait(SECONDS) and "250 ok"}) as peer:
        for number in range(6):
            send(sending, "bob@peer.example", subject=f"message {number}")
        go.set()
        until(lambda: queue(sending) == [])
    assert [len(session.messages) for session in peer.sessions] == [3, 3]
    assert all(session.commands.count("STARTTLS") == 1 for session in peer.sessions)
    assert len(re.findall(r"Sent: .*Result: relayed.*TLS: may TLSv1\.3", home.log("mail"))) == 6


def test_the_strictest_of_rule_and_row_wins(sending):
    """The rule of the relay host wants nothing, a row for it wants TLS."""
    home = sending.home
    home.list_add("RelayRule", Recipient="peer.example", Host=f"[{RELAY}]", Port="2525", Level="none")
    home.command("reload")
    with Peer(RELAY, port=2525) as relay:
        send(sending, "bob@peer.example")
        assert "TLS: none" in sent(sending, "relayed")
        home.list_add("TlsPolicy", Peer=RELAY, Direction="out", Level="encrypt")
        home.command("reload")
        send(sending, "bob@peer.example")
        line = sent(sending, "delayed")
        assert "Status: 4.7.5 " in line and f"TlsPolicy:{RELAY}/Level (mailserver.cfg:" in line
        assert len(relay.messages) == 1


def test_a_relay_host_may_be_an_address_of_ipv6(sending):
    sending.home.list_add("RelayRule", Recipient="peer.example", Host="[::1]", Port="2526")
    sending.home.command("reload")
    with Peer("::1", port=2526) as relay:
        send(sending, "bob@peer.example")
        assert "Remote-Host: ::1" in sent(sending, "relayed")
        assert len(relay.messages) == 1


def test_a_broken_row_leaves_the_one_before_in_force(sending):
    home = sending.home
    home.list_add("TlsPolicy", Peer="peer.example", Direction="out", Level="encrypt")
    home.command("reload")
    config = home.config()
    [row] = config.items("TlsPolicy")
    config.put(row, "Level", "encrypted")
    config.write()
    refused = home.command("reload", check=False)
    line = 1 + home.config_path.read_text().split(">encrypted<")[0].count("\n")
    assert refused.returncode == 2 and f"mailserver.cfg:{line}: error: TlsPolicy:peer.example/Level: \"encrypted\" is none of" in refused.stderr, \
        refused.stderr
    with Peer(PEER) as peer:
        send(sending, "bob@peer.example")
        assert "Status: 4.7.5 " in sent(sending, "delayed")
        assert not peer.messages
