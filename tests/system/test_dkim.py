# SPDX-License-Identifier: Apache-2.0
"""Signed mail (DKIM): made here, published in a zone, judged by an independent verifier at the other end."""
import email
import email.policy
import fcntl
import json
import os
import signal
import smtplib

import pytest

from clients import client, imap_login, imap_ok, message, tls_context
from conftest import ANNA, PASSWORDS
from harness.api import logged_in
from harness.dns import ADDRESS, Dns, tools_missing
from harness.server import Home, Server
from harness.waiting import SECONDS, until
from test_queue import QUICK, queue
from test_roles import core_of, holds, key_numbers, roles, wait_restarted

dkim = pytest.importorskip("dkim")
resolver = pytest.importorskip("dns.resolver")
pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

PEER = "127.0.0.41"
PEER_RECORDS = ["@ MX 10 mx", "mx A " + PEER]
BOB = "bob@peer.example"
FOLDED = "Subject: folded\r\n\tand   wide \r\nTo: bob@peer.example\r\nFrom: =?utf-8?q?Anna?=\r\n <anna@example.org>\r\n" \
         "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <folded@example.org>\r\n\r\n" \
         ".dots \t and  blanks \r\n\r\n \r\n..\r\nend\r\n\r\n\r\n"


@pytest.fixture(scope="module")
def dns(workplace):
    with Dns(workplace / "dkim-dns", {"peer.example": PEER_RECORDS, "example.org": []},
             unsigned=["peer.example", "example.org"], ttl=1) as running:
        yield running


@pytest.fixture(scope="module")
def peer(workplace, home_template):
    home = Home(home_template.postern, workplace / "home-dkim-peer")
    home.init()
    home.ports_shift(100)
    home.configure(**{"Server.Hostname": "mx.peer.example", "Service[SMTP].Port": "25", "Service[SMTP].Addresses": PEER})
    home.command("domain", "add", "peer.example")
    home.user_add(BOB, "bob-secret")
    with Server(home) as running:
        yield running


@pytest.fixture
def sending(home, dns):
    """A server with keys for example.org, which wait: nothing is published yet."""
    dns.replace("example.org", [])
    dns.configure(home)
    home.configure(**QUICK, **{"Server.Hostname": "mail.example.org"})
    home.command("dkim", "add", "example.org", "--selector", "s1")
    with Server(home) as running:
        yield running


def keys(server):
    """Selector -> what `dkim show` says."""
    shown = json.loads(server.home.command("dkim", "show", "example.org", "--json", check=False).stdout)["keys"]
    return {key["selector"]: key for key in shown}


def states(server):
    return {selector: key["state"] for selector, key in keys(server).items()}


def publish(server, dns, only=""):
    """Puts the records into the zone as `dkim show` writes them."""
    zones = [key["zone"] for selector, key in keys(server).items() if only in selector]
    dns.replace("example.org", [line for zone in zones for line in zone.splitlines()])


def send(server, raw, sender=ANNA, recipient=BOB):
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=SECONDS) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        assert smtp.sendmail(sender, [recipient], raw) == {}


def sent(server, raw):
    """True when the server took it; while keys is being started again, handshakes may fail."""
    try:
        send(server, raw)
    except (OSError, smtplib.SMTPException):
        return False
    return True


def text(subject, sender=ANNA):
    return message(subject, sender, BOB, "Hello.\n").as_bytes(policy=email.policy.SMTP)


def arrived(peer, subject):
    """Waits for the message with that subject, and gives its bytes."""
    def find():
        imap = imap_login(peer, BOB, "bob-secret")
        imap.select("INBOX", readonly=True)
        try:
            for number in imap_ok(imap.search(None, "ALL"))[0].split():
                raw = imap_ok(imap.fetch(number, "(BODY.PEEK[])"))[0][1]
                if subject in str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"]):
                    return raw
        finally:
            imap.logout()
        return None
    return until(find)


def txt(name, timeout=5):
    """Asks the zones themselves."""
    asker = resolver.Resolver(configure=False)
    asker.nameservers = [ADDRESS]
    [record] = asker.resolve(name.decode().rstrip("."), "TXT")
    return b"".join(record.strings)


def signatures(raw):
    """(algorithm, selector, domain) of each signature that holds; fails for one that does not."""
    found = email.message_from_bytes(raw).get_all("DKIM-Signature") or []
    good = []
    for index, field in enumerate(found):
        tags = dict(part.strip().split("=", 1) for part in field.split(";"))
        assert dkim.DKIM(raw).verify(idx=index, dnsfunc=txt), field
        good.append((tags["a"], tags["s"], tags["d"]))
    return good


BOTH = [("rsa-sha256", "s1-rsa", "example.org"), ("ed25519-sha256", "s1-ed25519", "example.org")]


def test_signed_once_published_and_verified_elsewhere(sending, peer, dns):
    send(sending, text("too early"))
    assert signatures(arrived(peer, "too early")) == []
    shown = keys(sending)
    assert {key["dns"] for key in shown.values()} == {"not published"}
    assert {key["state"] for key in shown.values()} == {"waiting"}
    publish(sending, dns)
    until(lambda: set(states(sending).values()) == {"signing"})
    assert all(key["published"] for key in keys(sending).values())
    send(sending, FOLDED.encode())
    raw = arrived(peer, "folded")
    assert signatures(raw) == BOTH
    # Who changes a word, or adds a field that is looked at, is found out.
    for changed in (raw.replace(b"blanks", b"Blanks"), b"Subject: another\r\n" + raw, b"Cc: eve@example.com\r\n" + raw):
        assert not dkim.verify(changed, dnsfunc=txt)
    line = sending.home.log_wait("mail", r"Sent: .*Msg-Id: <folded@example\.org>.*").group(0)
    assert line.endswith(", DKIM: example.org/s1-rsa+s1-ed25519")
    sending.home.log_wait("config", r'postern - Update Dkim \{Domain="example\.org", Selector="s1-rsa", '
                                    r'State="signing", was="waiting"\}')
    entries = json.loads(sending.home.command("evidence", "list", "--json").stdout)["entries"]
    changes = [change["variable"] for entry in entries if entry["kind"] == "dkim change" for change in entry["changes"]]
    assert "dkim/example.org/s1-rsa" in changes and "dkim/example.org/s1-ed25519" in changes


def test_what_is_signed_for_whom(sending, peer, dns):
    publish(sending, dns)
    sending.home.command("dkim", "activate", "example.org")
    send(sending, text("below", sender="Anna <anna@sub.example.org>"))
    assert signatures(arrived(peer, "below")) == BOTH
    send(sending, text("elsewhere", sender="anna@example.net"))
    assert signatures(arrived(peer, "elsewhere")) == []
    send(sending, b"Subject: no author\r\n\r\nHello.\r\n")
    assert signatures(arrived(peer, "no author")) == BOTH
    # A notice of our own, about mail that somebody else may have sent.
    with smtplib.SMTP("127.0.0.1", sending.ports["SMTP"], timeout=SECONDS) as smtp:
        smtp.ehlo()
        assert smtp.mail(BOB)[0] == 250
        assert smtp.rcpt(ANNA, ["NOTIFY=SUCCESS"])[0] == 250
        assert smtp.data(text("told", sender=BOB))[0] == 250
    raw = arrived(peer, "deliver")
    assert b"MAILER-DAEMON@mail.example.org" in raw and signatures(raw) == BOTH


def test_a_long_message(sending, peer, dns):
    """Longer than the pieces in which a body is read."""
    publish(sending, dns)
    sending.home.command("dkim", "activate", "example.org")
    raw = text("long").rstrip(b"\r\n") + b"".join(b"line  %d \t of a long body \r\n" % n for n in range(200_000))
    send(sending, raw)
    assert len(raw) > 5_000_000 and signatures(arrived(peer, "long")) == BOTH


def test_the_next_key_takes_over_when_it_is_published(sending, peer, dns):
    publish(sending, dns, only="s1-rsa")
    sending.home.command("dkim", "activate", "example.org", "s1-rsa")
    assert states(sending) == {"s1-rsa": "signing", "s1-ed25519": "waiting"}
    sending.home.command("dkim", "remove", "example.org", "s1-ed25519")
    send(sending, text("first"))
    assert signatures(arrived(peer, "first")) == BOTH[:1]
    told = sending.home.command("dkim", "rotate", "example.org", "--selector", "s2").stdout
    assert "s2._domainkey.example.org. IN TXT (" in told
    assert sending.home.command("dkim", "rotate", "example.org", check=False).returncode == 2
    send(sending, text("second"))
    assert signatures(arrived(peer, "second")) == BOTH[:1]
    publish(sending, dns)
    until(lambda: states(sending) == {"s1-rsa": "retiring", "s2": "signing"})
    assert keys(sending)["s1-rsa"]["withdraw_from"] > keys(sending)["s1-rsa"]["since"]
    send(sending, text("third"))
    assert signatures(arrived(peer, "third")) == [("rsa-sha256", "s2", "example.org")]
    # What was signed before still holds: the old record stays.
    assert signatures(arrived(peer, "first")) == BOTH[:1]

    # Long ago: the private key goes, and the administrator hears that the record may go.
    file = sending.home.path / "dkim" / "example.org" / "keys"
    [selector, algorithm, state, _, record] = file.read_text().split("\n")[0].split(" ", 4)
    rest = file.read_text().split("\n", 1)[1]
    file.write_text(f"{selector} {algorithm} {state} 1000 {record}\n{rest}")
    sending.home.command("reload")
    until(lambda: states(sending) == {"s1-rsa": "retired", "s2": "signing"})
    assert [path.name for path in file.parent.glob("*.key")] == ["s2.key"]
    sending.home.log_wait("warning", r"dkim: the record s1-rsa\._domainkey\.example\.org may be withdrawn from DNS")


@pytest.mark.parametrize("algorithm, hindrance", [("ed25519", "gone"), ("rsa", "another")])
def test_nothing_goes_out_unsigned_without_the_key(sending, peer, dns, algorithm, hindrance):
    publish(sending, dns)
    sending.home.command("dkim", "activate", "example.org")
    sending.stop()
    path = sending.home.path / "dkim" / "example.org" / f"s1-{algorithm}.key"
    pem = path.read_bytes()
    if hindrance == "gone":
        path.unlink()
    else:
        path.write_text(client("openssl", "genpkey", "-algorithm", algorithm.upper()))
    with Server(sending.home) as server:
        server.home.log_wait("error", rf"dkim/example\.org/s1-{algorithm}\.key: .*; mail from example\.org waits .*")
        subject = f"waits {algorithm} {hindrance}"
        send(server, text(subject))
        [entry] = until(lambda: [one for one in queue(server) if one["recipients"][0]["status"]])
        assert f"cannot be signed (DKIM, example.org/s1-{algorithm})" in entry["recipients"][0]["status"]
        path.write_bytes(pem)
        server.home.command("reload")
        assert signatures(arrived(peer, subject)) == BOTH


def test_nothing_goes_out_before_the_list_of_keys_is_read(sending, peer, dns):
    publish(sending, dns)
    sending.home.command("dkim", "activate", "example.org")
    sending.stop()
    path = sending.home.path / "dkim" / "example.org" / "keys"
    good = path.read_text()
    path.write_text("garbage\n")
    with Server(sending.home) as server:
        server.home.log_wait("error", r".*dkim/example\.org/keys: .*; nobody knows what is to be signed, .*")
        send(server, text("before"))
        assert "keys: " in server.home.command("dkim", "show", check=False).stderr
        path.write_text(good)
        server.home.command("reload")
        assert signatures(arrived(peer, "before")) == BOTH
        # Once it was read, what is broken later changes nothing.
        path.write_text("garbage\n")
        server.home.command("reload")
        server.home.log_wait("error", r".*dkim/example\.org/keys: .*; keys of DKIM stay as they were before")
        send(server, text("later"))
        assert signatures(arrived(peer, "later")) == BOTH


def test_a_record_that_is_gone_is_told(sending, dns):
    sending.home.command("dkim", "activate", "example.org", "s1-rsa")
    sending.home.log_wait("warning", r"dkim: mail is signed with s1-rsa\._domainkey\.example\.org, but in DNS: not published; .*")


def test_keys_and_mailq_may_die(sending, peer, dns):
    publish(sending, dns)
    sending.home.command("dkim", "activate", "example.org")
    for name in ("keys", "mailq"):
        [pid] = roles(sending)[name]
        os.kill(pid, signal.SIGKILL)
        until(lambda: sent(sending, text(f"after {name}")))
        wait_restarted(sending, name, pid)
        assert signatures(arrived(peer, f"after {name}")) == BOTH


def test_private_keys_are_in_the_keys_process_alone(sending, peer, dns, tmp_path):
    publish(sending, dns)
    sending.home.command("dkim", "activate", "example.org")
    send(sending, text("signed"))
    assert signatures(arrived(peer, "signed")) == BOTH
    folder = sending.home.path / "dkim"
    assert folder.stat().st_mode & 0o777 == 0o700
    file = folder / "example.org" / "s1-rsa.key"
    assert file.stat().st_mode & 0o777 == 0o600
    numbers = key_numbers(file)[:2]
    running = roles(sending)
    for name in ("front", "mailq"):
        core = b"".join(core_of(pid, tmp_path) for pid in running[name])
        assert not any(holds(core, number) for number in numbers), name
        assert file.read_bytes().splitlines()[2] not in core, name
    held = core_of(running["keys"][0], tmp_path)
    assert any(holds(held, number) for number in numbers)


def test_words_of_the_commands(sending):
    home = sending.home

    def refused(*words):
        done = home.command("dkim", *words, check=False)
        assert done.returncode == 2
        return done.stderr
    assert "not one of our domains" in refused("add", "example.com")
    assert "`postern dkim rotate`" in refused("add", "example.org") or "publish its record" in refused("add", "example.org")
    assert "rsa, ed25519 or both" in refused("add", "example.org", "--algorithm", "dsa")
    assert "no key that signs" in refused("rotate", "example.org")
    assert "no such key" in refused("activate", "example.org", "s9")
    assert "no such key" in refused("remove", "example.org", "s9")
    assert "`postern dkim remove example.org`" in home.command("domain", "remove", "example.org", check=False).stderr
    home.command("dkim", "remove", "example.org")
    assert keys(sending) == {}
    assert "is no selector" in refused("add", "example.org", "--selector", "a.b", "--algorithm", "rsa")
    home.command("dkim", "add", "example.org", "--algorithm", "ed25519", "--now")
    [made] = keys(sending).values()
    assert made["state"] == "signing" and made["algorithm"] == "ed25519"
    # It signs, and nobody can find its record.
    assert home.command("dkim", "show", check=False).returncode == 1


ROOT = ("root@example.org", "the administrator's")


def test_keys_are_made_and_removed_by_the_page(sending, peer, dns):
    """The admin role may not write into the home: the parent does, for whoever is logged in."""
    home = sending.home
    home.command("dkim", "remove", "example.org")
    home.user_add(*ROOT, "--admin")
    admin = logged_in(sending, *ROOT)
    folder = home.path / "dkim/example.org"

    def shown():
        answer = admin.get("/dkim")
        assert answer.status == 200, answer
        return {key["selector"]: key["state"] for key in answer.json["keys"]}

    def answered(status, method, path, body=None):
        answer = admin.request(method, path, body)
        assert answer.status == status, (path, answer)
        return answer
    assert shown() == {} and not list(folder.glob("*.key"))
    made = answered(200, "POST", "/dkim", {"domain": "example.org", "selector": "w1"}).json["text"]
    assert "w1-rsa._domainkey.example.org. IN TXT" in made and "v=DKIM1; k=ed25519; p=" in made and "PRIVATE" not in made
    assert shown() == {"w1-rsa": "waiting", "w1-ed25519": "waiting"}
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == \
        {"keys": 0o600, "w1-rsa.key": 0o600, "w1-ed25519.key": 0o600}
    assert {path.stat().st_uid for path in folder.iterdir()} == {home.path.stat().st_uid}
    answered(200, "POST", "/dkim/example.org/activate", {"selector": "w1-rsa"})
    answered(200, "POST", "/dkim/example.org/activate")
    send(sending, text("by the page"))
    publish(sending, dns)
    assert [name for _, name, _ in signatures(arrived(peer, "by the page"))] == ["w1-rsa", "w1-ed25519"]
    home.log_wait("config", rf'{ROOT[0]} .*- Update Dkim \{{Domain="example\.org", Selector="w1-rsa"')
    answered(200, "POST", "/dkim/example.org/rotate", {"selector": "w2", "now": True})
    assert shown() == {"w1-rsa": "retiring", "w1-ed25519": "retiring", "w2-rsa": "signing", "w2-ed25519": "signing"}
    answered(200, "DELETE", "/dkim/example.org", {"selector": "w1-rsa"})
    assert "w1-rsa" not in shown() and not (folder / "w1-rsa.key").exists()
    for status, method, path, body in (
            (409, "POST", "/dkim", {"domain": "example.org"}),
            (404, "POST", "/dkim", {"domain": "example.com"}),
            (400, "POST", "/dkim", {"domain": "../sslcert"}),
            (400, "POST", "/dkim/example.org/rotate", {"selector": "../../x"}),
            (400, "DELETE", "/dkim/..%2Fsslcert", {"selector": "server"}),
            (404, "DELETE", "/dkim/example.org", {"selector": "../w2-rsa"})):
        answered(status, method, path, body)
    with (home.path / "dkim/.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another command" in answered(409, "DELETE", "/dkim/example.org").error["text"]
    answered(200, "DELETE", "/dkim/example.org")
    assert shown() == {} and not list(folder.glob("*.key"))
