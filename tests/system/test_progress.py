# SPDX-License-Identifier: Apache-2.0
"""Long work tells how far it is, and goes on, whole, when nobody listens any more."""
import json
import os
import shutil
import smtplib

import pytest

from clients import client, imap_subjects, message, queue, tls_context
from conftest import ANNA, BERT, DOMAIN, PASSWORDS
from harness.api import logged_in
from harness.fixtures import home_copy
from harness.server import Server
from harness.waiting import until

ROOT, ROOT_PASSWORD = f"root@{DOMAIN}", "the administrator's"
AUDITOR, AUDITOR_PASSWORD = f"audit@{DOMAIN}", "the auditor's"
WAITING = 3


@pytest.fixture(scope="module")
def served(home_template, workplace):
    home = home_copy(home_template, workplace / "home-progress")
    home.user_add(ROOT, ROOT_PASSWORD, "--admin")
    home.user_add(AUDITOR, AUDITOR_PASSWORD)
    home.command("user", "set", AUDITOR, "--role", "auditor")
    with Server(home) as server:
        yield server
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture
def admin(served):
    return logged_in(served, ROOT, ROOT_PASSWORD)


@pytest.fixture
def waiting(served):
    """Messages that cannot go: there is no DNS here."""
    with smtplib.SMTP_SSL("127.0.0.1", served.ports["SMTPS"], context=tls_context(served), timeout=20) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        for number in range(WAITING):
            smtp.send_message(message(f"waits {number}", ANNA, "somebody@elsewhere.example"))
    yield [entry["id"] for entry in queue(served)]
    served.home.command("queue", "remove", "all")


def are_held(server):
    return [entry["recipients"][0]["held"] for entry in queue(server)]


def test_an_order_is_followed(served, admin, waiting):
    events = admin.follow("POST", "/queue/hold", {"ids": ["all"]})
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1) and len(events) > 1
    assert events[0][1] == {"done": 0, "total": WAITING, "text": f"0 of {WAITING} messages"}
    name, ended = events[-1]
    assert (name, ended["status"]) == ("result", 200) and sorted(ended["answer"]["ordered"]) == sorted(waiting)
    assert are_held(served) == [True] * WAITING
    plain = admin.post("/queue/release", {"ids": waiting[:1]})
    assert plain.headers["Content-Type"] == "application/json" and plain.json["ordered"] == waiting[:1]
    assert sorted(are_held(served)) == [False, True, True]


def test_what_is_wrong_is_the_last_event(admin, waiting):
    [*_, (name, ended)] = admin.follow("POST", "/queue/hold", {"ids": [waiting[0], "00000000-00000000"]})
    assert (name, ended["status"], ended["answer"]["error"]["code"]) == ("fault", 404, "not_found")
    [(name, ended)] = admin.follow("POST", "/queue/hold", {"ids": "all"})
    assert (name, ended["status"], ended["answer"]["error"]["field"]) == ("fault", 400, "ids")


def test_who_may_not_is_answered_as_ever(served, admin, waiting):
    wants = {"Accept": "text/event-stream"}
    auditor = logged_in(served, AUDITOR, AUDITOR_PASSWORD)
    refused = auditor.post("/queue/hold", {"ids": ["all"]}, headers=wants)
    assert (refused.status, refused.error["code"]) == (403, "read_only")
    assert admin.post("/queue/hold", {"ids": ["all"]}, headers=wants, csrf=False).status == 403
    # What cannot be followed is answered as a document.
    assert admin.request("GET", "/status", headers=wants).json["roles"]


def leave(connection):
    """Ends the connection once the command has begun: then the head of the answer is there."""
    answer = connection.getresponse()
    assert answer.status == 200
    answer.close()
    connection.close()


def test_an_order_goes_on_without_its_client(served, admin, waiting):
    connection = admin.connect()
    body = b'{"ids":["all"]}'
    connection.request("POST", "/api/v1/queue/hold", body=body, headers={
        "Cookie": f"__Host-postern={admin.token}", "X-Postern-Csrf": admin.csrf, "Content-Type": "application/json",
        "Accept": "text/event-stream"})
    leave(connection)
    until(lambda: are_held(served) == [True] * WAITING)
    until(lambda: f"{ROOT} - Hold Queued {{all}}\n" in served.home.log("config"))


def test_a_probe_is_followed(served, admin):
    events = admin.follow("GET", "/tls/probe", query={"destination": f"127.0.0.1:{served.ports['SMTP']}", "service": "SMTP"})
    told = [data["text"] for name, data in events if name == "progress"]
    assert told and set(told) <= {"finding the hosts of [127.0.0.1]", f"connecting to 127.0.0.1, port {served.ports['SMTP']}",
                                  "127.0.0.1 is reached; speaking with it"}, told
    name, ended = events[-1]
    assert (name, ended["status"], ended["answer"]["service"]) == ("result", 200, "SMTP")


def test_a_download_is_followed(admin):
    """Of a row that does not exist: what the command says comes as the fault."""
    [(name, ended)] = admin.follow("POST", "/downloads/run", {"name": "nothing"})
    assert (name, ended["status"]) == ("fault", 400) and "there is no account nothing" in ended["answer"]["error"]["text"]


# ---- import ----


def mail_of(*subjects):
    """An mbox."""
    return b"".join(b"From sender@client.example Sat Nov 21 14:03:59 2026\n"
                    b"Subject: %s\nFrom: sender@client.example\n\nHello.\n>From the quoted past\n\n" % subject.encode()
                    for subject in subjects)


def sent(session, mail, address=ANNA, kind="application/mbox", **more):
    return session.request("POST", f"/users/{address}/import", mail, headers={"Content-Type": kind}, **more)


def link_of(path):
    """Where a descriptor leads; nowhere when it was closed meanwhile."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def files_open(server, name="admin"):
    """The unnamed files of the home that a role holds."""
    [pid] = [role["pid"] for role in server.status()["roles"] if role["name"] == name]
    links = (link_of(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return [link for link in links if link.startswith(str(server.home.path)) and link.endswith("(deleted)")]


def subjects_of(server, address=ANNA, mailbox="INBOX"):
    return imap_subjects(server, address, PASSWORDS[address], mailbox)


def test_mail_is_imported(served, admin):
    many = [f"number {number}" for number in range(400)]
    events = admin.follow_upload(f"/users/{BERT}/import", mail_of(*many))
    assert {name for name, _ in events[:-1]} == {"progress"}
    name, ended = events[-1]
    assert (name, ended["status"]) == ("result", 200) and ended["answer"]["messages"] == 400, ended
    assert subjects_of(served, BERT) == many
    log = served.home.log("config")
    assert f'{ROOT} - Begin Mail Import {{Address="{BERT}"}}\n' in log
    assert f'{ROOT} - End Mail Import {{Address="{BERT}", Messages=400}}\n' in log
    until(lambda: not files_open(served))


def test_one_message_into_another_mailbox(served, admin):
    answer = sent(admin, b"Subject: alone\r\nFrom: a@client.example\r\n\r\nHello.\r\n", kind="message/rfc822",
                  query={"mailbox": "Old/Mail"})
    assert answer.status == 200 and answer.json == {"messages": 1, "bytes": 50, "mailboxes": 1, "mailbox": "Old/Mail"}
    assert subjects_of(served, mailbox='"Old/Mail"') == ["alone"]


def test_what_is_no_mail(served, admin):
    answer = sent(admin, b"\x89PNG\r\n\x1a\n" + bytes(100000))
    assert (answer.status, answer.error["field"]) == (400, "mail"), answer
    assert sent(admin, mail_of("x"), f"nobody@{DOMAIN}").status == 400
    assert sent(admin, mail_of("x"), kind="text/plain").status == 415
    assert sent(admin, b"{}", kind="application/json").status == 400
    assert admin.request("POST", "/queue/hold", mail_of("x"), headers={"Content-Type": "application/mbox"}).status == 415


def test_who_may_not_import(served, admin):
    """Before a byte of it is read."""
    auditor = logged_in(served, AUDITOR, AUDITOR_PASSWORD)
    answer = sent(auditor, mail_of("x"))
    assert (answer.status, answer.error["code"]) == (403, "read_only")
    assert sent(admin, mail_of("x"), csrf=False).error["code"] == "csrf"
    admin.token = None
    assert sent(admin, mail_of("x")).status == 401
    assert "x" not in subjects_of(served)


def begun(session, announced, mail):
    """A connection that has sent only a part of what it announced."""
    connection = session.connect()
    connection.putrequest("POST", f"/api/v1/users/{ANNA}/import")
    for name, value in (("Cookie", f"__Host-postern={session.token}"), ("X-Postern-Csrf", session.csrf),
                        ("Content-Type", "application/mbox"), ("Content-Length", announced), ("Accept", "text/event-stream")):
        connection.putheader(name, value)
    connection.endheaders(mail)
    return connection


def test_a_broken_upload_imports_nothing(served, admin):
    before = subjects_of(served)
    mail = mail_of("first", "second", "third")
    connection = begun(admin, len(mail), mail[:-100])
    until(lambda: files_open(served))
    connection.close()
    until(lambda: not files_open(served))
    assert subjects_of(served) == before
    assert admin.get("/status").status == 200


def test_uploads_are_few(served, admin):
    held = [begun(admin, 1000, b"From ") for _ in range(2)]
    try:
        until(lambda: len(files_open(served)) == 2)
        answer = sent(admin, mail_of("x"))
        assert (answer.status, answer.error["code"]) == (503, "busy")
    finally:
        for connection in held:
            connection.close()
    until(lambda: not files_open(served))
    assert sent(admin, mail_of("few")).status == 200


def test_too_much_at_once(served, admin):
    limit = 1 << 20
    served.home.command("settings", "set", f"Limits.ImportBytes={limit}")
    connection = begun(admin, limit + 1, b"From a\n")
    try:
        answer = connection.getresponse()
        assert answer.status == 413 and b"Limits/ImportBytes" in answer.read()
    finally:
        connection.close()
    served.home.command("settings", "set", "Limits.ImportBytes=")
    connection = begun(admin, 1 << 39, b"From a\n")
    assert connection.getresponse().status == 413
    connection.close()


def test_an_import_goes_on_without_its_client(served, admin):
    mail = mail_of(*("alone " + str(number) for number in range(500)))
    leave(begun(admin, len(mail), mail))
    until(lambda: sum(subject.startswith("alone ") for subject in subjects_of(served)) == 500)


def test_the_command_reads_its_input(served):
    home = served.home
    done = home.command("import", ANNA, "-", "--mailbox", "Piped", "--json", stdin=mail_of("one", "two").decode())
    assert json.loads(done.stdout)["messages"] == 2
    assert subjects_of(served, mailbox="Piped") == ["one", "two"]


# ---- what the dashboard shows ----


def test_the_disk_and_the_queue_are_counted(served, admin, waiting):
    disk = until(lambda: admin.get("/status").json["disk"])
    assert 0 < disk["free_bytes"] < disk["size_bytes"] and disk["warn_bytes"] == 512 << 20
    metrics = client("curl", "-s", "--cacert", served.home.certificate, f"https://localhost:{served.ports['HTTPS']}/metrics")
    assert f"\npostern_disk_size_bytes {disk['size_bytes']}\n" in metrics
    assert "Disk of the store: " in served.home.command("status").stdout
