# SPDX-License-Identifier: Apache-2.0
"""The API keeps to its OpenAPI document: each route that reads is asked, and what comes back is what is described."""
import json
import re
import shutil
import smtplib
import ssl

import jsonschema
import pytest

from conftest import ANNA, BERT, DOMAIN, PASSWORDS
from harness.api import logged_in
from harness.fixtures import home_copy
from harness.server import Server

ROOT, ROOT_PASSWORD = f"root@{DOMAIN}", "the administrator's"
AUDITOR, AUDITOR_PASSWORD = f"auditor@{DOMAIN}", "the auditor's"
# What routes that read need to be told, and what stands in their paths.
QUERIES = {"/tls/ciphers": {"string": "HIGH:nonsense"}, "/tls/probe": {"destination": "127.0.0.1:2525"},
           "/dns/lookup": {"name": "localhost"}, "/dns/peer": {"address": "127.0.0.1"},
           "/dns/route": {"domain": "localhost"}, "/logs/{name}": {"lines": "5"}, "/users": {"limit": "2"}}


@pytest.fixture(scope="module")
def served(home_template, workplace):
    home = home_copy(home_template, workplace / "home-document")
    home.user_add(ROOT, ROOT_PASSWORD, "--admin")
    home.user_add(AUDITOR, AUDITOR_PASSWORD, "--role", "auditor")
    home.command("alias", "add", f"team@{DOMAIN}", ANNA, BERT)
    home.list_add("TlsPolicy", Peer="192.0.2.0/24", Direction="in", Level="encrypt")
    # Nobody listens there: what goes to that domain waits.
    home.list_add("RelayRule", Recipient="waits.example", Host="[127.0.0.1]")
    with Server(home) as server:
        yield server
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(scope="module")
def admin(served):
    return logged_in(served, ROOT, ROOT_PASSWORD)


@pytest.fixture(scope="module")
def document(admin):
    answer = admin.get("/openapi.json")
    assert answer.status == 200
    return answer.json


def check(document, schema, value):
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def answer_check(document, path, method, answer):
    responses = document["paths"][path][method]["responses"]
    described = responses["200" if answer.status == 200 else "default"]["content"]["application/json"]["schema"]
    check(document, described, answer.json)


@pytest.fixture(scope="module")
def queued(served):
    """A message that waits; its id."""
    context = ssl.create_default_context(cafile=str(served.home.certificate))
    with smtplib.SMTP_SSL("localhost", served.ports["SMTPS"], context=context) as client:
        client.login(ANNA, PASSWORDS[ANNA])
        client.sendmail(ANNA, ["somebody@waits.example"], "Subject: it waits\r\n\r\nand waits\r\n")
    return logged_in(served, ROOT, ROOT_PASSWORD).get("/queue").json["queue"][0]["id"]


def test_the_document_is_what_the_command_prints(served, document):
    assert json.loads(served.home.command("print", "openapi").stdout) == document


def test_the_document_is_whole(document):
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in document["components"]["schemas"], name
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert f'"#/components/schemas/{name}"' in text, f"{name} is used nowhere"


def test_what_reads_answers_as_described(document, admin, queued):
    asked = 0
    for path, operations in document["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" not in content:
            continue
        target = path.replace("{id}", queued).replace("/logs/{name}", "/logs/config")
        target = target.replace("/domains/{name}", "/domains/example.org").replace("/users/{address}", f"/users/{ROOT}")
        answer = admin.request("GET", target, query=QUERIES.get(path))
        assert answer.status == 200, (path, answer)
        answer_check(document, path, "get", answer)
        asked += 1
    assert asked >= 25


def test_what_changes_answers_as_described(document, admin, queued):
    values = {"confirm_within": "1h"}
    steps = [("post", "/tls/plan", "/tls/plan", {"min": "TLSv1.3"}),
             ("post", "/tls/set", "/tls/set", {"min": "TLSv1.3", **values}),
             ("post", "/tls/confirm", "/tls/confirm", {}),
             ("post", "/tls/revert", "/tls/revert", {}),
             ("patch", "/services/{name}", "/services/IMAP", {"values": {"MaxConnections": 900}}),
             ("patch", "/settings", "/settings", {"values": {"Limits.Recipients": 900}}),
             ("post", "/lists/TlsPolicy", "/lists/TlsPolicy", {"values": {"Peer": "198.51.100.0/24", "Direction": "in"}}),
             ("delete", "/lists/TlsPolicy/{row}", "/lists/TlsPolicy/2", {}),
             ("post", "/users", "/users", {"address": f"new@{DOMAIN}", "password": "x", "quota": "5M"}),
             ("patch", "/users/{address}", f"/users/new@{DOMAIN}", {"quota": 0}),
             ("patch", "/users/{address}", f"/users/new@{DOMAIN}", {"role": "auditor"}),
             ("post", "/users/{address}/totp", f"/users/new@{DOMAIN}/totp", {}),
             ("delete", "/users/{address}/totp", f"/users/new@{DOMAIN}/totp", None),
             ("delete", "/users/{address}", f"/users/new%40{DOMAIN}", None),
             ("post", "/dkim", "/dkim", {"domain": DOMAIN, "algorithm": "ed25519", "selector": "d1"}),
             ("get", "/dkim", "/dkim", None),
             ("post", "/dkim/{domain}/activate", f"/dkim/{DOMAIN}/activate", {"selector": "d1"}),
             ("post", "/dkim/{domain}/rotate", f"/dkim/{DOMAIN}/rotate", {"now": True}),
             ("delete", "/dkim/{domain}", f"/dkim/{DOMAIN}", {"selector": "d1"}),
             ("delete", "/dkim/{domain}", f"/dkim/{DOMAIN}", None),
             ("post", "/queue/retry", "/queue/retry", {"ids": [queued]})]
    for method, path, target, body in steps:
        answer = admin.request(method.upper(), target, body)
        assert answer.status == 200, (target, answer)
        answer_check(document, path, method, answer)


def test_errors_are_as_described(document, admin):
    for method, path, target, body, status in (
            ("post", "/users", "/users", {"address": ANNA, "password": "x"}, 409),
            ("delete", "/users/{address}", "/users/nobody@example.org", None, 404),
            ("post", "/users", "/users", {"address": "x@elsewhere.example"}, 400),
            ("get", "/queue/{id}", "/queue/nothing", None, 404)):
        answer = admin.request(method.upper(), target, body)
        assert answer.status == status, (target, answer)
        answer_check(document, path, method, answer)


def test_an_auditor_changes_nothing(served, document):
    """Each operation of the document that changes something is tried."""
    auditor = logged_in(served, AUDITOR, AUDITOR_PASSWORD)
    before = served.home.config_path.read_bytes()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "get" or path in ("/session", "/tls/plan"):
                continue
            if path.startswith("/account/"):
                assert operation["x-who"] == "administrators and auditors, for themselves"
                continue
            target = re.sub(r"\{\w+\}", "1", path)
            answer = auditor.request(method.upper(), target, {})
            assert (answer.status, answer.error["code"]) == (403, "read_only"), (method, path, answer)
            assert operation["x-who"] == "administrators"
            tried += 1
    assert tried >= 40
    assert auditor.post("/tls/plan", {"min": "TLSv1.3"}).status == 200
    assert auditor.get("/users").status == 200
    assert auditor.get("/session").json["role"] == "auditor"
    assert served.home.config_path.read_bytes() == before
