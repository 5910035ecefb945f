# SPDX-License-Identifier: Apache-2.0
"""mailq, the store and the other servers are killed while mail is on its way: nothing is lost, nothing comes twice without need."""
import contextlib
import os
import random
import signal
import smtplib
import socket
import threading
import time

import pytest

from clients import tls_context
from conftest import ANNA, PASSWORDS
from harness.dns import Dns, tools_missing
from harness.peer import Peer
from harness.server import Server
from harness.waiting import SECONDS, until
from test_queue import QUICK, queue
from test_roles import roles

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

PEERS = ["127.0.0.56", "127.0.0.57", "127.0.0.58"]
ZONES = {f"kill{number}.example": ["@ MX 10 mx", f"mx A {address}"] for number, address in enumerate(PEERS)}
CLIENTS, EACH, KILLS = 4, 60, 12


class Taker:
    """Takes messages, and remembers of each copy after which command of which session it came."""

    def __init__(self):
        self.copies = {}
        self.lock = threading.Lock()

    def __call__(self, session, content):
        token = content.split(b"Subject: ")[1].split(b"\r\n")[0].decode()
        with self.lock:
            self.copies.setdefault(token, []).append((session, len(session.commands)))
        return "250 2.0.0 taken"

    def repeated_without_need(self):
        """Copies after one whose session went on: there the sender knew that it was taken."""
        return {token: len(copies) for token, copies in self.copies.items()
                if any(len(session.commands) > at for session, at in copies[:-1])}


def hand_over(server, client, accepted):
    """Sends messages until each has been accepted; what was not answered with 250 counts for nothing."""
    for number in range(EACH):
        for attempt in range(100):
            token = f"message-{client}-{number}-{attempt}"
            domain = f"kill{random.randrange(len(PEERS))}.example"
            try:
                with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=SECONDS) as smtp:
                    smtp.login(ANNA, PASSWORDS[ANNA])
                    smtp.sendmail(ANNA, [f"bob@{domain}"], f"Subject: {token}\r\n\r\nHello.\r\n".encode())
                accepted.append(token)
                break
            except (smtplib.SMTPException, OSError):
                time.sleep(0.05)


def kill_one(server, what):
    # 0 while it is down, which would be everybody here.
    pid = until(lambda: next((pid for pid in roles(server).get(what, []) if pid > 0), 0))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def break_off(peer):
    """The other server crashes: its sessions end as they stand."""
    for session in list(peer.sessions):
        with contextlib.suppress(OSError):
            session.sock.shutdown(socket.SHUT_RDWR)


def test_nothing_is_lost_and_nothing_comes_twice_without_need(home, home_template, workplace):
    taker, accepted = Taker(), []
    with contextlib.ExitStack() as stack:
        stack.enter_context(Dns(workplace / "kill-dns", ZONES, unsigned=list(ZONES))).configure(home)
        home.configure(**QUICK)
        peers = [stack.enter_context(Peer(address, **{".": taker})) for address in PEERS]
        server = stack.enter_context(Server(home))
        threads = [threading.Thread(target=hand_over, args=(server, client, accepted)) for client in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for number in range(KILLS):
            before = len(taker.copies)
            until(lambda: len(taker.copies) > before + 5 or not any(thread.is_alive() for thread in threads))
            if number % 4 == 3:
                break_off(random.choice(peers))
            else:
                kill_one(server, "store" if number % 4 == 1 else "mailq")
        for thread in threads:
            thread.join()
        assert len(accepted) == CLIENTS * EACH
        until(lambda: queue(server) == [])
    assert sorted(set(accepted) - set(taker.copies)) == []
    assert taker.repeated_without_need() == {}
