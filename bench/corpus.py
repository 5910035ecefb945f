# SPDX-License-Identifier: Apache-2.0
"""Mailboxes to measure with, as mbox files, the same at every run."""

import os
import random

NAMES = ["Anna Berg", "Jürgen Weiß", "Chloé Martin", "Sam O'Neil", "Дарья Иванова", "李小龙",
         "Mary-Jane Watson", "B. von Holst"]
WORDS = ("report meeting invoice server upgrade certificate question answer draft agenda holiday "
         "contract backup policy ticket lunch project review release").split()


def encoded(name):
    """RFC 2047 where the name needs it."""
    if name.isascii():
        return f'"{name}"'
    from email.header import Header
    return Header(name, "utf-8").encode()


def address(chance):
    return f"{encoded(chance.choice(NAMES))} <user{chance.randrange(5000)}@host{chance.randrange(300)}.example>"


def message(number, chance):
    """One message of some 2 to 6 KiB; every third has parts."""
    subject = " ".join(chance.choices(WORDS, k=chance.randrange(2, 9)))
    recipients = ",\r\n\t".join(address(chance) for _ in range(chance.randrange(1, 5)))
    lines = [f"Received: from relay{chance.randrange(9)}.example (relay.example [192.0.2.{chance.randrange(255)}])",
             f"\tby mail.bench.example with ESMTPS id {number:08x};",
             "\tFri, 21 Nov 2025 12:00:00 +0000",
             f"From: {address(chance)}", f"To: {recipients}",
             f"Subject: {'Re: ' if number % 3 else ''}{subject}",
             f"Date: Fri, {1 + number % 28:02} Nov 2024 {number % 24:02}:{number % 60:02}:00 +0100",
             f"Message-ID: <{number}.{chance.randrange(1 << 40):x}@host.example>",
             "X-Mailer: corpus", "MIME-Version: 1.0"]
    if number % 3:
        lines.insert(3, f"In-Reply-To: <{number - 1}.0@host.example>")
    text = [" ".join(chance.choices(WORDS, k=10)) for _ in range(chance.randrange(8, 40))]
    if number % 3 == 0:
        boundary = f"=_part_{number}"
        lines += [f'Content-Type: multipart/alternative; boundary="{boundary}"', "",
                  f"--{boundary}", "Content-Type: text/plain; charset=utf-8", "", *text,
                  f"--{boundary}", "Content-Type: text/html; charset=utf-8", "",
                  "<html><body><p>", *text, "</p></body></html>", f"--{boundary}--"]
    else:
        lines += ["Content-Type: text/plain; charset=utf-8", "", *text]
    return "\r\n".join(lines) + "\r\n"


def many(path, count):
    """Writes `count` messages to the mbox `path`."""
    chance = random.Random(1)
    with open(path, "w", encoding="utf-8", newline="") as file:
        for number in range(count):
            file.write("From corpus@host.example Fri Nov 21 12:00:00 2025\n")
            file.write(message(number, chance).replace("\r\n", "\n") + "\n")


def parts(path, count):
    """Gives the path of one mbox after another that hold `count` messages of `path` each, in order."""
    part = f"{path}.part"
    file, held = None, 0
    with open(path, "rb") as whole:
        for line in whole:
            if line.startswith(b"From "):
                if held % count == 0:
                    if file is not None:
                        file.close()
                        yield part
                    file = open(part, "wb")
                    os.chmod(part, 0o644)
                held += 1
            file.write(line)
    file.close()
    yield part
    os.unlink(part)


def large(path, mib):
    """Writes one message with a base64 attachment of `mib` MiB in its encoded form."""
    line = ("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0"
            "NTY3\n")
    block = line * ((1 << 20) // len(line))
    with open(path, "w", encoding="ascii", newline="") as file:
        file.write("From corpus@host.example Fri Nov 21 12:00:00 2025\n"
                   "From: <large@host.example>\nTo: <u0@bench.example>\nSubject: large\n"
                   "Date: Fri, 21 Nov 2025 12:00:00 +0000\nMIME-Version: 1.0\n"
                   "Content-Type: application/octet-stream\n"
                   "Content-Transfer-Encoding: base64\n\n")
        for _ in range(mib):
            file.write(block)
        file.write("\n")
