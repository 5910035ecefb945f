# SPDX-License-Identifier: Apache-2.0
"""Mail for other servers: into the queue, out of it, and what the sender hears."""
import email
import email.policy
import json
import os
import signal
import smtplib
import socket
import time
from pathlib import Path

import pytest

from clients import imap_login, imap_ok, imap_subjects, message, notices, queue, smtp_send, tls_context
from conftest import ANNA, BERT, PASSWORDS, home_copy
from harness.dns import Dns, tools_missing
from harness.server import Home, Server
from harness.waiting import SECONDS, until
from test_roles import roles

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

PEER = "127.0.0.41"
ZONES = {
    "peer.example": ["@ MX 10 mx", "mx A " + PEER],
    "dead.example": ["@ MX 10 mx", "mx A 127.0.0.42"],
    "second.example": ["@ MX 10 mx.dead.example.", "@ MX 20 mx.peer.example."],
    "null.example": ["@ MX 0 ."],
    "mute.example": ["@ MX 10 mx", "mx A 127.0.0.43"],
}
QUICK = {"Queue.FirstRetrySeconds": "1", "Queue.LongestRetrySeconds": "1"}


@pytest.fixture(scope="module")
def dns(workplace):
    with Dns(workplace / "queue-dns", ZONES, unsigned=list(ZONES)) as running:
        yield running


@pytest.fixture(scope="module")
def peer(workplace, home_template):
    """Another Postern, which takes mail for peer.example on port 25 of its own address."""
    home = Home(home_template.postern, workplace / "home-peer")
    home.init()
    home.ports_shift(100)
    home.configure(**{"Server.Hostname": "mx.peer.example", "Service[SMTP].Port": "25", "Service[SMTP].Addresses": PEER})
    for domain in ("peer.example", "second.example"):
        home.command("domain", "add", domain)
        home.user_add(f"bob@{domain}", "bob-secret")
    with Server(home) as running:
        yield running


@pytest.fixture
def sending(home, dns):
    """A server that finds the zones, retries at once, and has two accounts."""
    dns.configure(home)
    home.configure(**QUICK)
    with Server(home) as running:
        yield running


def send(server, *recipients, subject="over", text="Hello.\n", sender=ANNA, mail_options=(), rcpt_options=()):
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=SECONDS) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        refused = smtp.sendmail(sender, recipients, message(subject, ANNA, recipients[0], text).as_bytes(policy=email.policy.SMTP),
                                mail_options, rcpt_options)
        assert refused == {}


def notice(server, action):
    """The one notice of a kind: its fields of the status part."""
    def find():
        for made in notices(server):
            if made.get_content_type() != "multipart/report":
                continue
            fields = {}
            for block in made.get_payload()[1].get_payload():
                fields.update((name.lower(), value) for name, value in block.items())
            if fields.get("action") == action:
                return fields, made
        return None
    return until(find)


def test_mail_reaches_another_server(sending, peer):
    send(sending, "bob@peer.example", BERT, subject="over there")
    assert until(lambda: imap_subjects(peer, "bob@peer.example", "bob-secret")) == ["over there"]
    assert imap_subjects(sending, BERT, PASSWORDS[BERT]) == ["over there"]
    line = sending.home.log_wait("mail", r"Sent: .*Recipient: <bob@peer\.example>, Result: relayed, Status: 2\.0\.0 250 .*").group(0)
    assert "Remote-Host: mx.peer.example [127.0.0.41]" in line
    assert "TLS: may TLSv1.3 TLS_AES_256_GCM_SHA384" in line
    until(lambda: queue(sending) == [])


def test_what_a_message_lacks_goes_along(sending, peer):
    with smtplib.SMTP_SSL("127.0.0.1", sending.ports["SMTPS"], context=tls_context(sending), timeout=SECONDS) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        smtp.sendmail(ANNA, ["bob@second.example"], b"Subject: bare\r\n\r\n.\r\n..\r\n.x\r\n")
    imap = until(lambda: imap_subjects(peer, "bob@second.example", "bob-secret")) and \
        imap_login(peer, "bob@second.example", "bob-secret")
    imap.select("INBOX")
    raw = imap_ok(imap.fetch("1", "(BODY.PEEK[])"))[0][1]
    imap.logout()
    assert b"\r\nMessage-ID: <" in raw and b"\r\nDate: " in raw
    assert raw.endswith(b"\r\n\r\n.\r\n..\r\n.x\r\n")
    # The first exchanger of the domain does not answer.
    assert "mx.peer.example" in sending.home.log_wait("mail", r"Sent: .*<bob@second\.example>, Result: relayed.*").group(0)


def test_an_unknown_recipient_comes_back(sending, peer):
    send(sending, "nobody@peer.example", subject="to nobody", mail_options=["RET=FULL", "ENVID=e1"])
    fields, made = notice(sending, "failed")
    assert fields["final-recipient"] == "rfc822; nobody@peer.example"
    assert (fields["status"], fields["original-envelope-id"]) == ("5.1.1", "e1")
    assert fields["diagnostic-code"] == "smtp; 550 5.1.1 No such user here"
    assert made["To"] == f"<{ANNA}>" and made["Auto-Submitted"] == "auto-replied"
    assert made.get_payload()[2].get_payload()[0]["Subject"] == "to nobody"
    until(lambda: queue(sending) == [])


@pytest.mark.parametrize("domain, status", [("null.example", "5.1.10"), ("nowhere.peer.example", "5.1.2")])
def test_a_domain_that_takes_no_mail(sending, domain, status):
    send(sending, f"x@{domain}")
    fields, made = notice(sending, "failed")
    assert fields["status"] == status
    assert domain in made.get_payload()[0].get_payload()


def test_who_wants_no_notice_gets_none(sending, peer):
    send(sending, "nobody@peer.example", rcpt_options=["NOTIFY=NEVER"])
    sending.home.log_wait("mail", r"Sent: .*<nobody@peer\.example>, Result: failed, Status: 5\.1\.1 550 .*")
    until(lambda: queue(sending) == [])
    assert notices(sending) == []


def test_success_is_told_where_it_is_wanted(sending, peer):
    send(sending, BERT, rcpt_options=["NOTIFY=SUCCESS"])
    fields, _ = notice(sending, "delivered")
    assert fields["final-recipient"] == f"rfc822; {BERT}"
    until(lambda: queue(sending) == [])


def test_what_waits_is_told_listed_and_sent_later(sending, peer):
    home = sending.home
    home.configure(**{"Queue.DelayNoticeSeconds": "1"})
    home.command("reload")
    send(sending, "x@dead.example", subject="waits")
    fields, made = notice(sending, "delayed")
    assert fields["status"] == "4.4.1" and "will-retry-until" in fields
    [entry] = queue(sending)
    assert entry["sender"] == ANNA and entry["recipients"][0]["address"] == "x@dead.example"
    assert "127.0.0.42: Connection refused" in entry["recipients"][0]["status"]
    assert "Connection refused" in home.command("queue", "show", entry["id"]).stdout
    home.log_wait("mail", rf"Sent: Queue-ID: {entry['id']}, .*Result: delayed, Status: 4\.4\.1 .*")
    told = home.command("queue", "remove", entry["id"], "00000000-00000000", "--json", check=False)
    assert (told.returncode, json.loads(told.stdout)) == (2, {"ordered": [entry["id"]], "unknown": ["00000000-00000000"]})
    assert queue(sending) == []
    # One notice is enough.
    assert len([made for made in notices(sending) if "delayed" in made["Subject"]]) == 1


def test_a_message_whose_time_is_over_comes_back(sending):
    sending.home.configure(**{"Queue.LifetimeSeconds": "1"})
    sending.home.command("reload")
    send(sending, "x@dead.example")
    fields, made = notice(sending, "failed")
    assert fields["status"] == "4.4.7"
    assert "Connection refused" in fields["diagnostic-code"]
    until(lambda: queue(sending) == [])


def test_a_notice_that_fails_is_not_noticed(sending, peer):
    """The bounce goes to a server that refuses it: nothing comes of that."""
    smtp_send(sending, message("in", "stranger@dead.example", ANNA), "stranger@dead.example", [ANNA])
    with smtplib.SMTP("127.0.0.1", sending.ports["SMTP"], timeout=SECONDS) as smtp:
        smtp.ehlo()
        smtp.docmd("MAIL", "FROM:<nobody@peer.example>")
        smtp.docmd("RCPT", f"TO:<{ANNA}> NOTIFY=SUCCESS")
        assert smtp.data(b"Subject: in\r\n\r\n")[0] == 250
    sending.home.log_wait("mail", r"Sent: .*<nobody@peer\.example>, Result: failed, Status: 5\.1\.1 .*")
    until(lambda: queue(sending) == [])
    assert all(made.get_content_type() != "multipart/report" for made in notices(sending))


def test_what_is_held_stays_until_it_is_released(home, dns, peer):
    dns.configure(home)
    # Long pauses: nothing moves but by order.
    with Server(home) as server:
        send(server, "x@dead.example", "bob@peer.example", subject="held")
        until(lambda: len(queue(server)) == 1 and len(queue(server)[0]["recipients"]) == 1)
        [entry] = queue(server)
        home.command("queue", "hold", "all")
        assert queue(server)[0]["recipients"][0]["held"]
        attempts = queue(server)[0]["recipients"][0]["attempts"]
        home.command("queue", "retry", entry["id"])
        home.command("queue", "release", entry["id"])
        until(lambda: queue(server)[0]["recipients"][0]["attempts"] > attempts)
        assert home.command("queue", "show", "none", check=False).returncode == 2
        home.log_wait("config", r"Hold Queued \{all\}")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_order_waits_for_what_is_on_its_way(sending):
    """The other server says nothing for a while: the order is kept, and nobody spins over it."""
    with socket.create_server(("127.0.0.43", 25)) as mute:
        mute.settimeout(SECONDS)
        send(sending, "x@mute.example")
        session, _ = mute.accept()
        [entry] = queue(sending)
        sending.home.command("queue", "hold", entry["id"])
        [mailq] = roles(sending)["mailq"]
        before = cpu_seconds(mailq)
        time.sleep(1)
        assert cpu_seconds(mailq) - before < 0.2
        session.close()
        until(lambda: queue(sending)[0]["recipients"][0]["attempts"] == 1)
    assert queue(sending)[0]["recipients"][0]["held"]
    sending.home.command("queue", "release", entry["id"])
    until(lambda: queue(sending)[0]["recipients"][0]["attempts"] > 1)


def test_the_queue_outlives_the_process(home, dns, peer):
    """Accepted while nothing can be sent; sent by the next server, once."""
    dns.configure(home)
    home.configure(**QUICK)
    with Server(home) as server:
        before = len(imap_subjects(peer, "bob@peer.example", "bob-secret"))
        os.kill(roles(server)["mailq"][0], signal.SIGSTOP)
        send(server, "bob@peer.example", subject="survives")
        pid = roles(server)["mailq"][0]
        os.kill(pid, signal.SIGKILL)
        until(lambda: len(imap_subjects(peer, "bob@peer.example", "bob-secret")) == before + 1)
        until(lambda: queue(server) == [])
    assert imap_subjects(peer, "bob@peer.example", "bob-secret").count("survives") == 1


# ---- relay hosts

RELAY = "127.0.0.43"


@pytest.fixture(scope="module")
def provider(workplace, home_template):
    """A Postern that relays for its users: smtp.provider.example, which delivers to itself."""
    home = Home(home_template.postern, workplace / "home-provider")
    home.init()
    home.ports_shift(200)
    home.configure(**{"Server.Hostname": "smtp.provider.example", "Service[Submission].Port": "587",
                      "Service[Submission].Addresses": RELAY})
    home.command("domain", "add", "example.org")
    home.command("domain", "add", "through.example")
    home.user_add(ANNA, "relay-secret")
    home.user_add("bob@through.example", "bob-secret")
    with Server(home) as running:
        yield running


def test_mail_goes_through_a_relay_host_that_wants_a_login(home, dns, provider):
    dns.configure(home)
    home.configure(**QUICK)
    home.list_add("RelayRule", Sender="example.org", Host=f"[{RELAY}]", Port="587", Level="encrypt", User=ANNA,
                  Password="provider")
    assert home.command("check", check=False).returncode == 1
    with Server(home) as server:
        send(server, "bob@through.example", subject="through")
        home.log_wait("error", r"is not logged in to: the password provider is not kept")
        home.command("remote-password", "set", "provider", "--password-stdin", stdin="wrong\n")
        assert home.command("remote-password", "list").stdout == "provider\n"
        [entry] = queue(server)
        home.command("queue", "retry", entry["id"])
        home.log_wait("mail", r"Sent: .*<bob@through\.example>, Result: delayed, Status: 4\.7\.0 .*refuses the login: 535 .*")
        home.command("remote-password", "set", "provider", "--password-stdin", stdin="relay-secret\n")
        home.command("queue", "retry", entry["id"])
        assert until(lambda: imap_subjects(provider, "bob@through.example", "bob-secret"), seconds=2 * SECONDS) == ["through"]
        line = home.log_wait("mail", r"Sent: .*<bob@through\.example>, Result: relayed.*").group(0)
        assert f"Remote-Host: {RELAY} " in line and "TLS: encrypt TLSv1.3" in line
    # The password stands nowhere in the clear.
    for path in (home.path / "store").rglob("*"):
        assert not path.is_file() or b"relay-secret" not in path.read_bytes(), path


def test_a_relay_host_that_cannot_be_verified_gets_nothing(home, dns, provider):
    dns.configure(home)
    home.configure(**QUICK)
    home.list_add("RelayRule", Host=f"[{RELAY}]", Port="587", User=ANNA, Password="provider")
    home.command("remote-password", "set", "provider", "--password-stdin", stdin="relay-secret\n")
    with Server(home) as server:
        send(server, "bob@through.example", subject="never")
        line = home.log_wait("mail", r"Sent: .*<bob@through\.example>, Result: delayed, Status: 4\.7\.5 .*").group(0)
        assert "RelayRule" in line
        home.log_wait("security", r"TLS to 127\.0\.0\.43")
    assert "never" not in imap_subjects(provider, "bob@through.example", "bob-secret")
