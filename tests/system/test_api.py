# SPDX-License-Identifier: Apache-2.0
"""The API of the administration page, on a real server: logging in, and a change of the TLS policy."""
import re
import subprocess
from pathlib import Path

from clients import client
from conftest import ANNA, DOMAIN, PASSWORDS
from harness.api import Client, commands
from harness.waiting import until
from page import ROOT, ROOT_PASSWORD, admin, api_home, api_settings, served  # noqa: F401


def speaks(server, version):
    """Whether IMAPS takes a handshake of that version."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['IMAPS']}", version],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def test_nothing_without_a_session(served):
    stranger = Client(served)
    for path in ("/session", "/status", "/tls"):
        answer = stranger.get(path)
        assert (answer.status, answer.error["code"]) == (401, "login"), path
    assert stranger.post("/tls/set", {"min": "TLSv1.3"}).status == 401


def test_a_login_and_its_end(served):
    session = Client(served)
    answer = session.login(ROOT, ROOT_PASSWORD)
    assert answer.status == 200
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-postern=") and len(session.token) == 43
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    told = session.get("/session").json
    assert (told["account"], told["role"], told["csrf"]) == (ROOT, "administrator", session.csrf)
    token = session.token
    assert session.logout().status == 200
    assert session.token is None
    session.token = token
    assert session.get("/session").status == 401


def test_who_may_not_log_in(served):
    refused = Client(served).login(ROOT, "a guess")
    assert (refused.status, refused.error["code"]) == (401, "denied")
    unknown = Client(served).login(f"nobody@{DOMAIN}", "a guess")
    assert refused.body == unknown.body
    user = Client(served).login(ANNA, PASSWORDS[ANNA])
    assert (user.status, user.error["code"]) == (403, "no_role")
    log = served.home.log("security")
    assert f"HTTP/WebMail: Invalid password for user {ROOT}. Attempt from IP address 127.0.0.1\n" in log
    assert f"HTTP/WebMail: User nobody@{DOMAIN} doesn't exist. Attempt from IP address 127.0.0.1.\n" in log


def test_the_minimum_is_raised_and_undone(served, admin):
    before = admin.get("/tls/variables").json["generation"]
    plan = admin.post("/tls/plan", {"min": "TLSv1.3"})
    assert plan.status == 200 and plan.json["changes"] and not plan.json["written"]
    assert speaks(served, "-tls1_2")
    change = admin.post("/tls/set", {"min": "TLSv1.3", "confirm_within": "10m", "generation": before})
    assert change.status == 200 and change.json["in_force"], change
    assert not speaks(served, "-tls1_2") and speaks(served, "-tls1_3")
    assert admin.get("/status").json["awaiting_confirmation"] is not None
    assert admin.post("/tls/confirm").status == 200
    again = admin.post("/tls/set", {"min": "TLSv1.2", "generation": before})
    assert (again.status, again.error["code"]) == (409, "conflict"), again
    assert ROOT in again.error["text"]
    assert admin.post("/tls/revert").status == 200
    assert speaks(served, "-tls1_2")
    history = admin.get("/tls/history").json["versions"]
    assert len(history) >= 2 and history[0]["who"] == ROOT
    assert f"{ROOT} - Update Security" in served.home.log("config")
    entry = next(one for one in admin.get("/evidence").json["entries"] if one["who"] == ROOT)
    assert entry["from"] == "administration page, 127.0.0.1"


def test_errors_name_the_field(admin):
    for body, field in (({"min": "TLSv9"}, "min"), ({"mim": "TLSv1.3"}, "mim"), ({"min": [1]}, "min")):
        answer = admin.post("/tls/plan", body)
        assert (answer.status, answer.error["field"]) == (400, field), answer
    assert admin.post("/tls/plan", b"{").status == 400
    assert admin.post("/tls/plan", b"[]").status == 400
    assert admin.get("/tls", service="IMAPX").status == 400
    assert admin.get("/tls", colour="red").error["field"] == "colour"


def test_what_is_not_there(admin):
    assert admin.get("/nothing").status == 404
    assert admin.delete("/status").status == 405
    assert admin.get("/api/v2/status").status == 404


def test_the_page(served):
    answer = Client(served).get("/api/../")
    assert answer.status == 404
    page = client("curl", "-s", "-i", "--cacert", served.home.certificate,
                  f"https://localhost:{served.ports['HTTPS']}/")
    assert "HTTP/1.1 200" in page and "default-src 'none'" in page


def event_line(answer):
    """The next line that is more than a sign of life."""
    while True:
        line = answer.fp.readline().decode()
        assert line
        if line.strip() and not line.startswith(":"):
            return line


def test_a_log_is_followed(served, admin):
    """Lines come as events when they are written; the command ends with its reader."""
    connection = admin.connect()
    connection.request("GET", "/api/v1/logs/security/follow?lines=0",
                       headers={"Cookie": f"__Host-postern={admin.token}"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream"
    Client(served).login(ROOT, "a wrong guess")
    line = event_line(answer)
    assert line.startswith("data: ") and f"Invalid password for user {ROOT}" in line
    Client(served).login(f"nobody@{DOMAIN}", "a wrong guess")
    assert "doesn't exist" in event_line(answer)
    answer.close()
    connection.close()
    until(lambda: not commands(served))


def test_streams_are_few(served, admin):
    """One account may hold six of the eight."""
    held = []
    try:
        for number in range(7):
            connection = admin.connect()
            held.append(connection)
            connection.request("GET", "/api/v1/logs/mail/follow", headers={"Cookie": f"__Host-postern={admin.token}"})
            # What is forgotten is closed.
            held.append(connection.getresponse())
            assert held[-1].status == (200 if number < 6 else 503)
        assert admin.get("/status").status == 200
    finally:
        for each in held:
            each.close()
    until(lambda: not commands(served))


def filters(pid):
    """How many filters of system calls a process has."""
    return int(re.search(r"^Seccomp_filters:\s*(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def test_a_command_may_less_than_its_role(served, admin):
    """Its process starts no other and signals nobody (tests/unit/proc/test_sandbox.c): one filter more than the role has."""
    connection = admin.connect()
    connection.request("GET", "/api/v1/logs/mail/follow", headers={"Cookie": f"__Host-postern={admin.token}"})
    try:
        # What is forgotten is closed.
        stream = connection.getresponse()
        assert stream.status == 200
        [command] = commands(served)
        role = Path(f"/proc/{command}/stat").read_text().rsplit(")", 1)[1].split()[1]
        # Those of a sanitizer have none.
        until(lambda: filters(role) == 0 or filters(command) == filters(role) + 1)
    finally:
        stream.close()
        connection.close()
    until(lambda: not commands(served))


def test_a_log_that_is_none(admin):
    answer = admin.get("/logs/nothing/follow")
    assert answer.status == 200 and b"event: failure" in answer.body and b"there is no log nothing" in answer.body
