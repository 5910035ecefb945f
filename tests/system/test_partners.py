# SPDX-License-Identifier: Apache-2.0
"""Rows of TlsPolicy: what one peer gets and others do not, until the day that is written down."""
import json
import re
import smtplib
import socket
import time
from contextlib import contextmanager
from datetime import datetime, timezone

from clients import message, negotiated, s_client, tls_context, zone_with_midnight_in
from conftest import ANNA
from harness.server import Server
from harness.waiting import SECONDS, until

OLD = {"Protocols": "TLSv1.1,TLSv1.2,TLSv1.3", "Ciphers": "HIGH", "Reason": "an old appliance"}


def peer(address):
    return "-bind", f"{address}:0"


def has_ticket(server, address):
    """Tells whether a session of TLSv1.3 brought a ticket by the time of the greeting."""
    with socket.create_connection(("127.0.0.1", server.ports["IMAPS"]), SECONDS, (address, 0)) as plain, \
            tls_context(server).wrap_socket(plain, server_hostname="localhost") as secured:
        assert secured.version() == "TLSv1.3" and secured.recv(1000).startswith(b"* OK")
        return secured.session.has_ticket


def test_no_tickets_for_one_peer_and_none_from_elsewhere(home, folder):
    home.list_add("TlsPolicy", Peer="127.0.0.2", Direction="in", SessionTickets="0", PostQuantum="0")
    home.list_add("TlsPolicy", Peer="127.0.0.3", Direction="in", Ciphers="ECDHE+CHACHA20")
    session = folder / "session"
    with Server(home) as server:
        # A full connection from elsewhere gets a ticket, which is good there and nowhere else.
        s_client(server, "IMAPS", "-tls1_2", "-sess_out", session)
        assert "Reused, " in s_client(server, "IMAPS", "-tls1_2", "-sess_in", session)
        for address in ("127.0.0.2", "127.0.0.3"):
            said = s_client(server, "IMAPS", "-tls1_2", "-sess_in", session, *peer(address))
            assert negotiated(said) and "Reused, " not in said, said
        assert "CHACHA20" in s_client(server, "SMTP", "-tls1_2", *peer("127.0.0.3"))
        said = s_client(server, "IMAPS", "-tls1_2", *peer("127.0.0.2"))
        assert negotiated(said) and "TLS session ticket" not in said, said
        assert "TLS session ticket" in s_client(server, "IMAPS", "-tls1_2")
        assert has_ticket(server, "127.0.0.1") and not has_ticket(server, "127.0.0.2")
        [first, second] = json.loads(home.command("tls", "show", "--json").stdout)["peers"]
        assert first["peer"] == "127.0.0.2" and not first["session_tickets"] and not first["widens"]
        assert {policy["name"] for policy in second["policies"]} >= {"SMTP", "IMAPS", "HTTPS"}
        # The self-check covers the contexts of rows, too: two for each service beside its own.
        until(lambda: server.status()["self_check"]["state"] == "passed")
        check = server.status()["self_check"]
        assert check["handshakes"] == 3 * 48, check


@contextmanager
def eve(home):
    """A server before the last moment of a row, with that day; a machine that is busy gets more time at the next try."""
    for seconds in (15, 60, 240):
        zone, day, midnight = zone_with_midnight_in(seconds)
        config = home.config()
        config.items_remove("TlsPolicy")
        config.write()
        home.list_add("TlsPolicy", Peer="127.0.0.2", Direction="in", Expires=day, **OLD)
        with Server(home, environment={"TZ": zone}) as server:
            seen = [bool(negotiated(s_client(server, "IMAPS", "-tls1_1", *peer(address))))
                    for address in ("127.0.0.2", "127.0.0.3")]
            rows = server.status()["tls_policy"]
            if datetime.now(timezone.utc) < midnight:
                assert seen == [True, False] and rows == {"rows": 1, "expired": []}
                yield server, day, midnight
                return
    raise AssertionError("this machine is too slow")


def test_a_row_ends_on_its_day_without_a_restart(home):
    with eve(home) as (server, day, midnight):
        time.sleep(max(0, (midnight - datetime.now(timezone.utc)).total_seconds()) + 0.5)
        assert not negotiated(s_client(server, "IMAPS", "-tls1_1", *peer("127.0.0.2")))
        assert home.log_wait("warning", r"the last day of the row for 127\.0\.0\.2 \(mailserver\.cfg:\d+\) has come")
        [row] = server.status()["tls_policy"]["expired"]
        assert row["peer"] == "127.0.0.2" and row["expires"] == day
        assert re.search(r"row of TlsPolicy for 127\.0\.0\.2 .* is not applied since", home.command("status").stdout)


def test_a_row_that_admits_more_is_named_with_each_message(home):
    home.list_add("TlsPolicy", Peer="127.0.0.2", Direction="in", Expires="2099-01-01", **OLD)
    home.list_add("TlsPolicy", Peer="127.0.0.3", Direction="in", SessionTickets="0")
    with Server(home) as server:
        for host in (1, 2, 3):
            with smtplib.SMTP("127.0.0.1", server.ports["SMTP"], timeout=SECONDS, source_address=(f"127.0.0.{host}", 0)) as smtp:
                smtp.send_message(message(f"from {host}", "x@client.example", ANNA))
        lines = re.findall(r"Recv: .*", home.log("mail"))
        assert [line.partition(", Widened-By: ")[2] for line in lines] == ["", "TlsPolicy:127.0.0.2", ""], lines


def test_a_broken_row_changes_nothing(server):
    home = server.home
    home.list_add("TlsPolicy", Peer="127.0.0.2", Direction="in", **OLD)
    refused = home.command("reload", check=False)
    assert refused.returncode == 2
    assert re.search(r"mailserver\.cfg:\d+: error: TlsPolicy:127\.0\.0\.2: .* needs Reason and Expires", refused.stderr)
    assert not negotiated(s_client(server, "IMAPS", "-tls1_1", *peer("127.0.0.2")))
    assert server.status()["config_broken"]
