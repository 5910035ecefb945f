# SPDX-License-Identifier: Apache-2.0
"""Other servers that refuse, break off, or mean harm."""
import os
import signal
import socket
import time

import pytest

from clients import client
from harness.dns import Dns, tools_missing
from harness.peer import Peer, server_tls
from harness.server import Server
from harness.waiting import until
from test_queue import QUICK, queue, send
from test_roles import roles
from test_tls import metric

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

FIRST, SECOND = "127.0.0.53", "127.0.0.54"
ZONES = {
    "two.example": ["@ MX 10 one", "@ MX 20 two", "one A " + FIRST, "two A " + SECOND],
    "single.example": ["@ MX 10 mx", "mx A " + FIRST],
    "dual.example": ["@ MX 10 mx", "mx A " + FIRST, "mx AAAA 2001:db8::1"],
}


@pytest.fixture(scope="module")
def dns(workplace):
    with Dns(workplace / "peers-dns", ZONES, unsigned=list(ZONES)) as running:
        yield running


@pytest.fixture
def sending(home, dns):
    dns.configure(home)
    home.configure(**QUICK)
    with Server(home) as running:
        yield running


def sent(server, address, pattern):
    """The Sent line of a recipient."""
    found = server.home.log_wait("mail", rf"Sent: .*<{address}>, {pattern}.*")
    assert found, server.home.log("mail")
    return found.group(0)


def slowly(session, text):
    time.sleep(0.1)
    return "421 busy"


@pytest.mark.parametrize("greeting", ["421 busy", "554 no mail here", "521 never", "nonsense", None, slowly])
def test_a_server_that_sends_away_is_passed_over_for_the_next(sending, greeting):
    with Peer(FIRST, greeting=greeting) as first, Peer(SECOND) as second:
        send(sending, "bob@two.example")
        assert "Remote-Host: two.two.example [127.0.0.54]" in sent(sending, "bob@two.example", "Result: relayed")
        assert len(first.sessions) == 1 and len(second.messages) == 1
    until(lambda: queue(sending) == [])


def test_a_domain_whose_hosts_all_take_no_mail_gets_none_later_either(sending):
    with Peer(FIRST, greeting="521 never"), Peer(SECOND, greeting="521 never"):
        send(sending, "bob@two.example")
        line = sent(sending, "bob@two.example", "Result: failed")
    assert "Status: 5.3.2 " in line and "521 never" in line


def test_one_that_might_take_it_later_is_asked_again(sending):
    with Peer(FIRST, greeting="521 never"), Peer(SECOND, greeting="554 not today"):
        send(sending, "bob@two.example")
        line = sent(sending, "bob@two.example", "Result: delayed")
    assert "Status: 4.4.2 " in line and "554 not today" in line


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", ["421 4.3.2 going down", None])
def test_a_session_that_ends_before_anything_came_of_it_is_no_attempt(sending, verb, reply):
    with Peer(FIRST, **{verb: reply}), Peer(SECOND) as second:
        send(sending, "bob@two.example")
        assert "[127.0.0.54]" in sent(sending, "bob@two.example", "Result: relayed")
        assert len(second.messages) == 1
    assert "Result: delayed" not in sending.home.log("mail")


def test_421_is_told_in_its_words_where_no_other_host_is(sending):
    with Peer(FIRST, MAIL="421 4.3.2 going down"):
        send(sending, "bob@single.example")
        assert "answered MAIL with 421 4.3.2 going down" in sent(sending, "bob@single.example", "Result: delayed")


def test_a_recipient_who_was_refused_before_the_end_is_not_asked_for_again(sending):
    def rcpt(session, text):
        return "550 5.1.1 no such user" if "nobody" in text else None

    with Peer(FIRST, EHLO="250 peer", RCPT=rcpt) as first:
        send(sending, "nobody@single.example", "bob@single.example")
        assert "550 5.1.1 no such user" in sent(sending, "nobody@single.example", "Result: failed")
        assert "Status: 4.4.2 " in sent(sending, "bob@single.example", "Result: delayed")
        first.wait(lambda peer: len(peer.sessions) > 1)
        assert not any("nobody" in command for command in first.sessions[-1].commands)


def test_a_server_that_ends_the_session_after_some_messages_gets_the_rest_by_another(sending):
    """Nothing waits, though it sends away after two."""
    def mail(session, text):
        return "421 4.7.0 enough" if len(session.messages) == 2 else "250 ok"

    with Peer(FIRST, MAIL=mail) as first:
        for number in range(5):
            send(sending, "bob@single.example", subject=f"message {number}")
        until(lambda: queue(sending) == [])
        assert len(first.messages) == 5
    assert "Result: delayed" not in sending.home.log("mail")


def test_what_comes_while_a_destination_rests_hears_the_same_reason(home, dns):
    """One attempt is enough for both; that TLS is the reason is known of the second, too."""
    dns.configure(home)
    home.list_add("TlsPolicy", Peer="single.example", Direction="out", Level="encrypt")
    with Server(home) as server, Peer(FIRST) as first:
        for name in ("bob", "eve"):
            send(server, f"{name}@single.example")
            line = sent(server, f"{name}@single.example", "Result: delayed")
            assert "Status: 4.7.5 mx.single.example does not offer STARTTLS; " in line
        assert len(first.sessions) == 1


def test_after_the_last_dot_nobody_else_is_asked(sending):
    """The first server may have taken it: it is asked again, later, and only it."""
    with Peer(FIRST, **{".": None}) as first, Peer(SECOND) as second:
        send(sending, "bob@two.example")
        assert "Status: 4.4.2 " in sent(sending, "bob@two.example", "Result: delayed")
        first.wait(lambda peer: len(peer.messages) > 1)
        assert not second.sessions


def test_an_address_that_leads_nowhere_does_not_hold_up_the_other_family(sending):
    with Peer(FIRST):
        send(sending, "bob@dual.example")
        assert "[127.0.0.53]" in sent(sending, "bob@dual.example", "Result: relayed")


def test_mail_comes_from_the_address_that_is_set(home, dns):
    dns.configure(home)
    home.configure(**QUICK, **{"Queue.SourceAddresses": "127.0.0.77"})
    with Server(home) as server, Peer(FIRST) as first:
        send(server, "bob@single.example")
        first.wait(lambda peer: peer.messages)
        assert first.sessions[0].peer == "127.0.0.77"
        probe = home.command("tls", "probe", "single.example", "--json", check=False).stdout
        assert FIRST in probe and first.sessions[-1].peer == "127.0.0.77"


def test_what_became_of_mail_is_counted(sending):
    home = sending.home
    tls = server_tls(home.certificate, home.certificate.with_suffix(".key"))
    offers = {"EHLO": "250-peer\r\n250 STARTTLS"}
    with Peer(FIRST), Peer(SECOND, tls=tls, **offers):
        send(sending, "bob@single.example")
        sent(sending, "bob@single.example", "Result: relayed")
        home.list_add("TlsPolicy", Peer="one.two.example", Direction="out", Level="encrypt")
        home.command("reload")
        send(sending, "bob@two.example")
        sent(sending, "bob@two.example", "Result: relayed")
    with Peer(FIRST, RCPT="550 5.1.1 no such user"):
        send(sending, "x@single.example")
        sent(sending, "x@single.example", "Result: failed")
    send(sending, "y@single.example")
    sent(sending, "y@single.example", "Result: delayed")

    def counted():
        found = metric(sending, "postern_sent_total")
        return found if "rule=unreached,version=none,result=delayed" in found else None
    found = until(counted)
    assert found["rule=may,version=none,result=relayed"] == 1
    assert found["rule=may,version=TLSv1.3,result=relayed"] == 1
    assert found["rule=may,version=none,result=failed"] == 1
    assert metric(sending, "postern_not_sent_total")["result=failed,reason=reply"] == 1
    assert metric(sending, "postern_not_sent_total")["result=delayed,reason=connection"] >= 1
    assert metric(sending, "postern_queue_jobs") == {"state=waiting": 1, "state=ready": 0, "state=sending": 0}


def metrics(server):
    url = f"https://localhost:{server.ports['HTTPS']}/metrics"
    return client("curl", "-sSf", "--cacert", server.home.certificate, url)


def test_counters_are_there_while_the_role_that_sends_is_not(sending):
    [mailq] = roles(sending)["mailq"]
    os.kill(mailq, signal.SIGSTOP)
    try:
        said = metrics(sending)
    finally:
        os.kill(mailq, signal.SIGCONT)
    assert "\npostern_mailq_up 0\n" in said and "postern_connections_total" in said and "postern_sent_total" not in said


def goodbye(peer, number):
    """Waits until a session has ended in order."""
    peer.wait(lambda peer: peer.sessions[number].commands[-1:] == ["QUIT"])


def test_a_connection_waits_for_the_next_message(home, dns):
    dns.configure(home)
    home.configure(**QUICK, **{"Queue.ConnectionIdleSeconds": "60", "Queue.Connections": "1"})
    tls = server_tls(home.certificate, home.certificate.with_suffix(".key"))
    with Server(home) as sending, \
            Peer(FIRST, tls=tls, EHLO="250-peer\r\n250-STARTTLS\r\n250 8BITMIME") as peer:
        for number in range(1, 3):
            send(sending, f"{number}@single.example")
            peer.wait(lambda peer: len(peer.messages) == number)
            until(lambda: queue(sending) == [])
        assert len(peer.sessions) == 1 and peer.commands.count("STARTTLS") == 1
        # A reload ends what was begun before it.
        home.command("reload")
        goodbye(peer, 0)
        send(sending, "3@single.example")
        peer.wait(lambda peer: len(peer.messages) == 3)
        # There is no room for one to another destination, so the one that waits goes.
        send(sending, "4@two.example")
        goodbye(peer, 1)
        peer.wait(lambda peer: len(peer.messages) == 4)
        until(lambda: queue(sending) == [])
        sending.stop()
        goodbye(peer, 2)
        assert len(peer.sessions) == 3


def test_a_server_may_close_a_connection_that_waits(home, dns):
    dns.configure(home)
    home.configure(**QUICK, **{"Queue.ConnectionIdleSeconds": "60"})
    with Server(home) as sending, Peer(FIRST) as peer:
        send(sending, "1@single.example")
        until(lambda: queue(sending) == [])
        peer.sessions[0].sock.shutdown(socket.SHUT_RDWR)
        until(lambda: "\npostern_queue_connections 0\n" in metrics(sending))
        send(sending, "2@single.example")
        peer.wait(lambda peer: len(peer.messages) == 2)
        assert len(peer.sessions) == 2
