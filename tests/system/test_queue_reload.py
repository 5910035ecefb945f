# SPDX-License-Identifier: Apache-2.0
"""Orders and reloads while mail is on its way."""
import os
import re
import signal
import threading
from datetime import datetime, timezone

import pytest

from clients import zone_with_midnight_in
from harness.dns import Dns, tools_missing
from harness.peer import Peer
from harness.server import Server
from harness.waiting import SECONDS, until
from test_queue import QUICK, queue, send
from test_roles import roles

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

PEER, RELAY = "127.0.0.51", "127.0.0.52"
ZONES = {"peer.example": ["@ MX 10 mx", "mx A " + PEER]}


@pytest.fixture(scope="module")
def dns(workplace):
    with Dns(workplace / "reload-dns", ZONES, unsigned=list(ZONES)) as running:
        yield running


@pytest.fixture
def sending(home, dns):
    dns.configure(home)
    home.configure(**QUICK, **{"Queue.ConnectionsPerDestination": "1"})
    with Server(home) as running:
        yield running


class Hold:
    """Keeps the peer from answering the content until it is let go."""

    def __init__(self):
        self.go = threading.Event()

    def __call__(self, session, text):
        self.go.wait(SECONDS)
        return "250 2.0.0 taken"


def test_what_is_removed_while_it_is_on_its_way_is_told_so(sending):
    hold = Hold()
    with Peer(PEER, **{".": hold}) as peer:
        send(sending, "bob@peer.example", subject="removed")
        peer.wait(lambda peer: peer.messages)
        [entry] = queue(sending)
        sending.home.command("queue", "remove", entry["id"])
        hold.go.set()
        assert sending.home.log_wait("mail", rf"Sent: Queue-ID: {entry['id']}, .*Result: relayed, Status: 2\.0\.0 .*")
    assert sending.home.log_wait("warning", rf"queue: {entry['id']} was removed while it was on its way")
    assert "cannot be stored" not in sending.home.log("error")
    assert queue(sending) == []


def test_what_failed_and_was_removed_meanwhile_is_not_said_to_be_tried_again(sending):
    hold = Hold()
    with Peer(PEER, **{".": lambda session, text: hold(session, text) and "451 4.3.0 later"}) as peer:
        send(sending, "bob@peer.example", subject="removed")
        peer.wait(lambda peer: peer.messages)
        [entry] = queue(sending)
        sending.home.command("queue", "remove", entry["id"])
        hold.go.set()
        assert sending.home.log_wait("mail", rf"Sent: Queue-ID: {entry['id']}, .*Result: failed, Status: 4\.3\.0 .*")
    assert queue(sending) == []


def test_what_waits_takes_the_way_of_a_new_rule_and_back(sending):
    home = sending.home
    send(sending, "bob@peer.example", subject="waits")
    assert home.log_wait("mail", r"Sent: .*<bob@peer\.example>, Result: delayed, Status: 4\.4\.1 .*")
    with Peer(RELAY, port=2552, MAIL="451 4.3.0 later") as relay:
        home.list_add("RelayRule", Recipient="peer.example", Host=f"[{RELAY}]", Port="2552")
        home.command("reload")
        relay.wait(lambda relay: any(command.startswith("MAIL") for command in relay.commands))
        with Peer(PEER) as peer:
            config = home.config()
            config.items_remove("RelayRule")
            config.write()
            home.command("reload")
            # The peer stays for its answer.
            until(lambda: queue(sending) == [])
            assert len(peer.messages) == 1


def test_a_message_begins_under_the_policy_that_is_in_force(sending):
    """The second message waits for the connection of the first, and the reload comes between."""
    home = sending.home
    hold = Hold()
    with Peer(PEER, **{".": hold}) as peer:
        send(sending, "bob@peer.example", subject="first")
        peer.wait(lambda peer: peer.messages)
        send(sending, "bob@peer.example", subject="second")
        home.list_add("TlsPolicy", Peer="peer.example", Direction="out", Level="encrypt")
        home.command("reload")
        hold.go.set()
        assert home.log_wait("mail", r"Sent: .*Result: relayed, .*TLS: may:none")
        line = home.log_wait("mail", r"Sent: .*Result: delayed, Status: 4\.7\.5 .*").group(0)
        assert "does not offer STARTTLS" in line and "TlsPolicy" in line
        assert len(peer.messages) == 1 and b"first" in peer.messages[0]


def row_ends_amid_a_connection(home, dns, seconds):
    """
    Sends one message under a row that asks for nothing and ends in so many seconds, holds it until then, and has
    another one wait for its connection. None where the machine was too slow for that; what mail.log says of both.
    """
    zone, day, midnight = zone_with_midnight_in(seconds)
    hold = Hold()
    dns.configure(home)
    home.configure(**QUICK, **{"Queue.ConnectionsPerDestination": "1"})
    config = home.config()
    config.items_remove("TlsPolicy")
    config.write()
    home.list_add("TlsPolicy", Peer="peer.example", Direction="out", Level="none", Expires=day, Reason="an old appliance")
    with Server(home, environment={"TZ": zone}) as server, Peer(PEER, **{".": hold}) as peer:
        send(server, "bob@peer.example", subject="first")
        peer.wait(lambda peer: peer.messages)
        send(server, "bob@peer.example", subject="second")
        is_in_time = datetime.now(timezone.utc) < midnight
        until(lambda: server.status()["tls_policy"]["expired"])
        hold.go.set()
        peer.wait(lambda peer: len(peer.messages) == 2)
        until(lambda: queue(server) == [])
        said = re.findall(r"Sent: .*Result: relayed, .*TLS: (\S+?)(?:,|$)", home.log("mail"), re.M)[-2:]
        return (said, len(peer.sessions)) if is_in_time else None


def test_a_row_that_ends_amid_a_connection_holds_for_no_message_more(home, dns):
    """Its connection is given up, and the next message goes under what holds then."""
    ended = next(filter(None, (row_ends_amid_a_connection(home, dns, seconds) for seconds in (8, 30, 120))))
    assert ended == (["none", "may:none"], 2), ended


@pytest.mark.parametrize("then", [signal.SIGCONT, signal.SIGKILL])
def test_a_reload_is_over_when_outgoing_mail_goes_by_it(sending, then):
    """Or when the role that sends has died, which begins with it."""
    done = []
    [mailq] = roles(sending)["mailq"]
    sending.home.configure(**{"Limits.Recipients": "177"})
    os.kill(mailq, signal.SIGSTOP)
    try:
        waiting = threading.Thread(target=lambda: done.append(sending.home.command("reload", check=False)))
        waiting.start()
        waiting.join(0.5)
        assert not done
    finally:
        os.kill(mailq, then)
    waiting.join(SECONDS)
    assert done[0].returncode == 0, done[0].stderr
