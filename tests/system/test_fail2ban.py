# SPDX-License-Identifier: Apache-2.0
"""Real attacks make lines that fail2ban matches; a scanner of TLS versions is no attacker."""
import imaplib
import poplib
import re
import smtplib

import pytest

from clients import client, s_client, tls_context
from conftest import ANNA, DOMAIN, ROOT
from harness.waiting import SECONDS

OURS = ROOT / "dist" / "fail2ban" / "postern.conf"
DEBIANS = "/etc/fail2ban/filter.d/kerio.conf"


def attack(server):
    """One of each; an account's guesses are few, so that the limit of failed logins is not what is seen."""
    with smtplib.SMTP("localhost", server.ports["Submission"], timeout=SECONDS) as smtp:
        smtp.starttls(context=tls_context(server))
        smtp.ehlo("client.example")
        for user in (ANNA, f"nobody@{DOMAIN}"):
            smtp.user, smtp.password = user, "guess"
            with pytest.raises(smtplib.SMTPAuthenticationError):
                smtp.auth("PLAIN", smtp.auth_plain)
    with smtplib.SMTP("127.0.0.1", server.ports["SMTP"], timeout=SECONDS) as smtp:
        smtp.ehlo("client.example")
        smtp.mail("a@client.example")
        assert smtp.rcpt("b@elsewhere.example")[0] == 550
        assert smtp.rcpt(f"nobody@{DOMAIN}")[0] == 550
    with pytest.raises(imaplib.IMAP4.error):
        imaplib.IMAP4_SSL("localhost", server.ports["IMAPS"], ssl_context=tls_context(server)).login(ANNA, "guess")
    pop3 = poplib.POP3_SSL("localhost", server.ports["POP3S"], context=tls_context(server))
    pop3.user(f"nobody@{DOMAIN}")
    with pytest.raises(poplib.error_proto):
        pop3.pass_("guess")
    s_client(server, "IMAPS", "-tls1_1")
    s_client(server, "SMTP", "-tls1_1")


def matched(log, rules):
    """The lines of a log that a filter matches."""
    said = client("fail2ban-regex", "--print-all-matched", str(log), str(rules))
    block = re.search(r"\|- Matched line\(s\):\n((?:\| .*\n)*)", said)
    return [line[2:].strip() for line in block[1].splitlines()] if block else []


ATTACK = re.compile(r"Attempt|attempt|Failed")
KNOWN_TO_DEBIAN = re.compile(r"\] (Relay attempt from|Attempt to deliver to unknown recipient|Failed SMTP login from"
                             r"|SMTP: User \S+ doesn't exist)")


def test_filters(server):
    attack(server)
    assert server.home.log_wait("security", "POP3")
    lines = server.home.log("security").splitlines()
    handshakes = [line for line in lines if "] TLS: " in line]
    attacks = [line for line in lines if ATTACK.search(line) and line not in handshakes]
    assert len(handshakes) == 2 and len(attacks) == 6, lines
    log = server.home.path / "store" / "logs" / "security.log"
    assert sorted(matched(log, OURS)) == sorted(attacks)
    known = [line for line in attacks if KNOWN_TO_DEBIAN.search(line)]
    assert len(known) >= 4
    assert sorted(matched(log, DEBIANS)) == sorted(known)


def test_lines_of_the_page(tmp_path):
    """As test_api_account.py and test_api_security.py see them written."""
    log = tmp_path / "security.log"
    lines = [f"[22/Nov/2026 10:00:00] HTTP/WebMail: {said} user root@{DOMAIN}. Attempt from IP address 192.0.2.7"
             for said in ("Invalid password for", "Invalid code for", "Too many failed attempts for")]
    log.write_text("".join(f"{line}\n" for line in lines))
    assert matched(log, OURS) == lines


def test_a_forged_name_bans_nobody_else(server):
    """The address that is banned is the peer's, whatever he writes into names."""
    forged = "x. Attempt from IP address 192.0.2.99"
    with pytest.raises(imaplib.IMAP4.error):
        imaplib.IMAP4_SSL("localhost", server.ports["IMAPS"], ssl_context=tls_context(server)).login(
            f'"{forged}"', "guess")
    with smtplib.SMTP("127.0.0.1", server.ports["SMTP"], timeout=SECONDS) as smtp:
        smtp.ehlo("client.example")
        smtp.docmd(f"MAIL FROM:<\"Failed SMTP login from 192.0.2.99\"@client.example>")
        smtp.docmd(f"RCPT TO:<\"x>, IP address 192.0.2.99\"@{DOMAIN}>")
    log = server.home.path / "store" / "logs" / "security.log"
    for rules in (OURS, DEBIANS):
        said = client("fail2ban-regex", "--print-all-matched", "-o", "ip", str(log), str(rules))
        assert "192.0.2.99" not in said
