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


# ---- Maildir++

def maildir_message(folder, part, name, subject):
    (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / part / name).write_bytes(b"Subject: %s\n\ntext\n" % subject)


@pytest.fixture
def tree(folder):
    """As Dovecot leaves it: folders in folders' names, keywords as letters."""
    top = folder / "Maildir"
    maildir_message(top, "new", "1700000000.a", b"new")
    maildir_message(top, "cur", "1700000001.b:2,S", b"seen")
    maildir_message(top / ".Sent", "cur", "1700000002.c:2,Sab", b"sent")
    maildir_message(top / ".Archive.2025", "cur", "1700000003.d:2,F", b"old")
    maildir_message(top / ".Entw&APw-rfe", "new", "1700000004.e", b"draft")
    (top / ".Empty" / "cur").mkdir(parents=True)
    (top / ".Sent" / "dovecot-keywords").write_text("0 $Forwarded\n1 Project\n")
    return top


def subjects(imap, mailbox):
    count = int(imap_ok(imap.select(f'"{mailbox}"', readonly=True))[0])
    if count == 0:
        return []
    parts = imap_ok(imap.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
    return [(re.search(rb"Subject: (\w+)", part[1]).group(1).decode(),
             set(re.search(rb"FLAGS \((.*?)\)", part[0]).group(1).decode().split()) - {"\\Recent"})
            for part in parts if isinstance(part, tuple)]


def test_a_tree_of_maildirs_keeps_its_folders_flags_and_keywords(home, tree):
    from harness.server import Server
    done = home.command("import", ANNA, str(tree))
    assert "5 messages, " in done.stdout and f" are now in 5 mailboxes of {ANNA}\n" in done.stdout
    with Server(home) as server, imap_login(server, ANNA, PASSWORDS[ANNA]) as imap:
        assert subjects(imap, "INBOX") == [("new", set()), ("seen", {"\\Seen"})]
        assert subjects(imap, "Sent") == [("sent", {"\\Seen", "$Forwarded", "Project"})]
        assert subjects(imap, "Archive/2025") == [("old", {"\\Flagged"})]
        assert subjects(imap, "Entw&APw-rfe") == [("draft", set())]
        assert subjects(imap, "Empty") == []
        shown = b"\n".join(imap_ok(imap.lsub()))
        assert all(name in shown for name in (b"Archive/2025", b"Entw&APw-rfe", b"Empty"))


def test_a_named_mailbox_takes_one_maildir_alone(home, tree):
    assert "2 messages, " in home.command("import", ANNA, str(tree), "--mailbox", "Alone").stdout
