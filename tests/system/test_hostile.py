# SPDX-License-Identifier: Apache-2.0
"""Peers that mean harm, and roles that hang: whoever behaves is served all the same."""
import os
import re
import signal
import smtplib
import socket
import ssl
import time

import pytest

from clients import imap_login, imap_ok, imap_subjects, message, smtp_send
from conftest import ANNA, BERT, PASSWORDS
from harness.server import Server
from harness.waiting import SECONDS, until
from test_roles import roles, works

MEGABYTE = 1 << 20


@pytest.fixture
def stopped():
    """Stops processes (SIGSTOP) and lets them go on at the end."""
    pids = []

    def stop(pid):
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)

    yield stop
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


# ---- roles that hang

def test_readers_go_on_while_the_store_hangs(server, stopped):
    """A message waits and is stored once; who only reads does not notice."""
    assert works(server, "before")
    pid = roles(server)["store"][0]
    with smtplib.SMTP("127.0.0.1", server.ports["SMTP"], timeout=SECONDS) as smtp:
        stopped(pid)
        smtp.ehlo()
        smtp.putcmd("MAIL FROM:<x@example.net>")
        smtp.putcmd(f"RCPT TO:<{ANNA}>")
        assert (smtp.getreply()[0], smtp.getreply()[0]) == (250, 250)
        assert smtp.docmd("DATA")[0] == 354
        smtp.send(b"Subject: while it hangs\r\n\r\n.\r\n")
        assert imap_subjects(server, ANNA, PASSWORDS[ANNA]) == ["before"]
        os.kill(pid, signal.SIGCONT)
        assert smtp.getreply()[0] == 250
    assert imap_subjects(server, ANNA, PASSWORDS[ANNA]) == ["before", "while it hangs"]


def test_a_crowd_of_senders_leaves_the_others_room_while_the_store_hangs(server, stopped):
    """A hundred deliveries wait; a stranger is still greeted and a user still reads."""
    pid = roles(server)["store"][0]
    stopped(pid)
    crowd = [smtp_data(server) for _ in range(100)]
    time.sleep(7)
    with smtplib.SMTP("127.0.0.1", server.ports["SMTP"], timeout=SECONDS) as smtp:
        smtp.ehlo()
    assert imap_subjects(server, ANNA, PASSWORDS[ANNA]) == []
    os.kill(pid, signal.SIGCONT)
    # Had that waited for the crowd, the crowd would have waited in vain.
    codes = [last_reply(one) for one in crowd]
    assert set(codes) <= {b"250", b"451"} and codes.count(b"250") >= 60, codes
    # Whoever was refused was refused before anything was asked of the store.
    assert len(imap_subjects(server, ANNA, PASSWORDS[ANNA])) == codes.count(b"250")


def smtp_data(server):
    """A connection that has said a whole message; its last reply is still to come."""
    one = socket.create_connection(("127.0.0.1", server.ports["SMTP"]), SECONDS)
    reader = one.makefile("rb")
    for said in (None, "HELO x", "MAIL FROM:<x@example.net>", f"RCPT TO:<{ANNA}>", "DATA"):
        if said:
            one.sendall(said.encode() + b"\r\n")
        assert reader.readline()[:1] in (b"2", b"3")
    one.sendall(b"Subject: one of a crowd\r\n\r\n.\r\n")
    return one, reader


def last_reply(connection):
    one, reader = connection
    line = reader.readline()
    one.close()
    return line[:3]


def test_sessions_go_on_while_keys_hangs(server, stopped):
    """Who has shaken hands does not notice; who wants to is told by an alert, and the log says why."""
    with imap_login(server, ANNA, PASSWORDS[ANNA]) as imap:
        stopped(roles(server)["keys"][0])
        imap_ok(imap.select("INBOX"))
        with pytest.raises((ssl.SSLError, OSError)) as told:
            imap_login(server, ANNA, PASSWORDS[ANNA])
        assert not isinstance(told.value, TimeoutError)
        smtp_send(server, message("in the clear", BERT, ANNA), BERT, [ANNA])
        assert imap_ok(imap.select("INBOX"))[0] == b"1"
    assert server.home.log_wait("security", "the private key could not be used")


# ---- floods

def test_a_flood_leaves_descriptors_for_the_rest(home):
    """More connections than open files: who is in is served, and a reload reaches the front."""
    home.configure(Limits__ConnectionsPerAddress="1000")
    with Server(home, wrapper=("prlimit", "--nofile=256:256")) as server:
        before = roles(server)["front"]
        crowd = [socket.create_connection(("127.0.0.1", server.ports["SMTP"]), 10) for _ in range(300)]
        assert server.home.log_wait("warning", "connections are refused: the system grants this process 256 open files")
        with crowd[0].makefile("rwb", buffering=0) as first:
            assert first.readline().startswith(b"220 ")
            large = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 3000
            for said in (b"HELO x", b"MAIL FROM:<x@example.net>", f"RCPT TO:<{ANNA}>".encode(), b"DATA", large + b"."):
                first.write(said + b"\r\n")
                reply = first.readline()
                assert reply[:1] in (b"2", b"3"), reply
        assert home.command("reload").returncode == 0
        assert roles(server)["front"] == before
        for one in crowd:
            one.close()
        assert imap_subjects(server, ANNA, PASSWORDS[ANNA]) == ["large"]


def unsent_bytes(port):
    """What the kernel holds of answers that the peers of a port have not taken."""
    unsent = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            words = line.split()
            if int(words[1].split(":")[1], 16) == port:
                unsent += int(words[4].split(":")[0], 16)
    return unsent


def test_an_answer_that_nobody_reads_costs_little_and_ends(home):
    home.configure(Limits__IdleSeconds="10")
    home.import_message(ANNA, b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * (20 * MEGABYTE // 72))
    with Server(home) as server:
        imap = imap_login(server, ANNA, PASSWORDS[ANNA])
        imap_ok(imap.select("INBOX"))
        imap.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        imap.send(b"x FETCH 1 BODY.PEEK[]\r\n")
        unsent = []

        def is_told():
            unsent.append(unsent_bytes(server.ports["IMAPS"]))
            return "IMAPS: 127.0.0.1: the transfer is too slow" in home.log("warning")
        until(is_told)
        assert 0 < max(unsent) < MEGABYTE
        # No word within the answer: it would be taken for a part of the message.
        assert b"BYE" not in read_to_the_end(imap.sock)
        imap.shutdown()


def read_to_the_end(stream):
    said = b""
    try:
        while data := stream.recv(65536):
            said += data
    except OSError:
        pass
    return said


# ---- whoever looks after the logs

def test_a_log_that_was_put_aside_is_opened_anew_by_a_reload(server):
    folder = server.home.path / "store" / "logs"
    smtp_send(server, message("one", BERT, ANNA), BERT, [ANNA])
    assert server.home.log_wait("mail", "Subject: one")
    (folder / "mail.log").rename(folder / "mail.log.1")
    server.home.command("reload")
    until((folder / "mail.log").exists)
    smtp_send(server, message("two", BERT, ANNA), BERT, [ANNA])
    assert server.home.log_wait("mail", "Subject: two")
    assert not re.search("Subject: two", (folder / "mail.log.1").read_text())
