# SPDX-License-Identifier: Apache-2.0
"""IMAP with much of everything: large messages and slow readers, many messages, many expunges, odd pieces."""
import hashlib
import imaplib
import random
import re
import socket
import ssl
import time

from clients import message, smtp_send
from conftest import ANNA, BERT, PASSWORDS


def login(server):
    context = ssl.create_default_context(cafile=str(server.home.certificate))
    imap = imaplib.IMAP4_SSL("localhost", server.ports["IMAPS"], ssl_context=context)
    imap.login(ANNA, PASSWORDS[ANNA])
    return imap


def large_message(size):
    """Lines of random letters; no two stretches of it are the same."""
    numbers = random.Random(size)
    head = b"From: bert@example.org\r\nSubject: large\r\n\r\n"
    lines = [b"%076x\r\n" % numbers.getrandbits(300) for _ in range(size // 78)]
    return head + b"".join(lines)


def test_large_message_comes_back(server):
    content = large_message(12_000_000)
    imap = login(server)
    assert imap.append("INBOX", "", None, content)[0] == "OK"
    imap.select("INBOX")
    _, [(head, body), _] = imap.fetch("1", "(RFC822.SIZE BODY.PEEK[])")
    assert body == content and b"RFC822.SIZE %d" % len(content) in head
    _, [(_, piece), _] = imap.fetch("1", "(BODY.PEEK[]<11000000.70000>)")
    assert piece == content[11000000:11070000]
    _, [(_, text), _] = imap.fetch("1", "(BODY.PEEK[TEXT])")
    assert text == content[content.index(b"\r\n\r\n") + 4:]
    imap.logout()


def test_slow_reader(server):
    """A client that reads in gulps gets every byte, and others do not wait for it."""
    content = large_message(6_000_000)
    imap = login(server)
    imap.append("INBOX", "", None, content)
    context = ssl.create_default_context(cafile=str(server.home.certificate))
    plain = socket.create_connection(("127.0.0.1", server.ports["IMAPS"]))
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow = context.wrap_socket(plain, server_hostname="localhost")
    slow.sendall(f"a LOGIN {ANNA} {PASSWORDS[ANNA]}\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n".encode())
    got = b""
    while b"c OK" not in got[-100:]:
        piece = slow.recv(65536)
        assert piece, "the server closed"
        got += piece
        if len(got) % 10 == 0:
            time.sleep(0.02)
            imap.noop()
    start = got.index(b"BODY[] {%d}\r\n" % len(content)) + len(b"BODY[] {%d}\r\n" % len(content))
    assert hashlib.sha256(got[start:start + len(content)]).digest() == hashlib.sha256(content).digest()
    slow.close()
    imap.logout()


def test_delivered_message_is_whole(server):
    """What SMTP added in front belongs to the header, and all sizes agree."""
    smtp_send(server, message("delivered", BERT, ANNA), BERT, [ANNA])
    imap = login(server)
    imap.select("INBOX")
    _, [(head, whole), (_, header), (_, text), _] = imap.fetch(
        "1", "(RFC822.SIZE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT])")
    assert header + text == whole
    assert re.search(rb"RFC822\.SIZE (\d+)", head)[1] == b"%d" % len(whole)
    assert b"Received: from" in header and b"Subject: delivered" in header
    _, [(_, received), _] = imap.fetch("1", "(BODY.PEEK[HEADER.FIELDS (RECEIVED)])")
    assert received.startswith(b"Received: from") and received.endswith(b"\r\n\r\n")
    imap.logout()


def test_many_messages_vanish(server, folder):
    """More expunges than the store remembers: the other client is told all the same."""
    count = 10000
    mbox = folder / "many.mbox"
    mbox.write_text("".join(f"From a@b Mon Jan  1 00:00:00 2024\nSubject: {n}\n\ntext {n}\n\n" for n in range(count)))
    server.home.command("import", ANNA, str(mbox))
    watching, working = login(server), login(server)
    watching.select("INBOX")
    working.select("INBOX")
    for start in range(1, count, 2000):
        odd = ",".join(str(number) for number in range(start, start + 2000, 2))
        working.store(odd, "+FLAGS.SILENT", "(\\Deleted)")
    working.expunge()
    left = count // 2
    watching.noop()
    assert len(watching.response("EXPUNGE")[1]) == count - left
    _, data = watching.uid("FETCH", "1:*", "(FLAGS)")
    assert len(data) == left
    _, same = working.uid("FETCH", "1:*", "(FLAGS)")
    assert [re.search(rb"UID (\d+)", line)[1] for line in same] == [re.search(rb"UID (\d+)", line)[1] for line in data]
    watching.logout()
    working.logout()


def test_bytes_one_by_one(server):
    """Commands and literals cut anywhere mean the same."""
    script = (f"a LOGIN {{{len(ANNA)}+}}\r\n{ANNA} {{{len(PASSWORDS[ANNA])}+}}\r\n{PASSWORDS[ANNA]}\r\n"
              "b APPEND INBOX (\\Seen) {18+}\r\nSubject: cut\r\n\r\nx\n\r\n"
              "c SELECT INBOX\r\nd FETCH 1 (FLAGS BODY.PEEK[])\r\ne SEARCH SUBJECT {3+}\r\ncut 1\r\nf LOGOUT\r\n")
    answers = []
    for size in (len(script), 1, 2, 7):
        context = ssl.create_default_context(cafile=str(server.home.certificate))
        plain = socket.create_connection(("127.0.0.1", server.ports["IMAPS"]))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = context.wrap_socket(plain, server_hostname="localhost")
        for start in range(0, len(script), size):
            stream.sendall(script[start:start + size].encode())
        got = b""
        while piece := stream.recv(65536):
            got += piece
        answers.append(re.sub(rb"\d+| \\Recent", b"", got))
        assert b"f OK" in got and b"Subject: cut\r\n\r\nx\n" in got
    assert len(set(answers)) == 1, answers
