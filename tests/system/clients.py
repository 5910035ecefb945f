# SPDX-License-Identifier: Apache-2.0
"""Runs the real clients and speaks the protocols with Python's own."""
import email
import imaplib
import json
import os
import poplib
import re
import smtplib
import ssl
import subprocess
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage

from harness.fixtures import ANNA, PASSWORDS
from harness.waiting import SECONDS

# Service name -> the STARTTLS name of openssl and sslscan, or None where TLS comes first.
STARTTLS = {"SMTP": "smtp", "Submission": "smtp", "SMTPS": None, "IMAP": "imap", "IMAPS": None,
            "POP3": "pop3", "POP3S": None, "HTTPS": None}


def client(*command, stdin=None, check=True, **environment):
    """Runs a client; gives what it printed on both outputs."""
    done = subprocess.run([str(word) for word in command], input=stdin, text=True, errors="replace",
                          stdin=subprocess.DEVNULL if stdin is None else None, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", **environment})
    if check and done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def s_client(server, service, *options, stdin="Q\n"):
    """openssl s_client at a service, STARTTLS included; Debian's level would refuse old versions by itself."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports[service]}", "-servername", "localhost",
             "-CAfile", server.home.certificate, "-cipher", "ALL:@SECLEVEL=0", *options]
    if STARTTLS[service]:
        words += ["-starttls", STARTTLS[service]]
    return client(*words, stdin=stdin, check=False)


def negotiated(said):
    """The version that s_client tells of, or None when there was no session."""
    found = re.search(r"^New, (\S+), Cipher is (\S+)", said, re.M)
    return found and found[2] != "(NONE)" and re.search(r"Protocol *: (\S+)|^New, (TLSv1.3)", said, re.M)


def tls_context(server):
    return ssl.create_default_context(cafile=str(server.home.certificate))


def message(subject, sender, recipient, text="Hello.\n"):
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, sender, recipient
    made["Message-ID"] = f"<{subject.replace(' ', '-')}@client.example>"
    made.set_content(text)
    return made


def smtp_send(server, made, sender, recipients):
    """Hands a message over on port 25."""
    with smtplib.SMTP("127.0.0.1", server.ports["SMTP"], timeout=SECONDS) as smtp:
        return smtp.send_message(made, sender, recipients)


def imap_login(server, address, password):
    imap = imaplib.IMAP4_SSL("localhost", server.ports["IMAPS"], ssl_context=tls_context(server),
                             timeout=SECONDS)
    imap.login(address, password)
    return imap


def imap_ok(answer):
    """The data of an imaplib answer that must be OK."""
    kind, data = answer
    assert kind == "OK", answer
    return data


def imap_subjects(server, address, password, mailbox="INBOX"):
    with imap_login(server, address, password) as imap:
        imap_ok(imap.select(mailbox, readonly=True))
        numbers = imap_ok(imap.search(None, "ALL"))[0].split()
        subjects = []
        for number in numbers:
            data = imap_ok(imap.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
            subjects.append(data[0][1].decode().partition(":")[2].strip())
        return subjects


def queue(server):
    return json.loads(server.home.command("queue", "list", "--json").stdout)["queue"]


def notices(server, address=ANNA):
    """The messages in INBOX."""
    imap = imap_login(server, address, PASSWORDS[address])
    imap.select("INBOX", readonly=True)
    numbers = imap_ok(imap.search(None, "ALL"))[0].split()
    found = [email.message_from_bytes(imap_ok(imap.fetch(number, "(BODY.PEEK[])"))[0][1]) for number in numbers]
    imap.logout()
    return found


def pop3_login(server, address, password):
    pop3 = poplib.POP3_SSL("localhost", server.ports["POP3S"], context=tls_context(server), timeout=SECONDS)
    pop3.user(address)
    pop3.pass_(password)
    return pop3


def zone_with_midnight_in(seconds):
    """A value for TZ in which the next day begins so many seconds from now, and that day."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    midnight = now + timedelta(seconds=seconds)
    east = timedelta(days=1) - timedelta(hours=midnight.hour, minutes=midnight.minute, seconds=midnight.second)
    day = (midnight + east).date()
    if east > timedelta(hours=12):
        east, day = east - timedelta(days=1), day - timedelta(days=1)
    hours, rest = divmod(abs(int(east.total_seconds())), 3600)
    # POSIX counts west of Greenwich as positive.
    sign = "-" if east > timedelta(0) else "+"
    return f"TST{sign}{hours:02}:{rest // 60:02}:{rest % 60:02}", day.isoformat(), midnight
