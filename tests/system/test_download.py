# SPDX-License-Identifier: Apache-2.0
"""POP3 download: mail of other servers comes here, once, over the TLS that was demanded, or not at all and in words."""
import json
import os
import re
import shutil
import signal
import ssl
import threading

import pytest

from clients import imap_login, imap_ok, imap_subjects
from conftest import ANNA, BERT, PASSWORDS, home_copy
from harness import dovecot as dovecot_harness
from harness import dns as dns_harness
from harness.authority import Authority
from harness.dns import Dns
from harness.dovecot import Dovecot
from harness.pop3 import PASSWORD, Remote, tls_context
from harness.server import Server
from harness.waiting import SECONDS, until
from test_roles import roles

MISSING = dns_harness.tools_missing() + dovecot_harness.tools_missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")

DOVECOT, REMOTE = "127.0.0.60", "127.0.0.61"
ZONE = "provider.example"
ZONES = {ZONE: [f"pop A {DOVECOT}", f"other A {DOVECOT}", f"remote A {REMOTE}"]}
PORT = 1110


@pytest.fixture(scope="module")
def dns(workplace):
    with Dns(workplace / "download-dns", ZONES, unsigned=[ZONE]) as running:
        yield running


@pytest.fixture(scope="module")
def authority(workplace):
    folder = workplace / "download-authority"
    folder.mkdir()
    made = Authority(folder)
    for name in ("pop", "remote"):
        made.issue(name, f"{name}.{ZONE}")
    return made


def pair(authority, name):
    return authority.folder / f"{name}.crt", authority.folder / f"{name}.key"


@pytest.fixture(scope="module")
def dovecot(workplace, authority):
    with Dovecot(workplace / "dovecot", *pair(authority, "pop"), address=DOVECOT) as running:
        yield running


@pytest.fixture
def box(request):
    """A user of Dovecot for this test alone."""
    return re.sub(r"\W+", "-", request.node.name).lower()[:40].strip("-")


def prepare(home, dns, authority):
    dns.configure(home)
    shutil.copy(authority.root, home.path / "sslca" / "test.pem")
    home.command("remote-password", "set", "dovecot", "--password-stdin", stdin=dovecot_harness.PASSWORD + "\n")
    home.command("remote-password", "set", "remote", "--password-stdin", stdin=PASSWORD + "\n")


@pytest.fixture
def place(home, dns, authority):
    """A home that trusts the authority, keeps both passwords, and fetches when it is asked to."""
    prepare(home, dns, authority)
    return home


@pytest.fixture(scope="module")
def crowd(home_template, workplace, dns, authority):
    """A server for tests that need no other."""
    home = home_copy(home_template, workplace / "home-download")
    home.ports_shift(200)
    prepare(home, dns, authority)
    with Server(home) as running:
        yield running


class Shared:
    """The server with a user and a row of Pop3Account for one test."""

    def __init__(self, server, name):
        self.server, self.home, self.name = server, server.home, name
        self.address = f"{name}@example.org"

    def account(self, **variables):
        remote_account(self.home, self.name, **{"User": self.name, "DeliverTo": self.address, **variables})
        self.home.command("reload")

    def change(self, **variables):
        config = self.home.config()
        row = next(row for row in config.items("Pop3Account") if config.get(row, "Name") == self.name)
        for name, value in variables.items():
            config.put(row, name, value)
        config.write()
        self.home.command("reload")

    def run(self, code=0):
        return run(self.home, self.name, code)

    def subjects(self):
        return sorted(imap_subjects(self.server, self.address, "shared-secret"))


@pytest.fixture
def shared(crowd, box):
    crowd.home.user_add(f"{box}@example.org", "shared-secret", "--quota", "100000000")
    return Shared(crowd, box)


def account(home, name="office", **variables):
    row = {"Name": name, "Host": f"pop.{ZONE}", "Password": "dovecot", "DeliverTo": ANNA, "IntervalSeconds": "0"}
    home.list_add("Pop3Account", **{**row, **variables})


def remote_account(home, name="remote", **variables):
    """An account of the scripted server, in the clear unless said otherwise."""
    row = {"Host": f"remote.{ZONE}", "Port": str(PORT), "Tls": "none", "User": "u", "Password": "remote"}
    account(home, name, **{**row, **variables})


def letter(subject, *fields, text="Hello.\r\n"):
    head = [f"Subject: {subject}", "From: Far <far@away.example>", f"Message-ID: <{subject}@away.example>", *fields]
    return ("\r\n".join(head) + "\r\n\r\n" + text.rstrip("\r\n") + "\r\n").encode()


def run(home, name="office", code=0):
    done = home.command("pop3", "run", name, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def last(home, name="office"):
    accounts = json.loads(home.command("pop3", "list", "--json").stdout)["accounts"]
    return next(one for one in accounts if one["name"] == name)["last"]


def subjects(server, address=ANNA):
    return sorted(imap_subjects(server, address, PASSWORDS[address]))


# ---- Dovecot

@pytest.mark.parametrize("tls, shown", [("implicit", "verify TLSv1.3 "), ("stls", "verify TLSv1.3 "), ("none", "none, ")])
def test_mail_comes_and_goes_there(place, dovecot, box, tls, shown):
    account(place, User=box, Tls=tls)
    sent = [letter("one"), letter("two", text=".\r\n..\r\nlast"), letter("three", text="x" * 200000 + "\r\n")]
    for content in sent:
        dovecot.put(box, content)
    with Server(place) as server:
        assert "fetched 3, deleted there 3, left there 0" in run(place)
        assert subjects(server) == ["one", "three", "two"]
        imap = imap_login(server, ANNA, PASSWORDS[ANNA])
        imap.select("INBOX", readonly=True)
        got = [imap_ok(imap.fetch(str(number), "(BODY.PEEK[])"))[0][1] for number in (1, 2, 3)]
        imap.logout()
        assert sorted(map(len, dovecot.messages(box))) == []
        assert all(any(one.endswith(content.rstrip() + b"\r\n") for one in got) for content in sent)
        head = got[0].split(b"Subject:")[0].decode()
        assert head.startswith(f"Delivered-To: {ANNA}\r\nReceived: from pop.{ZONE} ([{DOVECOT}])\r\n")
        assert ("\ttls TLS_" in head) == (tls != "none")
        line = place.log_wait("mail", r"Recv: .*Subject: one.*").group(0)
        assert "Service: POP3 download, From: <>, To: <anna@example.org>, Size: " in line
        assert f"Sender-Host: {DOVECOT}" in line and "Msg-Id: <one@away.example>" in line
        assert f"TLS: {shown}" in line and line.endswith("Account: office")
        assert (", SSL: yes," in line) == (tls != "none")
        assert "fetched 0" in run(place)
        assert subjects(server) == ["one", "three", "two"]


def test_what_stays_there_comes_once(place, dovecot, box):
    account(place, User=box, LeaveOnServer="1")
    dovecot.put(box, letter("one"))
    with Server(place) as server:
        assert "fetched 1, deleted there 0, left there 1" in run(place)
        assert "fetched 0, deleted there 0, left there 1" in run(place)
        dovecot.put(box, letter("two"))
        assert "fetched 1, deleted there 0, left there 2" in run(place)
        assert subjects(server) == ["one", "two"] and len(dovecot.messages(box)) == 2
        # Another process remembers as well, and a row that changes its mind has them deleted.
    config = place.config()
    config.put(config.items("Pop3Account")[0], "LeaveOnServer", "0")
    config.write()
    with Server(place) as server:
        assert "fetched 0, deleted there 2, left there 0" in run(place)
        assert subjects(server) == ["one", "two"] and dovecot.messages(box) == []


def test_the_schedule_fetches_by_itself(place, dovecot, box):
    account(place, User=box, IntervalSeconds="1", JitterSeconds="0")
    dovecot.put(box, letter("first"))
    with Server(place) as server:
        until(lambda: subjects(server) == ["first"])
        dovecot.put(box, letter("second"))
        until(lambda: subjects(server) == ["first", "second"])
        listed = place.command("pop3", "list").stdout
        assert re.search(rf"^office +pop\.{ZONE}:995 +anna@example\.org +20\S+Z +TLSv1\.3 ", listed, re.M)


def test_the_header_sorts(place, dovecot, box):
    account(place, User=box, Sort="Delivered-To,X-Envelope-To,To,Cc", Mailbox="Fallback/Unsorted")
    dovecot.put(box, letter("enveloped", f"Delivered-To: {BERT}", f"To: {ANNA}"))
    dovecot.put(box, letter("both", "To: x@elsewhere.example", f"Cc: Bert <{BERT}>, {ANNA}"))
    dovecot.put(box, letter("nobody", "To: undisclosed-recipients:;"))
    dovecot.put(box, letter("unknown", "Delivered-To: ghost@example.org", "To: x@elsewhere.example"))
    with Server(place) as server:
        assert "fetched 4" in run(place)
        assert subjects(server, BERT) == ["both", "enveloped"]
        assert subjects(server) == ["both"]
        assert sorted(imap_subjects(server, ANNA, PASSWORDS[ANNA], "Fallback/Unsorted")) == ["nobody", "unknown"]


def test_a_certificate_of_another_name_is_refused(place, dovecot, box):
    account(place, User=box, Host=f"other.{ZONE}")
    dovecot.put(box, letter("kept"))
    with Server(place) as server:
        said = run(place, code=1)
        assert f"other.{ZONE} [{DOVECOT}]:995" in said and "its certificate is made for" in said
        assert place.log_wait("security", rf"TLS to {DOVECOT} \(other\.{ZONE}\): .*certificate")
        assert place.log_wait("warning", r"POP3 download office: other\.provider\.example .*certificate")
        assert subjects(server) == [] and len(dovecot.messages(box)) == 1
        assert last(place)["failed"] and last(place)["failures"] == 1
        config = place.config()
        config.put(config.items("Pop3Account")[0], "VerifyCertificate", "0")
        config.write()
        place.command("reload")
        assert "fetched 1" in run(place)
        assert "TLS: encrypt TLSv1.3" in place.log_wait("mail", r"Recv: .*Subject: kept.*").group(0)


def test_a_wrong_password_is_told_and_stands_in_no_log(place, dovecot, box):
    place.command("remote-password", "set", "dovecot", "--password-stdin", stdin="not-the-secret-at-all\n")
    account(place, User=box)
    account(place, "forgotten", User="x" + box, Password="nobody-keeps-it")
    with Server(place):
        assert "refuses the login: -ERR" in run(place, code=1)
        assert "the password nobody-keeps-it is not kept; see `postern remote-password set`" in run(place, "forgotten", 1)
        assert "no account ghost" in run(place, "ghost", 2)
    for path in (place.path / "store" / "logs").iterdir():
        assert "not-the-secret-at-all" not in path.read_text(errors="replace")


# ---- a server that does as it is told

def test_stls_that_was_taken_away_ends_it(place, authority):
    remote_account(place, Tls="stls")
    with Remote(REMOTE, PORT, {"u1": letter("kept")}, tls_context(*pair(authority, "remote"))) as remote, Server(place):
        said = run(place, "remote", 1)
        assert "does not offer STLS; Pop3Account:remote/VerifyCertificate (mailserver.cfg:" in said
        assert remote.said == ["CAPA"]
        remote.capabilities.append("STLS")
        remote.replace("STLS", lambda talk, words: talk.say("-ERR not today"))
        assert "offers STLS and answered it with -ERR not today" in run(place, "remote", 1)
        assert remote.said == ["CAPA", "CAPA", "STLS"]
        remote.replace("STLS", lambda talk, words: talk.send(b"+OK begin\r\n+OK\r\n.\r\n"))
        assert "in the clear behind its consent" in run(place, "remote", 1)
        del remote.replaced["STLS"]
        assert "fetched 1" in run(place, "remote")
        assert not any(line.startswith("USER") for line in remote.said[:remote.said.index("STLS")])


def test_mail_is_fetched_from_the_address_that_is_set(place):
    place.configure(**{"Queue.SourceAddresses": "127.0.0.77"})
    remote_account(place)
    with Remote(REMOTE, PORT, {"u1": letter("fetched")}) as remote, Server(place):
        assert "fetched 1" in run(place, "remote")
        place.command("tls", "probe", f"remote.{ZONE}:{PORT}", "--service", "POP3", check=False)
        assert len(remote.peers) > 1 and set(remote.peers) == {"127.0.0.77"}


@pytest.mark.parametrize("floor", ["protocols", "rung"])
def test_a_floor_blocks_a_server_that_has_only_an_old_tls(place, authority, floor):
    remote_account(place, Tls="implicit")
    if floor == "protocols":
        place.configure(**{"Security.ClientTlsProtocols": "TLSv1.2,TLSv1.3"})
    else:
        place.configure(**{"Security.ClientTlsProtocols": "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3", "Security.ClientTlsCiphers": "",
                           "Security.TlsFloor": "TLSv1.2", "Security.TlsFloorMode": "handshake"})
    old = tls_context(*pair(authority, "remote"), version=ssl.TLSVersion.TLSv1)
    with Remote(REMOTE, PORT, {"u1": letter("old")}, old, is_implicit=True) as remote, Server(place) as server:
        said = run(place, "remote", 1)
        assert "TLSv1.2" in said and "mailserver.cfg:" in said
        assert place.log_wait("security", rf"TLS to {REMOTE} \(remote\.{ZONE}\): ")
        assert remote.said == []
        if floor == "rung":
            place.configure(**{"Security.TlsFloorMode": "observe"})
            place.command("reload")
            assert "fetched 1" in run(place, "remote")
            assert last(place, "remote")["tls"].startswith("TLSv1 ")
            assert place.log_wait("security", rf"{REMOTE}.*TLSv1\b.*observes")
            assert subjects(server) == ["old"]


def test_too_large_is_told_once_and_does_not_stand_in_the_way(shared):
    shared.account(MessageBytes="5000")
    messages = {"small": letter("small"), "big": letter("big", text="x" * 6000), "next": letter("next")}
    with Remote(REMOTE, PORT, messages) as remote:
        assert "fetched 2, deleted there 2, left there 1" in shared.run()
        shared.run()
        assert shared.subjects() == ["next", "small"] and list(remote.messages) == ["big"]
        assert remote.retrieved == ["small", "next"]
        warnings = re.findall(rf"POP3 download {shared.name}: message big .*", shared.home.log("warning"))
        assert len(warnings) == 1
        assert f"no more than 5000 are taken (Pop3Account:{shared.name}/MessageBytes); it stays there" in warnings[0]
        shared.change(MessageBytes="0")
        assert "fetched 1" in shared.run()


def test_limits_of_a_session(shared):
    shared.account(MaxMessages="2")
    with Remote(REMOTE, PORT, {f"u{i}": letter(f"m{i}") for i in range(5)}):
        for left in (3, 1, 0):
            assert f"left there {left}" in shared.run()
        assert shared.subjects() == [f"m{i}" for i in range(5)]


def test_lies_about_sizes(shared):
    """One that says 10 and sends more than is taken ends the visit; the next goes on behind it."""
    shared.account(MessageBytes="100000")
    messages = {"first": letter("first"), "liar": b"Subject: liar\r\n\r\n" + b"x" * 70 + b"\r\n", "last": letter("last")}

    def endless(talk, words):
        if talk.uidl(words[1]) != "liar":
            talk.do_retr(words)
            return
        talk.send(b"+OK 10 octets\r\nSubject: liar\r\n\r\n")
        while True:
            talk.send(b"x" * 65536)

    with Remote(REMOTE, PORT, messages) as remote:
        remote.replace("RETR", endless)
        assert "larger than it may be and than it was said to be" in shared.run(1)
        # Nothing was deleted there, for the visit did not end in order; and nothing comes twice.
        assert "fetched 1, deleted there 2, left there 1" in shared.run()
        assert shared.subjects() == ["first", "last"] and list(remote.messages) == ["liar"]
        assert remote.retrieved == ["first", "last"]
        assert "fetched 0, deleted there 0, left there 1" in shared.run()


def refuse_uidl(talk, _):
    talk.say("-ERR what is that?")


def million_and_one(talk, _):
    talk.say("+OK")
    for start in range(1, 1_000_002, 1000):
        talk.send(b"".join(b"%d u%d\r\n" % (number, number) for number in range(start, start + 1000)))


def long_line(talk, _):
    talk.send(b"+OK\r\n1 " + b"u" * 5000)


def twice(talk, _):
    talk.send(b"+OK\r\n1 a\r\n1 b\r\n.\r\n")


def other_numbers(talk, _):
    talk.send(b"+OK\r\n7 100\r\n.\r\n")


def no_numbers(talk, _):
    talk.send(b"+OK\r\nhello\r\n.\r\n")


def gone(talk, _):
    talk.connection.close()
    talk.is_over = True


@pytest.mark.parametrize("verb, function, words", [
    ("UIDL", refuse_uidl, "has no UIDL"),
    ("UIDL", million_and_one, "lists more than a million messages"),
    ("UIDL", long_line, "sent a line without an end in a list"),
    ("UIDL", twice, "lists a message twice"),
    ("UIDL", no_numbers, "answered UIDL with a line that names no message"),
    ("LIST", other_numbers, "names other messages in LIST than in UIDL"),
    ("LIST", gone, "closed the connection instead of"),
    ("PASS", gone, "closed the connection instead of its answer"),
], ids=lambda value: getattr(value, "__name__", None))
def test_servers_that_make_no_sense(shared, verb, function, words):
    shared.account()
    with Remote(REMOTE, PORT, {"u1": letter("kept")}) as remote:
        remote.replace(verb, function)
        said = shared.run(1)
        assert f"remote.{ZONE} [{REMOTE}]:{PORT} " in said and words in said
        assert shared.home.log_wait("warning", f"POP3 download {shared.name}: .*" + re.escape(words))
        assert list(remote.messages) == ["u1"]
        del remote.replaced[verb]
        assert "fetched 1" in shared.run()
        assert shared.subjects() == ["kept"]


def test_copies_with_one_identifier_come_one_by_one(shared):
    """RFC 1939 section 7 lets two copies of a message share their identifier."""
    shared.account()
    content = letter("copy")
    with Remote(REMOTE, PORT, {"a": content, "b": content}) as remote:
        remote.replace("UIDL", lambda talk, words: talk.send(
            b"+OK\r\n" + b"".join(b"%d same\r\n" % number for number, _ in talk.present()) + b".\r\n"))
        assert "fetched 1, deleted there 1, left there 1" in shared.run()
        assert "fetched 1, deleted there 1, left there 0" in shared.run()
        assert shared.subjects() == ["copy", "copy"]


def test_a_loop_is_left(shared):
    shared.account()
    hops = [f"Received: from a{i} by b{i}; Sat, 21 Nov 2026 14:03:59 +0100" for i in range(101)]
    with Remote(REMOTE, PORT, {"u1": letter("loop", *hops), "u2": letter("fine", *hops[:100])}) as remote:
        assert "fetched 1, deleted there 1, left there 1" in shared.run()
        assert shared.home.log_wait("warning", r"message u1 .* too many servers, which is a loop; it stays there")
        shared.run()
        assert shared.subjects() == ["fine"] and remote.retrieved == ["u1", "u2"]


def test_a_full_mailbox_leaves_it_there(shared):
    shared.home.command("user", "add", "small@example.org", "--password-stdin", "--quota", "3000", stdin="small-secret\n")
    shared.account(DeliverTo="small@example.org")
    with Remote(REMOTE, PORT, {"u1": letter("a", text="x" * 5000), "u2": letter("b")}) as remote:
        assert "fetched 1, deleted there 1, left there 1" in shared.run()
        assert list(remote.messages) == ["u1"]
        assert shared.home.log_wait("warning", r"message u1 .* quotas have room")


def test_nobody_to_deliver_to(shared):
    shared.account(DeliverTo="ghost@example.org")
    with Remote(REMOTE, PORT, {"u1": letter("kept")}) as remote:
        assert "DeliverTo ghost@example.org is nobody here" in shared.run(1)
        assert list(remote.messages) == ["u1"]


# ---- kill -9

@pytest.mark.parametrize("role", ["mailq", "store"])
def test_killed_amid_it_nothing_is_lost_and_nothing_comes_twice(place, role):
    count = 40
    remote_account(place, IntervalSeconds="1", JitterSeconds="0")
    messages = {f"u{i:02}": letter(f"m{i:02}", text="y" * 3000 + "\r\n") for i in range(count)}
    is_amid = threading.Event()
    with Remote(REMOTE, PORT, messages) as remote:
        def retrieve(talk, words):
            talk.do_retr(words)
            if len(remote.retrieved) >= 10:
                is_amid.set()

        remote.replace("RETR", retrieve)
        with Server(place) as server:
            assert is_amid.wait(SECONDS)
            os.kill(roles(server)[role][0], signal.SIGKILL)
            until(lambda: not remote.messages)
            assert subjects(server) == [f"m{i:02}" for i in range(count)]
            # Whoever was killed had fetched some that need not be fetched again.
            assert len(remote.retrieved) <= count + 3
