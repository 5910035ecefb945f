# SPDX-License-Identifier: Apache-2.0
"""The commands that an administration page stands on: one server and one home for all tests of this file."""
import json
import os
import shutil
import subprocess

import pytest

from conftest import home_copy
from harness.server import Server


@pytest.fixture(scope="module")
def running(home_template, workplace):
    home = home_copy(home_template, workplace / "home-admin-commands")
    with Server(home) as server:
        yield server
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture
def admin(running):
    return running.home


def told(home, *words, code=0):
    done = home.command(*words, "--json", check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def refused(home, *words, stdin=""):
    """The errors as a program reads them, and the exit code."""
    done = subprocess.run([home.postern, "--home", home.path, *words], input=stdin, capture_output=True, text=True,
                          env={**os.environ, "POSTERN_ERRORS": "json"}, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]


def settings(document, kind, name):
    [found] = [entry for entry in document[kind] if entry["name"] == name]
    return {setting["name"]: setting for setting in found["settings"]}


def test_every_tls_variable_is_listed_with_who_set_it(admin):
    admin.command("tls", "set", "Service:POP3S.ServerTlsProtocols=TLSv1.3", "Security.EnableEphemeralDH=0")
    admin.configure(Security__EphemeralDHKeySize="2048")
    admin.command("reload")
    admin.configure(Security__TlsFloor="TLSv1.3")
    document = told(admin, "tls", "variables")
    assert document["in_force"] and len(document["variables"]) == 12
    assert document["edits"] == [{"variable": "Security/TlsFloor", "old": None, "new": "TLSv1.3"}]
    security = settings(document, "tables", "Security")
    assert security["EnableEphemeralDH"]["effective"] == "0"
    assert security["EnableEphemeralDH"]["set"]["way"] == "command line"
    size = security["EphemeralDHKeySize"]
    assert size["set"]["way"] == "file" and size["set"]["who"] == "hand edit" and size["set"]["line"] > 0
    assert any("has no effect" in finding["text"] for finding in size["findings"])
    assert security["TlsFloor"]["is_default"] and security["TlsFloor"]["set"] is None
    assert security["ServerTlsProtocols"]["set"]["who"] is None, "init has no entry in the record"
    pop3s = settings(document, "services", "POP3S")
    assert pop3s["ServerTlsProtocols"]["effective"] == "TLSv1.3"
    assert pop3s["ServerTlsProtocols"]["set"]["table"] == "Service:POP3S"
    assert pop3s["ServerTlsCiphers"]["set"]["table"] == "Security" and "ClientTlsCiphers" not in pop3s
    assert "Service:POP3S" in admin.command("tls", "variables").stdout


def test_the_second_of_two_is_told_what_changed(admin):
    seen = told(admin, "tls", "variables")["generation"]
    plan = told(admin, "tls", "set", "--dry-run", "--generation", seen, "Limits.Recipients=500")
    assert plan["generation"] == seen
    admin.command("tls", "set", "--generation", seen, "Limits.Recipients=500")
    code, [error] = refused(admin, "tls", "set", "--generation", seen, "Limits.Recipients=600")
    assert code == 2 and error["code"] == "conflict" and error["field"] == "generation"
    assert 'Limits/Recipients: (not set) -> "500"' in error["text"] and "control socket" in error["text"]
    assert admin.config().get(admin.config().table("Limits"), "Recipients") == "500"


def test_errors_name_the_field(admin):
    for words, code, field in (
            (["tls", "set", "Security.ServerTlsProtocls=TLSv1.2"], "invalid", "Security/ServerTlsProtocls"),
            (["tls", "set", "Security.ServerTlsProtocols=TLSv9"], "invalid", "Security/ServerTlsProtocols"),
            (["tls", "set", "--min", "9"], "invalid", "min"),
            (["user", "add", "anna@example.org", "--quota", "many", "--password-stdin"], "invalid", "quota"),
            (["user", "add", "anna@example.org", "--password-stdin"], "exists", "address"),
            (["user", "remove", "nobody@example.org"], "not_found", "address"),
            (["user", "add", "no address", "--password-stdin"], "invalid", "address"),
            (["alias", "add", "x@example.org", "y@example.org"], "not_found", "targets"),
            (["queue", "retry", "12345678-00000001"], "not_found", "id")):
        status, errors = refused(admin, *words, stdin="secret\n")
        assert status == 2 and (errors[0]["code"], errors[0]["field"]) == (code, field), (words, errors)


def test_lists_come_in_pages(admin):
    for name in ("cora", "dora", "emil"):
        admin.user_add(f"{name}@example.org", "secret")
    page = told(admin, "user", "list", "--search", "EXAMPLE", "--limit", "2")
    assert [user["address"] for user in page["users"]] == ["anna@example.org", "bert@example.org"]
    assert page["total"] == 5 and page["next"] == "bert@example.org"
    page = told(admin, "user", "list", "--limit", "2", "--after", page["next"])
    assert [user["login"] for user in page["users"]] == ["yes", "yes"] and page["next"] == "dora@example.org"
    page = told(admin, "user", "list", "--limit", "2", "--after", page["next"])
    assert [user["address"] for user in page["users"]] == ["emil@example.org"] and page["next"] is None
    admin.command("alias", "add", "team@example.org", "cora@example.org", "emil@example.org")
    assert told(admin, "alias", "list", "--search", "cora")["total"] == 1
    assert told(admin, "domain", "list", "--search", "net") == {"domains": [], "total": 0, "next": None}
    assert told(admin, "queue", "list", "--limit", "5") == {"queue": [], "total": 0, "next": None}
    assert refused(admin, "user", "list", "--limit", "0")[1][0]["field"] == "limit"


def test_a_user_is_changed(admin):
    def anna():
        [user] = told(admin, "user", "list", "--search", "anna")["users"]
        return user["quota_bytes"], user["role"], user["login"]

    admin.command("user", "set", "anna@example.org", "--quota", "1G")
    assert anna() == (1 << 30, "user", "yes")
    admin.command("user", "set", "anna@example.org", "--role", "auditor")
    assert anna() == (1 << 30, "auditor", "yes")
    # Setting another password leaves the role.
    admin.command("user", "passwd", "anna@example.org", "--password-stdin", stdin="other\n")
    assert anna() == (1 << 30, "auditor", "yes")
    admin.command("user", "set", "anna@example.org", "--role", "administrator", "--quota", "0")
    assert anna() == (0, "administrator", "yes")
    admin.command("user", "set", "anna@example.org", "--role", "user")
    assert anna() == (0, "user", "yes")
    assert 'Update User {Name="anna@example.org", Quota="1G"}' in admin.log("config")
    for words, field in ((["anna@example.org"], None), (["anna@example.org", "--role", "king"], "role"),
                         (["anna@example.org", "--quota", "x"], "quota"),
                         (["none@example.org", "--quota", "1"], "address")):
        status, [error] = refused(admin, "user", "set", *words)
        assert status == 2 and error["field"] == field
