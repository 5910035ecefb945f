# SPDX-License-Identifier: Apache-2.0
"""Sessions of the page and a restart of the whole server: which outlive it."""
import shutil

from conftest import DOMAIN
from harness.api import logged_in
from harness.fixtures import home_copy
from harness.server import Server


def is_alive(client):
    token = client.token
    answer = client.get("/session")
    client.token = token
    return answer.status == 200


def test_sessions_outlive_a_restart_of_all(home_template, workplace):
    home = home_copy(home_template, workplace / "home-restart")
    users = {name: f"{name}@{DOMAIN}" for name in ("stays", "leaves", "removed", "demoted", "disowned")}
    for address in users.values():
        home.user_add(address, "first", "--admin")
    with Server(home) as server:
        sessions = {name: logged_in(server, address, "first") for name, address in users.items()}
        token = sessions["leaves"].token
        assert sessions["leaves"].logout().status == 200
        sessions["leaves"].token = token
        home.command("user", "remove", users["removed"])
    home.command("user", "set", users["demoted"], "--role", "user")
    home.command("user", "logout", users["disowned"])
    with Server(home) as server:
        assert {name for name, session in sessions.items() if is_alive(session)} == {"stays"}
        assert sessions["stays"].post("/reload", {}).status == 200, "what X-Postern-Csrf has to say stays, too"
        home.command("user", "set", users["demoted"], "--role", "administrator")
        assert not is_alive(sessions["demoted"])
    shutil.rmtree(home.path, ignore_errors=True)
