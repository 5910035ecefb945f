# SPDX-License-Identifier: Apache-2.0
"""Who is logged in to the page sets up his own account, an auditor too."""
import itertools

import pytest

from conftest import DOMAIN
from harness.api import Client, logged_in
from harness.totp import code_of, step_now
from page import ROOT, ROOT_PASSWORD, api_home, served  # noqa: F401

# So many wrong attempts lock an account, whatever addresses they come from.
ATTEMPTS = 3

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def api_settings():
    return {"Limits.ExemptNetworks": "127.0.0.1", "Limits.FailedLoginsPerAddress": str(ATTEMPTS)}


@pytest.fixture
def account(served):
    """Makes a user of the test's own; the password is "first"."""
    def make(*options):
        address = f"user{next(numbers)}@{DOMAIN}"
        served.home.user_add(address, "first", *options)
        return address
    return make


def is_alive(client):
    token = client.token
    answer = client.get("/session")
    client.token = token
    return answer.status == 200


def totp_switch_on(client, password):
    """Sets it up as the page does; gives the secret and the step of the code that was used."""
    begun = client.post("/account/totp", {"password": password})
    assert begun.status == 200, begun
    step = step_now()
    confirmed = client.post("/account/totp/confirm", {"code": code_of(begun.json["secret"], step)})
    assert confirmed.status == 200, confirmed
    return begun.json["secret"], step


# ---- what is one's own

@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_what_is_shown(served, account, role):
    address = account("--role", role)
    session = logged_in(served, address, "first")
    other = logged_in(served, address, "first", source="127.0.0.9")
    shown = session.get("/account").json
    assert (shown["address"], shown["role"], shown["totp"], shown["totp_since"]) == (address, role, False, None)
    assert sorted((one["address"], one["current"]) for one in shown["sessions"]) == [("127.0.0.1", True), ("127.0.0.9", False)]
    assert all(one["created"] <= one["used"] < one["ends"] for one in shown["sessions"])
    assert session.token not in str(shown) and other.token not in str(shown)
    assert session.delete("/account/sessions").status == 200
    assert is_alive(session) and not is_alive(other)
    served.home.log_wait("config", f'{address} - End Sessions of User {{Name="{address}"}}')


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_a_password_is_changed_by_the_old_one(served, account, role):
    address = account("--role", role)
    session, other = logged_in(served, address, "first"), logged_in(served, address, "first")
    refused = session.post("/account/password", {"old": "a guess", "new": "next"})
    assert (refused.status, refused.error["code"], refused.error["field"]) == (403, "denied", "old")
    assert f"HTTP/WebMail: Invalid password for user {address}. Attempt from IP address 127.0.0.1\n" in served.home.log("security")
    for body in ({"new": "next"}, {"old": ["first"], "new": "next"}, {"old": "first"}, {"old": "first", "new": ""}):
        assert session.post("/account/password", body).status == 400, body
    stranger = session.post("/account/password", {"old": "first", "new": "next", "address": ROOT})
    assert (stranger.status, stranger.error["field"]) == (400, "address")
    assert session.post("/account/password", {"old": "first", "new": "next"}, csrf=False).error["code"] == "csrf"
    assert is_alive(other)

    assert session.post("/account/password", {"old": "first", "new": "next"}).status == 200
    assert is_alive(session) and not is_alive(other)
    assert session.get("/status").status == 200
    assert Client(served).login(address, "first").error["code"] == "denied"
    assert Client(served).login(address, "next").status == 200
    served.home.log_wait("config", f'{address} - Update Password of User {{Name="{address}"}}')


def test_guesses_of_the_old_password_are_locked(served, account):
    address = account("--role", "auditor")
    sessions = [logged_in(served, address, "first", source=f"127.0.0.{20 + number}") for number in range(ATTEMPTS + 1)]
    for session in sessions[:ATTEMPTS]:
        assert session.post("/account/password", {"old": "a guess", "new": "next"}).status == 403
    locked = sessions[ATTEMPTS].post("/account/password", {"old": "first", "new": "next"})
    assert (locked.status, locked.error["code"]) == (429, "blocked") and int(locked.headers["Retry-After"]) > 0
    assert f"HTTP/WebMail: Too many failed attempts for user {address}. Attempt from IP address 127.0.0.{20 + ATTEMPTS}\n" \
        in served.home.log("security")
    assert is_alive(sessions[0])


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_a_second_factor_of_ones_own(served, account, role):
    address = account("--role", role)
    session, other = logged_in(served, address, "first"), logged_in(served, address, "first")
    assert session.post("/account/totp", {"password": "a guess"}).error["field"] == "password"
    assert session.post("/account/totp", {}).error["field"] == "password"
    secret, step = totp_switch_on(session, "first")
    assert is_alive(session) and not is_alive(other)
    shown = session.get("/account").json
    assert shown["totp"] is True and abs(shown["totp_since"] - step * 30) < 120
    assert Client(served).login(address, "first").error["code"] == "code_wanted"
    other = Client(served)
    assert other.login(address, "first", code=code_of(secret, max(step + 1, step_now()))).status == 200

    assert session.delete("/account/totp").status == 400
    assert session.delete("/account/totp", {"password": "a guess"}).status == 403
    assert session.get("/account").json["totp"] is True
    assert session.delete("/account/totp", {"password": "first"}).status == 200
    assert is_alive(session) and not is_alive(other)
    assert Client(served).login(address, "first").status == 200


def test_an_administrator_helps_another(served, account):
    address = account("--role", "auditor")
    admin, other = logged_in(served, ROOT, ROOT_PASSWORD), logged_in(served, address, "first")
    totp_switch_on(other, "first")
    [row] = admin.get("/users", search=address).json["users"]
    assert row["totp"] is True
    shown = admin.get(f"/users/{address}").json
    assert shown["totp"] is True and [one["current"] for one in shown["sessions"]] == [False]
    assert admin.delete(f"/users/{address}/totp").status == 200
    assert not is_alive(other) and Client(served).login(address, "first").status == 200
    assert admin.post(f"/users/{address}/password", {"password": "given"}).status == 200
    other = logged_in(served, address, "given")
    assert admin.delete(f"/users/{address}/sessions").status == 200
    assert not is_alive(other) and is_alive(admin)


# ---- guesses of codes

def test_wrong_codes_lock_the_account_from_everywhere(served, account):
    address = account("--role", "administrator")
    session = logged_in(served, address, "first")
    secret, step = totp_switch_on(session, "first")
    # An exempt address, too.
    for number in range(ATTEMPTS):
        guesser = Client(served, source=f"127.0.0.{30 + number}" if number > 0 else None)
        assert guesser.login(address, "first", code="000000").error["code"] == "code_wrong"
    owner = Client(served, source="127.0.0.40")
    assert owner.login(address, "first").error["code"] == "code_wanted"
    locked = owner.login(address, "first", code=code_of(secret, max(step + 1, step_now())))
    assert (locked.status, locked.error["code"]) == (429, "blocked"), locked
    assert int(locked.headers["Retry-After"]) > 0 and "Set-Cookie" not in locked.headers
    security = served.home.log("security")
    assert security.count(f"HTTP/WebMail: Invalid code for user {address}. Attempt from IP address 127.0.0.") == ATTEMPTS
    assert f"HTTP/WebMail: Too many failed attempts for user {address}. Attempt from IP address 127.0.0.40\n" in security
    assert owner.login(address, "a guess", code="000000").error["code"] == "denied", "who has no password learns nothing"
    assert is_alive(session)
