# SPDX-License-Identifier: Apache-2.0
"""2,000 messages of an mbox come back byte for byte."""
import random
import re

import pytest

from clients import imap_login, imap_ok, pop3_login
from conftest import ANNA, PASSWORDS

COUNT = 2000


def made_message(number):
    """A message with LF line ends: every kind of line that an mbox may hold."""
    chance = random.Random(number)
    lines = [b"Subject: number %d" % number, b"From: a%d@client.example" % number,
             b"Content-Type: text/plain; charset=utf-8", b""]
    for _ in range(chance.randrange(40)):
        lines.append(chance.choice([
            b"", b".", b"..", b" leading blank", b"trailing blank \t", "Grüße, 你好".encode(), b"\xff\xfe\x80 raw",
            b">From the quoted past", b"From here on it is text", b">>From deeper", b"x" * chance.randrange(3000),
            b"tab\tand\x0bvertical", b"=20=\x7f", b"a\rb" if number % 50 == 0 else b"plain"]))
    return b"\n".join(lines) + b"\n"


def mbox_bytes(messages):
    """An mbox of the kind mboxrd: each line of >s and `From ` gets one > more."""
    out = []
    for message in messages:
        out.append(b"From sender@client.example Sat Nov 21 14:03:59 2026\n")
        out.append(re.sub(rb"^(>*From )", rb">\1", message, flags=re.M) + b"\n")
    return b"".join(out)


@pytest.fixture(scope="module")
def messages():
    return [made_message(number) for number in range(COUNT)]


def test_2000_messages_come_back_byte_for_byte(home, folder, messages):
    from harness.server import Server
    (folder / "all.mbox").write_bytes(mbox_bytes(messages))
    home.command("import", ANNA, str(folder / "all.mbox"))
    wanted = [message.replace(b"\n", b"\r\n") for message in messages]
    with Server(home) as server:
        with imap_login(server, ANNA, PASSWORDS[ANNA]) as imap:
            assert imap_ok(imap.select("INBOX")) == [str(COUNT).encode()]
            data = imap_ok(imap.fetch("1:*", "(RFC822.SIZE BODY.PEEK[])"))
        fetched = [part for part in data if isinstance(part, tuple)]
        assert len(fetched) == COUNT
        for number, (head, body) in enumerate(fetched):
            assert body == wanted[number], f"message {number} over IMAP"
            assert f"RFC822.SIZE {len(body)} ".encode() in head
        pop3 = pop3_login(server, ANNA, PASSWORDS[ANNA])
        assert pop3.stat() == (COUNT, sum(map(len, wanted)))
        for number, message in enumerate(wanted, 1):
            assert pop3_bytes(pop3, number) == message, f"message {number - 1} over POP3"
        pop3.quit()


def pop3_bytes(pop3, number):
    """The message as the bytes on the wire say, dots taken away; poplib would take blanks from bare CRs."""
    pop3._putcmd(f"RETR {number}")
    pop3._getresp()
    out = []
    while True:
        line = pop3.file.readline()
        if line == b".\r\n":
            return b"".join(out)
        out.append(line[1:] if line.startswith(b".") else line)
