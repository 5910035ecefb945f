# SPDX-License-Identifier: Apache-2.0
"""Long work tells how far it is, and goes on, whole, when nobody listens any more."""
import shutil
import smtplib

import pytest

from clients import message, queue, tls_context, until
from conftest import ANNA, DOMAIN, PASSWORDS
from harness.api import logged_in
from harness.fixtures import home_copy
from harness.server import Server

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


def test_an_order_goes_on_without_its_client(served, admin, waiting):
    connection = admin.connect()
    body = b'{"ids":["all"]}'
    connection.request("POST", "/api/v1/queue/hold", body=body, headers={
        "Cookie": f"__Host-postern={admin.token}", "X-Postern-Csrf": admin.csrf, "Content-Type": "application/json",
        "Accept": "text/event-stream"})
    connection.close()
    until(lambda: are_held(served) == [True] * WAITING)
    until(lambda: f"{ROOT} - Hold Queued {{all}}\n" in served.home.log("config"))
