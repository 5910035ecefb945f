# SPDX-License-Identifier: Apache-2.0
"""The commands that an administration page stands on: one server and one home for all tests of this file."""
import imaplib
import json
import os
import shutil
import socket
import subprocess

import pytest

from clients import tls_context
from conftest import home_copy
from harness.server import Server
from harness.waiting import SECONDS


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
                          env={**os.environ, "POSTERN_ERRORS": "json"}, timeout=SECONDS)
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


def test_services_are_stopped_and_started(running, admin):
    def pop3s():
        [service] = [entry for entry in told(admin, "service", "list")["services"] if entry["name"] == "POP3S"]
        return service

    assert pop3s()["enabled"] and "127.0.0.1:2995" in pop3s()["listening"]
    seen = told(admin, "service", "list")["generation"]
    told(admin, "service", "stop", "POP3S", "--generation", seen)
    assert not pop3s()["enabled"] and pop3s()["listening"] == []
    assert refused(admin, "service", "start", "POP3S", "--generation", seen)[1][0]["code"] == "conflict"
    admin.command("service", "start", "pop3s")
    admin.command("service", "set", "POP3S", "MaxConnections=77", "SessionTickets=0")
    assert "127.0.0.1:2995" in pop3s()["listening"]
    assert (pop3s()["max_connections"], pop3s()["session_tickets"]) == (77, False)
    assert pop3s()["values"]["MaxConnections"] == "77"
    admin.command("service", "set", "POP3S", "MaxConnections=")
    assert pop3s()["max_connections"] == 10000
    assert refused(admin, "service", "stop", "POP9")[1][0]["field"] == "name"
    status, [error] = refused(admin, "service", "set", "POP3S", "Port=0")
    assert status == 2 and error["field"] == "Service:POP3S/Port"


def test_settings_are_shown_and_set(admin):
    def limits():
        return {row["name"]: row for row in told(admin, "settings", "show", "Limits")["settings"]}

    assert limits()["MimeDepth"]["value"] is None and limits()["MimeDepth"]["default"] == "50"
    plan = told(admin, "settings", "set", "Limits.MimeDepth=60", "--dry-run")
    assert plan["changes"] == [{"variable": "Limits/MimeDepth", "old": None, "new": "60"}]
    admin.command("settings", "set", "Limits.MimeDepth=60")
    assert limits()["MimeDepth"]["value"] == "60" and limits()["MimeDepth"]["line"] > 0
    assert {row["table"] for row in told(admin, "settings", "show")["settings"]} >= {"Server", "Limits", "Queue"}
    assert refused(admin, "settings", "show", "Service")[1][0]["code"] == "not_found"
    assert refused(admin, "settings", "set", "Limits.MimeDepth=1")[1][0]["field"] == "Limits/MimeDepth"


@pytest.mark.parametrize("group, row, change, wrong", [
    ("partner", ["Peer=192.0.2.0/24", "Direction=in", "Level=encrypt"], "Comment=a <b> & c", "Direction=over"),
    ("pop3-account", ["Name=at.net", "Host=pop.example.net", "User=anna", "Password=at-net",
                      "DeliverTo=anna@example.org"], "Comment=theirs", "Port=0"),
    ("acme", ["Name=mail.net", "Domains=mail.example.net,imap.example.net", "KeyType=rsa"], "Comment=theirs", "KeyType=dsa"),
    ("relay", ["Recipient=example.net", "Host=relay.example.net"], "Comment=ours", "Port=0")])
def test_rows_of_lists(admin, group, row, change, wrong):
    def rows():
        return told(admin, group, "list")["rows"]

    assert rows() == []
    plan = told(admin, group, "add", *row, "--dry-run")
    assert len(plan["changes"]) == len(row) and rows() == []
    admin.command(group, "add", *row)
    admin.command(group, "add", *[word.replace("192.0.2.", "198.51.100.").replace("net", "com") for word in row])
    assert [entry["number"] for entry in rows()] == [1, 2]
    assert rows()[0]["values"] == dict(word.split("=") for word in row)
    admin.command(group, "set", "2", change)
    assert rows()[1]["values"]["Comment"] == change.split("=")[1]
    # A hand edit elsewhere and a change of rows go together; of the same list they do not.
    admin.configure(Limits__MimeParts="900")
    admin.command(group, "remove", "1")
    assert [entry["values"]["Comment"] for entry in rows()] == [change.split("=")[1]]
    assert admin.config().get(admin.config().table("Limits"), "MimeParts") == "900"
    status, errors = refused(admin, group, "set", "1", wrong)
    assert status == 2 and errors[0]["code"] == "invalid" and errors[0]["field"] is not None
    assert refused(admin, group, "set", "2", change)[1][0]["field"] == "number"
    assert refused(admin, group, "add", "Nonsense=1")[1][0]["field"] == "Nonsense"
    text = admin.config_path.read_text()
    admin.config_path.write_text(text.replace("Comment", "comment"))
    assert refused(admin, group, "remove", "1")[1][0]["code"] == "conflict"
    admin.config_path.write_text(text)
    admin.command(group, "remove", "1")
    assert rows() == []


def test_a_pair_comes_through_the_standard_input_and_the_parent(admin):
    done = admin.command("cert", "self-signed", "own", "own.example.org")
    assert "In force." in done.stdout
    pem = (admin.path / "sslcert/own.crt").read_text() + (admin.path / "sslcert/own.key").read_text()
    assert (admin.path / "sslcert/own.key").stat().st_mode & 0o777 == 0o600
    code, errors = refused(admin, "cert", "import", "copy", stdin=pem)
    assert code in (0, 1) and (admin.path / "sslcert/copy.key").read_text() in pem, errors
    assert refused(admin, "cert", "import", "other", stdin="nothing")[0] == 2
    assert not (admin.path / "sslcert/other.crt").exists()


def test_a_log_is_read_backwards_and_followed(admin):
    folder = admin.path / "store/logs"
    (folder / "debug.log.20200101-000000").write_text("".join(f"old line {i}\n" for i in range(50)))
    (folder / "debug.log").write_text("".join(f"new line {i}\n" for i in range(50)))
    page = told(admin, "logs", "debug", "-n", "60")
    assert [line["text"] for line in page["lines"]][:11] == [f"old line {i}" for i in range(40, 50)] + ["new line 0"]
    page = told(admin, "logs", "debug", "-n", "60", "--before", page["before"])
    assert page["lines"][0]["text"] == "old line 0" and len(page["lines"]) == 40 and page["before"] is None
    assert admin.command("logs", "debug", "--filter", "LINE 49").stdout == "old line 49\nnew line 49\n"
    assert refused(admin, "logs", "debug", "--before", "1:1")[1][0]["field"] == "before"
    follower = subprocess.Popen([admin.postern, "--home", admin.path, "logs", "debug", "-f", "-n", "1", "--json",
                                 "--filter", "LINE"], stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(follower.stdout.readline())["text"] == "new line 49"
        with (folder / "debug.log").open("a") as log:
            log.write("something else\nthis li")
            log.flush()
            log.write("ne\n")
        found = json.loads(follower.stdout.readline())
        assert found["text"] == "this line"
    finally:
        follower.kill()
        follower.wait()
    assert told(admin, "logs", "debug", "-n", "1")["lines"] == [found]


def test_who_is_connected_is_listed(running, admin):
    admin.command("user", "passwd", "anna@example.org", "--password-stdin", stdin="anna-secret\n")
    imap = imaplib.IMAP4_SSL("127.0.0.1", 2993, ssl_context=tls_context(running))
    imap.login("anna@example.org", "anna-secret")
    plain = socket.create_connection(("127.0.0.1", 2525))
    plain.recv(100)
    try:
        found = told(admin, "connections")
        by_service = {entry["service"]: entry for entry in found["connections"]}
        assert set(by_service) == {"IMAPS", "SMTP"} and found["total"] == 2 and found["next"] is None
        assert by_service["IMAPS"]["user"] == "anna@example.org" and by_service["IMAPS"]["version"] == "TLSv1.3"
        assert by_service["IMAPS"]["suite"].startswith("TLS_") and by_service["IMAPS"]["group"]
        assert by_service["SMTP"]["user"] is None and by_service["SMTP"]["version"] is None
        assert by_service["SMTP"]["port"] == plain.getsockname()[1]
        first = told(admin, "connections", "--limit", "1")
        rest = told(admin, "connections", "--limit", "1", "--after", first["next"])
        assert [first["connections"][0]["service"], rest["connections"][0]["service"]] == ["IMAPS", "SMTP"]
        assert rest["next"] is None and (first["total"], rest["total"]) == (2, 2)
        assert told(admin, "connections", "--after", rest["connections"][0]["id"])["connections"] == []
        assert told(admin, "connections", "--after", "nonsense")["connections"] == []
        assert told(admin, "connections", "--search", "ANNA@")["total"] == 1
        assert told(admin, "connections", "--search", "TLS_", "--service", "smtp")["total"] == 0
        assert told(admin, "connections", "--service", "smtp")["total"] == 1
    finally:
        plain.close()
        imap.logout()
