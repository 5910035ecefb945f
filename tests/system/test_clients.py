# SPDX-License-Identifier: Apache-2.0
"""Each mail client really run against the server."""
import os
import pty
import select
import smtplib
import subprocess
import termios
import time

import pytest

from clients import (client, imap_login, imap_ok, imap_subjects, message, pop3_login, smtp_send, tls_context)
from conftest import ANNA, BERT, PASSWORDS
from harness.waiting import SECONDS


def anna_subjects(server, mailbox="INBOX"):
    return imap_subjects(server, ANNA, PASSWORDS[ANNA], mailbox)


def anna_login(server):
    return imap_login(server, ANNA, PASSWORDS[ANNA])


# ---- Python's own

def test_python_smtplib(server):
    with smtplib.SMTP("localhost", server.ports["Submission"], timeout=SECONDS) as smtp:
        smtp.starttls(context=tls_context(server))
        smtp.login(BERT, PASSWORDS[BERT])
        assert smtp.send_message(message("submission", BERT, ANNA)) == {}
    with smtplib.SMTP_SSL("localhost", server.ports["SMTPS"], timeout=SECONDS, context=tls_context(server)) as smtp:
        smtp.login(BERT, PASSWORDS[BERT])
        assert smtp.send_message(message("smtps", BERT, ANNA)) == {}
    smtp_send(server, message("smtp", "x@client.example", ANNA), "x@client.example", [ANNA])
    assert anna_subjects(server) == ["submission", "smtps", "smtp"]


def test_python_imaplib(server):
    with anna_login(server) as imap:
        imap_ok(imap.create("Work"))
        imap_ok(imap.append("Work", r"(\Flagged)", None, b"Subject: kept\r\n\r\nText\r\n"))
        assert imap_ok(imap.select("Work")) == [b"1"]
        assert b"\\Flagged" in imap_ok(imap.fetch("1", "(FLAGS)"))[0]
        imap_ok(imap.copy("1", "INBOX"))
        imap_ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
        assert imap_ok(imap.expunge()) == [b"1"]
        imap_ok(imap.close())
        imap_ok(imap.delete("Work"))
    assert anna_subjects(server) == ["kept"]


def test_python_poplib(server):
    smtp_send(server, message("popped", BERT, ANNA), BERT, [ANNA])
    pop3 = pop3_login(server, ANNA, PASSWORDS[ANNA])
    assert pop3.stat()[0] == 1
    assert b"Subject: popped" in pop3.retr(1)[1]
    pop3.dele(1)
    pop3.quit()
    assert anna_subjects(server) == []


# ---- senders

@pytest.mark.parametrize("service, options", [
    ("Submission", ["--tls"]), ("SMTPS", ["--tls-on-connect"])])
def test_swaks(server, service, options):
    said = client("swaks", "--server", "localhost", "--port", server.ports[service], *options,
                  "--tls-verify", "--tls-ca-path", server.home.certificate,
                  "--auth", "PLAIN", "--auth-user", BERT, "--auth-password", PASSWORDS[BERT],
                  "--from", BERT, "--to", ANNA, "--header", f"Subject: by swaks {service}")
    assert "250 2.0.0" in said
    assert anna_subjects(server) == [f"by swaks {service}"]


def test_swaks_on_port_25_with_pipelining(server):
    client("swaks", "--server", "localhost", "--port", server.ports["SMTP"], "--pipeline", "--tls-optional",
           "--from", "a@client.example", "--to", f"{ANNA},{BERT}", "--header", "Subject: piped")
    assert anna_subjects(server) == ["piped"]


def test_curl_sends_and_reads(server, folder):
    anna, bert = (f"{address}:{PASSWORDS[address]}" for address in (ANNA, BERT))
    trust = ["curl", "-sS", "--fail-early", "--cacert", server.home.certificate]
    (folder / "mail").write_bytes(b"Subject: by curl\r\n\r\nThe text.\r\n")
    for url in (f"smtps://localhost:{server.ports['SMTPS']}",
                f"smtp://localhost:{server.ports['Submission']}"):
        client(*trust, "--ssl-reqd", url, "-u", bert, "--mail-from", BERT, "--mail-rcpt", ANNA,
               "-T", folder / "mail")
    imaps = f"imaps://localhost:{server.ports['IMAPS']}"
    assert "INBOX" in client(*trust, "-u", anna, imaps)
    assert "The text." in client(*trust, "-u", anna, f"{imaps}/INBOX;MAILINDEX=2")
    assert "SEARCH 1 2" in client(*trust, "-u", anna, f"{imaps}/INBOX?SUBJECT%20curl")
    client(*trust, "-u", anna, f"{imaps}/INBOX", "-T", folder / "mail")
    assert len(anna_subjects(server)) == 3
    pop3s = f"pop3s://localhost:{server.ports['POP3S']}"
    assert client(*trust, "-u", anna, pop3s).split()[::2] == ["1", "2", "3"]
    assert "The text." in client(*trust, "-u", anna, f"{pop3s}/1")
    assert "The text." in client(*trust, "--ssl-reqd", "-u", anna,
                                 f"pop3://localhost:{server.ports['POP3']}/2")


# ---- mbsync

MBSYNC = """
IMAPAccount server
Host localhost
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {certificate}

IMAPStore far
Account server

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
"""


def maildir_files(path):
    return sorted(file for part in ("cur", "new") for file in (path / part).iterdir())


def test_mbsync_both_ways(server, folder):
    smtp_send(server, message("from the server", BERT, ANNA), BERT, [ANNA])
    (folder / "mbsyncrc").write_text(MBSYNC.format(
        port=server.ports["IMAPS"], user=ANNA, password=PASSWORDS[ANNA], certificate=server.home.certificate,
        folder=folder))

    def sync():
        client("mbsync", "-c", folder / "mbsyncrc", "-a", HOME=str(folder))

    sync()
    [fetched] = maildir_files(folder / "INBOX")
    assert b"Subject: from the server" in fetched.read_bytes()
    # A message, a flag and a folder of the near side go to the far side.
    (folder / "INBOX" / "cur" / "1.near.host:2,S").write_bytes(b"Subject: from here\n\nText.\n")
    seen = folder / "INBOX" / "cur" / (fetched.name.split(":")[0] + ":2,F")
    fetched.rename(seen)
    for part in ("cur", "new", "tmp"):
        (folder / "Archive" / part).mkdir(parents=True, exist_ok=True)
    (folder / "Archive" / "new" / "2.near.host").write_bytes(b"Subject: archived\n\nText.\n")
    sync()
    assert anna_subjects(server) == ["from the server", "from here"]
    assert anna_subjects(server, "Archive") == ["archived"]
    with anna_login(server) as imap:
        imap_ok(imap.select("INBOX"))
        assert imap_ok(imap.search(None, "FLAGGED")) == [b"1"]
        # Deleted on the far side, gone on the near side.
        imap_ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
        imap_ok(imap.expunge())
    sync()
    assert len(maildir_files(folder / "INBOX")) == 1


# ---- fetchmail

FETCHMAIL = """
set no bouncemail
poll localhost with proto {proto} service {port} auth password
  user "{user}" there with password "{password}" is root here
  {tls} sslcertck sslcertfile {certificate} {keep}
  mda "cat >> {folder}/fetched"
"""


@pytest.mark.parametrize("proto, service, tls", [
    ("IMAP", "IMAPS", "ssl"), ("IMAP", "IMAP", "sslproto TLS1+"),
    ("POP3", "POP3S", "ssl"), ("POP3", "POP3", "sslproto TLS1+")])
def test_fetchmail(server, folder, proto, service, tls):
    for number in (1, 2):
        smtp_send(server, message(f"fetch {number}", BERT, ANNA), BERT, [ANNA])
    config = folder / "fetchmailrc"
    config.write_text(FETCHMAIL.format(proto=proto, port=server.ports[service], user=ANNA, tls=tls, keep="nokeep",
                                       password=PASSWORDS[ANNA], certificate=server.home.certificate, folder=folder))
    config.chmod(0o700)
    client("fetchmail", "-f", config, "--pidfile", folder / "pid", "-N", "--nosyslog", HOME=str(folder),
           FETCHMAILHOME=str(folder))
    fetched = (folder / "fetched").read_text()
    assert "Subject: fetch 1" in fetched and "Subject: fetch 2" in fetched
    assert anna_subjects(server) == []


# ---- mutt

MUTT = """
set folder = "imaps://localhost:{imaps}/"
set spoolfile = "imaps://localhost:{imaps}/INBOX"
set imap_user = "{user}"
set imap_pass = "{password}"
set smtp_url = "smtps://{user}@localhost:{smtps}/"
set smtp_pass = "{password}"
set from = "{user}"
set use_from = yes
set use_envelope_from = yes
set hostname = "client.example"
set certificate_file = "{certificate}"
set record = "=Sent"
set copy = yes
set confirmcreate = no
set confirmappend = no
set delete = yes
set quit = yes
set move = no
set mark_old = no
"""


def mutt_prepare(server, folder, address):
    (folder / "muttrc").write_text(MUTT.format(
        imaps=server.ports["IMAPS"], smtps=server.ports["SMTPS"], user=address, password=PASSWORDS[address],
        certificate=server.home.certificate))
    return ["mutt", "-n", "-F", str(folder / "muttrc")]


def on_terminal(command, **environment):
    """Runs a full-screen program on a terminal of its own until it ends; gives what it drew."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                               env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
    os.close(theirs)
    drawn, until = b"", time.monotonic() + 30
    try:
        while process.poll() is None and time.monotonic() < until:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    drawn += os.read(ours, 65536)
                except OSError:
                    break
        return process.wait(5), drawn.decode(errors="replace")
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None, drawn.decode(errors="replace")
    finally:
        os.close(ours)


def test_mutt_sends(server, folder):
    mutt = mutt_prepare(server, folder, BERT)
    client(*mutt, "-s", "by mutt", ANNA, stdin="The text.\n", HOME=str(folder))
    assert anna_subjects(server) == ["by mutt"]
    assert imap_subjects(server, BERT, PASSWORDS[BERT], "Sent") == ["by mutt"]


def test_mutt_reads_and_moves(server, folder):
    smtp_send(server, message("to be moved", BERT, ANNA), BERT, [ANNA])
    mutt = mutt_prepare(server, folder, ANNA)
    code, drawn = on_terminal([*mutt, "-e", 'push "<save-message>=Moved<enter><sync-mailbox><quit>"'],
                              HOME=str(folder))
    assert code == 0, drawn
    assert anna_subjects(server) == []
    assert anna_subjects(server, "Moved") == ["to be moved"]
