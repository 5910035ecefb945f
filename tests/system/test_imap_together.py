# SPDX-License-Identifier: Apache-2.0
"""Several clients change one mailbox at the same time, and each keeps a picture of it from what it is told.

The pictures must never contradict what the server says, and must all be the same in the end (RFC 3501
sections 5.2, 7.3.1 and 7.4.1).
"""
import os
import random
import re
import socket
import ssl
import threading

from conftest import ANNA, PASSWORDS

CLIENTS = 4
COMMANDS = int(os.environ.get("POSTERN_IMAP_COMMANDS", "150"))
FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "Work", "$Later"]


class Picture:
    """A client with its own idea of the mailbox: by number, the UID (None: not known) and the flags."""

    def __init__(self, server, seed):
        self.random = random.Random(seed)
        context = ssl.create_default_context(cafile=str(server.home.certificate))
        plain = socket.create_connection(("127.0.0.1", server.ports["IMAPS"]))
        self.stream = context.wrap_socket(plain, server_hostname="localhost")
        self.stream.settimeout(60)
        self.file = self.stream.makefile("rb")
        self.tags = 0
        self.messages = []
        self.removes_allowed = True
        self.read()
        self.run(f"LOGIN {ANNA} {PASSWORDS[ANNA]}")
        self.run("SELECT INBOX")
        self.run("UID FETCH 1:* (FLAGS)")

    def read(self):
        text = b""
        while True:
            line = self.file.readline()
            assert line.endswith(b"\r\n"), f"the server closed: {text + line!r}"
            text += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return text[:-2].decode()
            text += self.file.read(int(literal[1]))

    def take(self, text):
        """Brings the picture up to date; what the server may not say here fails."""
        counted = re.fullmatch(r"\* (\d+) (EXISTS|EXPUNGE)", text)
        fetched = re.match(r"\* (\d+) FETCH \((.*)\)$", text, re.S)
        if counted and counted[2] == "EXISTS":
            count = int(counted[1])
            assert count >= len(self.messages), f"{text}: there were {len(self.messages)}"
            self.messages += [[None, None] for _ in range(count - len(self.messages))]
        elif counted:
            assert self.removes_allowed, f"{text} while numbers are in use"
            assert 1 <= int(counted[1]) <= len(self.messages), text
            del self.messages[int(counted[1]) - 1]
        elif fetched:
            assert 1 <= int(fetched[1]) <= len(self.messages), text
            known = self.messages[int(fetched[1]) - 1]
            uid = re.search(r"\bUID (\d+)", fetched[2])
            flags = re.search(r"FLAGS \(([^)]*)\)", fetched[2])
            if uid:
                assert known[0] in (None, int(uid[1])), f"{text}: its UID was {known[0]}"
                known[0] = int(uid[1])
            if flags:
                known[1] = set(flags[1].split()) - {"\\Recent"}

    def run(self, command, wanted="OK"):
        self.tags += 1
        tag = f"t{self.tags}"
        self.removes_allowed = not re.match(r"(FETCH|STORE|SEARCH) ", command)
        self.stream.sendall(f"{tag} {command}\r\n".encode())
        while True:
            text = self.read()
            if text.startswith(tag + " "):
                assert text.split()[1] in wanted.split("|"), f"{command}: {text}"
                return text
            self.take(text)

    def append(self):
        content = f"Subject: client {self.random.random()}\r\n\r\nText.\r\n".encode()
        self.tags += 1
        self.removes_allowed = True
        self.stream.sendall(f"t{self.tags} APPEND INBOX (\\Seen) {{{len(content)}+}}\r\n".encode() + content + b"\r\n")
        while not (text := self.read()).startswith(f"t{self.tags} OK"):
            self.take(text)

    def idle(self):
        self.tags += 1
        self.removes_allowed = True
        self.stream.sendall(f"t{self.tags} IDLE\r\n".encode())
        while not (text := self.read()).startswith("+"):
            self.take(text)
        self.stream.sendall(b"DONE\r\n")
        while not (text := self.read()).startswith(f"t{self.tags} OK"):
            self.take(text)

    def some(self):
        """A set of numbers that the client believes in."""
        first, last = (self.random.randint(1, len(self.messages)) for _ in range(2))
        return f"{first}:{last}" if self.random.random() < 0.7 else f"{first},{last}"

    def step(self):
        chosen = self.random.random()
        flag = self.random.choice(FLAGS)
        if not self.messages or chosen < 0.25:
            self.append()
        elif chosen < 0.4:
            self.run(f"STORE {self.some()} {self.random.choice('+-')}FLAGS ({flag})")
        elif chosen < 0.5:
            self.run(f"UID STORE 1:* {self.random.choice('+-')}FLAGS ({flag})")
        elif chosen < 0.6:
            self.run(f"STORE {self.random.randint(1, len(self.messages))} +FLAGS (\\Deleted)")
        elif chosen < 0.7:
            self.run("EXPUNGE")
        elif chosen < 0.75:
            self.run(f"MOVE {self.random.randint(1, len(self.messages))} Archive")
        elif chosen < 0.85:
            self.run(f"FETCH {self.some()} (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        elif chosen < 0.9:
            self.run("SEARCH UNSEEN SUBJECT client")
        elif chosen < 0.95:
            self.run("NOOP")
        else:
            self.idle()

    def whole(self):
        self.run("NOOP")
        before = [list(known) for known in self.messages]
        self.run("UID FETCH 1:* (FLAGS)")
        assert len(before) == len(self.messages)
        for told, now in zip(before, self.messages):
            assert told[1] in (None, now[1]), f"flags {told[1]} were told of UID {now[0]}, which has {now[1]}"
        return [(uid, frozenset(flags)) for uid, flags in self.messages]


def test_all_see_the_same(server):
    pictures = [Picture(server, seed) for seed in range(CLIENTS)]
    failures = []

    def work(picture):
        try:
            for _ in range(COMMANDS):
                picture.step()
        except Exception as failure:  # of a thread, told below
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(picture,)) for picture in pictures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not failures, failures[0]
    fresh = Picture(server, 99).whole()
    uids = [uid for uid, _ in fresh]
    assert uids == sorted(set(uids))
    for picture in pictures:
        assert picture.whole() == fresh
