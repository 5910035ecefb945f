# SPDX-License-Identifier: Apache-2.0
"""Clients of the page that take their time, many of them: they are let go, and nobody else waits for them."""
import os
import shutil
import socket
import ssl

import pytest

from conftest import DOMAIN
from harness.api import Client, commands, logged_in
from harness.fixtures import home_copy
from harness.server import Server
from harness.waiting import SECONDS, until

ROOT, ROOT_PASSWORD = f"root@{DOMAIN}", "the administrator's"
LONG_LINE = "[22/Nov/2026 10:00:00] " + "x" * 176 + "\n"


@pytest.fixture(scope="module")
def slow_home(home_template, workplace):
    home = home_copy(home_template, workplace / "home-api-slow")
    home.user_add(ROOT, ROOT_PASSWORD, "--admin")
    home.configure(**{"Limits.IdleSeconds": "10"})
    # More than fits on the way to a client that does not read.
    debug = home.path / "store" / "logs" / "debug.log"
    debug.write_text(LONG_LINE * 60000)
    owner = (home.path / "store" / "logs").stat()
    os.chown(debug, owner.st_uid, owner.st_gid)
    yield home
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(scope="module")
def served(slow_home):
    with Server(slow_home) as server:
        yield server


def connected(server, source):
    """A TLS connection with little room for what comes in."""
    context = ssl._create_unverified_context()
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(SECONDS)
    plain.bind((source, 0))
    plain.connect(("127.0.0.1", server.ports["HTTPS"]))
    return context.wrap_socket(plain)


def heard(secure):
    """What the server says until it closes."""
    got = b""
    try:
        while True:
            piece = secure.recv(65536)
            if not piece:
                return got
            got += piece
    except ConnectionError:
        return got


@pytest.fixture(scope="module")
def unread(served):
    """A stream whose client does not read it; it begins before the other tests, which take as long as its end."""
    session = logged_in(served, ROOT, ROOT_PASSWORD)
    with connected(served, "127.0.0.2") as secure:
        secure.sendall(f"GET /api/v1/logs/debug/follow?lines=60000 HTTP/1.1\r\nHost: a\r\n"
                       f"Cookie: __Host-postern={session.token}\r\n\r\n".encode())
        until(lambda: commands(served))
        yield secure


def test_many_that_say_nothing_hold_nobody_up(served, unread):
    """Hundreds of half requests, and as many connections without a word: others are answered, and the half ones are let go."""
    silent = [socket.create_connection(("127.0.0.1", served.ports["HTTPS"])) for _ in range(600)]
    half = []
    try:
        for number in range(200):
            half.append(connected(served, f"127.0.1.{1 + number % 20}"))
            half[-1].sendall((b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ",
                              b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                              b"Content-Length: 500\r\n\r\n{")[number % 2])
        session = logged_in(served, ROOT, ROOT_PASSWORD)
        assert session.get("/status").status == 200
        assert Client(served).get("/session").status == 401
        answers = [heard(secure) for secure in half]
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers[::2]), answers[::2]
        assert set(answers[1::2]) == {b""}
        assert session.get("/status").status == 200
    finally:
        for connection in silent + half:
            connection.close()


def test_who_does_not_read_a_stream_is_let_go(served, unread):
    """Its process ends with it, and its place is free for others."""
    assert served.home.log_wait("warning", r"HTTPS: 127\.0\.0\.2: the transfer is too slow")
    until(lambda: not commands(served))
    assert logged_in(served, ROOT, ROOT_PASSWORD).get("/status").status == 200
