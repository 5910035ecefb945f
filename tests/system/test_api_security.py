# SPDX-License-Identifier: Apache-2.0
"""What an attacker tries at the page: other sites, foreign sessions, guesses, large and slow requests, ways out of the home."""
import json
import os
import signal
import socket
import ssl
import time

import pytest

from conftest import DOMAIN
from harness.api import Client, logged_in
from harness.totp import code_of
from harness.waiting import SECONDS, until
from page import ROOT, ROOT_PASSWORD, admin, api_home, served  # noqa: F401


@pytest.fixture(scope="module")
def api_settings():
    """Attackers come from 127.0.0.2; nobody is exempt but the others of loopback."""
    return {"Limits.ExemptNetworks": "127.0.0.1", "Limits.FailedLoginsPerAddress": "3"}


def raw(server, sent, seconds=20):
    """Sends bytes over TLS; gives what came until the server closed or nothing came any more."""
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", server.ports["HTTPS"]), timeout=seconds) as plain:
        with context.wrap_socket(plain) as secure:
            secure.sendall(sent)
            got = b""
            try:
                while True:
                    piece = secure.recv(65536)
                    if not piece:
                        return got
                    got += piece
            except (TimeoutError, ConnectionError, ssl.SSLError):
                return got


# ---- other sites

def test_a_change_from_another_site_is_refused(served, admin):
    body = {"name": "csrf.example"}
    assert admin.post("/domains", body, csrf=False).error["code"] == "csrf"
    assert admin.post("/domains", body, headers={"X-Postern-Csrf": "x" * 43}).error["code"] == "csrf"
    other = logged_in(served, ROOT, ROOT_PASSWORD)
    assert admin.post("/domains", body, headers={"X-Postern-Csrf": other.csrf}).error["code"] == "csrf"
    for fields in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                   {"Sec-Fetch-Site": "same-site"}, {"Origin": f"http://127.0.0.1:{served.ports['HTTPS']}"}):
        assert admin.post("/domains", body, headers=fields).error["code"] == "foreign", fields
    form = admin.request("POST", "/domains", b'{"name":"csrf.example"}', headers={"Content-Type": "text/plain"})
    assert form.status == 415
    assert "csrf.example" not in served.home.command("domain", "list").stdout
    ours = {"Origin": f"https://127.0.0.1:{served.ports['HTTPS']}", "Sec-Fetch-Site": "same-origin"}
    assert admin.post("/tls/plan", {"min": "TLSv1.3"}, headers=ours).status == 200
    assert "Access-Control-Allow-Origin" not in admin.get("/status").headers


def test_a_login_from_another_site_is_refused(served):
    answer = Client(served).post("/session", {"account": ROOT, "password": ROOT_PASSWORD},
                                 headers={"Origin": "https://evil.example"})
    assert answer.error["code"] == "foreign" and "Set-Cookie" not in answer.headers


# ---- sessions

def test_a_session_cannot_be_fixed(served):
    """A token that somebody planted is never that of a session."""
    victim = Client(served)
    victim.token = "A" * 43
    planted = victim.token
    assert victim.login(ROOT, ROOT_PASSWORD).status == 200
    assert victim.token != planted
    attacker = Client(served)
    attacker.token = planted
    assert attacker.get("/session").status == 401
    two = victim.request("GET", "/status", headers={"Cookie": f"__Host-postern={planted}; __Host-postern={victim.token}"})
    assert two.status == 401


def test_a_new_login_ends_the_session_before(served, admin):
    before = admin.token
    assert admin.login(ROOT, ROOT_PASSWORD).status == 200 and admin.token != before
    old = Client(served)

    def is_over():
        old.token = before
        return old.get("/session").status == 401

    until(is_over)


def test_what_ends_a_session(served):
    address, home = f"second@{DOMAIN}", served.home
    home.user_add(address, "first", "--admin")
    session = logged_in(served, address, "first")
    other = logged_in(served, address, "first")
    home.command("user", "passwd", address, "--password-stdin", stdin="next\n")
    assert (session.get("/session").status, other.get("/session").status) == (401, 401)
    session = logged_in(served, address, "next")
    home.command("user", "set", address, "--role", "auditor")
    assert session.post("/domains", {"name": "a.example"}).error["code"] == "read_only"
    home.command("user", "set", address, "--role", "user")
    assert session.get("/session").status == 401
    home.command("user", "set", address, "--role", "administrator")
    session = logged_in(served, address, "next")
    home.command("user", "remove", address)
    assert session.get("/session").status == 401


def test_a_session_outlives_its_roles(served, admin):
    def is_answered_again():
        try:
            answer = admin.get("/session")
        except OSError:
            return False
        assert answer.status in (200, 503), answer
        return answer.status == 200

    for name in ("auth", "admin", "front"):
        [pid] = [role["pid"] for role in served.status()["roles"] if role["name"] == name]
        os.kill(pid, signal.SIGKILL)
        until(is_answered_again, name)


# ---- guesses

def test_guesses_are_counted_and_refused(served):
    guesser = Client(served, source="127.0.0.2")
    for _ in range(3):
        assert guesser.login(ROOT, "a guess").status == 401
    answer = guesser.login(ROOT, ROOT_PASSWORD)
    assert (answer.status, answer.error["code"]) == (429, "blocked")
    assert int(answer.headers["Retry-After"]) > 0 and "Set-Cookie" not in answer.headers
    line = f"HTTP/WebMail: Invalid password for user {ROOT}. Attempt from IP address 127.0.0.2\n"
    assert served.home.log("security").count(line) == 4
    assert Client(served).login(ROOT, ROOT_PASSWORD).status == 200


# ---- the second factor

def login_with(client, address, **code):
    return client.post("/session", {"account": address, "password": "first", **code})


def test_a_code_is_wanted_and_serves_once(served, admin):
    address, home = f"careful@{DOMAIN}", served.home
    home.user_add(address, "first", "--admin")
    path = f"/users/{address}/totp"
    begun = admin.post(path, {})
    assert begun.status == 200 and begun.json["secret"] in begun.json["uri"]
    secret = begun.json["secret"]
    assert login_with(Client(served), address).status == 200, "nothing is asked for before it is confirmed"
    assert admin.post(f"{path}/confirm", {"code": "no"}).error["field"] == "code"
    step = int(time.time()) // 30
    assert admin.post(f"{path}/confirm", {"code": code_of(secret, step)}).status == 200
    [row] = admin.get("/users", search=address).json["users"]
    assert row["totp"] is True
    assert admin.post(path, {}).error["code"] == "exists"

    wanted = login_with(Client(served), address)
    assert wanted.status == 401 and wanted.error["code"] == "code_wanted" and wanted.error["field"] == "code"
    assert login_with(Client(served), address, code=code_of(secret, step)).error["code"] == "code_wrong"
    assert login_with(Client(served), address, code=code_of(secret, step + 1)).status == 200
    assert login_with(Client(served), address, code=code_of(secret, step + 1)).error["code"] == "code_wrong"
    wrong = Client(served).post("/session", {"account": address, "password": "x", "code": code_of(secret, step + 2)})
    assert wrong.error["code"] == "denied", "who has not the password learns nothing of the code"

    home.command("user", "passwd", address, "--password-stdin", stdin="first\n")
    assert login_with(Client(served), address).error["code"] == "code_wanted"
    home.command("user", "totp", "off", address)
    assert login_with(Client(served), address).status == 200


def test_wrong_codes_count_as_guesses(served, admin):
    address = f"guessed@{DOMAIN}"
    served.home.user_add(address, "first", "--admin")
    secret = admin.post(f"/users/{address}/totp", {}).json["secret"]
    code = code_of(secret, int(time.time()) // 30)
    served.home.command("user", "totp", "confirm", address, code)
    guesser = Client(served, source="127.0.0.3")
    for _ in range(3):
        assert login_with(guesser, address, code="none").error["code"] == "code_wrong"
    assert login_with(guesser, address, code="none").status == 429
    log = served.home.log("security")
    assert f"HTTP/WebMail: Invalid code for user {address}. Attempt from IP address 127.0.0.3" in log
    assert secret not in served.home.log("config")


def test_who_is_never_asked_gets_no_factor(served, admin):
    address = f"plain@{DOMAIN}"
    served.home.user_add(address, "first")
    assert admin.post(f"/users/{address}/totp", {}).error["field"] == "address"
    assert admin.post("/users/nobody@example.org/totp", {}).status == 404
    assert admin.request("DELETE", f"/users/{ROOT}/totp").status == 404


# ---- ways out of the home

def test_no_way_leads_out(served, admin):
    secret = served.home.path.joinpath("sslcert", "server.key").read_text().splitlines()[1]
    for path in ("/logs/..%2f..%2fsslcert%2fserver.key", "/logs/%2e%2e", "/logs/..%5c..%5cmailserver.cfg",
                 "/queue/..%2f..%2fmailserver.cfg", "/users/%00", "/users/%zz"):
        answer = admin.get(path)
        assert answer.status in (400, 404, 405) and secret.encode() not in answer.body, (path, answer)
    assert admin.post("/tls/revert", {"version": "../../sslcert/server.key"}).status == 400
    assert admin.post("/certificates/request", {"name": "../../x", "domains": ["a.example"]}).status == 400
    for path in ("/../mailserver.cfg", "/assets/../../mailserver.cfg", "/%2e%2e/mailserver.cfg", "/assets/", "//etc/passwd"):
        assert raw(served, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()).startswith(b"HTTP/1.1 404"), path


# ---- requests of an unusual form

def test_requests_that_two_would_read_differently(served, admin):
    head = f"POST /api/v1/domains HTTP/1.1\r\nHost: a\r\nCookie: __Host-postern={admin.token}\r\n" \
           f"X-Postern-Csrf: {admin.csrf}\r\nContent-Type: application/json\r\n"
    body = '{"name":"smuggled.example"}'
    chunked = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    for fields, sent in ((f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n", chunked),
                         ("Transfer-Encoding: chunked\r\n", chunked),
                         ("Transfer-Encoding: identity\r\n", body),
                         (f"Content-Length: {len(body)}\r\nContent-Length: {len(body)}\r\n", body),
                         (f"Content-Length: {len(body)}\r\nContent-Length: 0\r\n", body),
                         (f"Content-Length: {len(body)}, {len(body)}\r\n", body),
                         (f"Content-Length : {len(body)}\r\n", body),
                         (f"X: y\r\n Content-Length: {len(body)}\r\n\r\n", body),
                         (f"X: y\nContent-Length: {len(body)}\r\n", body),
                         (f"Content-Length: +{len(body)}\r\n", body)):
        got = raw(served, (head + fields + "\r\n" + sent).encode())
        assert got[9:12] in (b"400", b"501", b"415"), (fields, got[:200])
        assert got.count(b"HTTP/1.1 ") == 1, (fields, got[:600])
    assert "smuggled.example" not in served.home.command("domain", "list").stdout


def test_too_large(served, admin):
    huge = raw(served, b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
    assert huge.startswith(b"HTTP/1.1 413")
    assert raw(served, b"GET /api/v1/" + b"a" * 20000 + b" HTTP/1.1\r\n").startswith((b"HTTP/1.1 414", b"HTTP/1.1 431"))
    assert raw(served, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 5000 + b"\r\n").startswith(b"HTTP/1.1 431")
    deep = b'{"variables":' + b"[" * 100000 + b"]" * 100000 + b"}"
    assert admin.post("/tls/plan", deep).status == 400
    many = {"ids": [f"{number:08x}-00000000" for number in range(1000)]}
    assert admin.post("/queue/retry", many).status == 400
    login = Client(served).post("/session", {"account": "a" * 100000, "password": "b"})
    assert login.status == 400


def test_clients_that_say_nothing_hold_nobody_up(served, admin):
    """Half requests of many clients: others are answered meanwhile."""
    context = ssl._create_unverified_context()
    held = []
    try:
        for number in range(30):
            plain = socket.create_connection(("127.0.0.1", served.ports["HTTPS"]), timeout=SECONDS)
            secure = context.wrap_socket(plain)
            held.append(secure)
            half = b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
            secure.sendall(half[:30] if number % 2 else half)
        assert admin.get("/status").status == 200
        assert Client(served).login(ROOT, ROOT_PASSWORD).status == 200
    finally:
        for secure in held:
            secure.close()


# ---- many at once

def connected(client):
    """A connection of the client's on which nothing was asked yet."""
    connection = client.connect()
    connection.connect()
    return connection


def ask(client, connection, method, path, body=None):
    """Sends a request and waits for no answer."""
    fields = {"Cookie": f"__Host-postern={client.token}"} if client.token else {}
    if body is not None:
        body, fields["Content-Type"] = json.dumps(body), "application/json"
    connection.request(method, f"/api/v1{path}", body=body, headers=fields)


def asked(client, method, path):
    connection = connected(client)
    ask(client, connection, method, path)
    return connection


def is_answered(connection):
    connection.sock.settimeout(0)
    try:
        return connection.sock.recv(1) is not None
    except ssl.SSLWantReadError:
        return False


def test_auditors_cannot_take_every_place(served, admin):
    """Whoever may only look holds streams and slow commands; an administrator still finds a place for each kind."""
    address = f"auditor@{DOMAIN}"
    served.home.user_add(address, "looks", "--role", "auditor")
    auditor = logged_in(served, address, "looks")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        slow = f"/tls/probe?destination=127.0.0.1:{silent.getsockname()[1]}"
        streams = [asked(auditor, "GET", "/logs/mail/follow").getresponse() for _ in range(10)]
        probes = [asked(auditor, "GET", slow) for _ in range(20)]
        try:
            assert {stream.status for stream in streams} == {200, 503}
            streams.append(asked(admin, "GET", "/logs/mail/follow").getresponse())
            assert streams[-1].status == 200
            assert admin.get("/status").status == 200
            # Nobody listens there: a slow command that is quick.
            assert admin.get("/tls/probe", destination="127.0.0.1:9").status in (200, 503)
            assert not any(map(is_answered, probes)), "they were to hold their places all the time"
        finally:
            for connection in streams + probes:
                connection.close()


def test_a_flood_of_logins_keeps_nobody_out(served):
    """More logins than are checked at the same time, from many addresses; one from another is heard."""
    wrong = {"account": ROOT, "password": "a guess"}
    # Few addresses: whoever comes waits for one guess of each. Of each three are heard, the others are refused unheard.
    guessers = [Client(served, source=f"127.0.1.{1 + number // 16}") for number in range(144)]
    flood = [connected(guesser) for guesser in guessers]
    try:
        for guesser, connection in zip(guessers, flood):
            ask(guesser, connection, "POST", "/session", wrong)
        answer = Client(served, source="127.0.2.1").login(ROOT, ROOT_PASSWORD)
        assert answer.status == 200, answer
    finally:
        for connection in flood:
            connection.close()
