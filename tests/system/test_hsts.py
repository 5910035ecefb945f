# SPDX-License-Identifier: Apache-2.0
"""Strict-Transport-Security: sent of hosts whose certificates a root of the system vouches for, or as the administrator says."""
import shutil

import pytest

from clients import client
from conftest import DOMAIN
from harness.api import Client, logged_in
from harness.authority import Authority
from harness.fixtures import home_copy
from harness.server import Server

ROOT, ROOT_PASSWORD = f"root@{DOMAIN}", "the administrator's"
PUBLIC = f"mail.{DOMAIN}"
LASTING, FORGOTTEN = "max-age=2592000", "max-age=0"


@pytest.fixture(scope="module")
def authority(workplace):
    folder = workplace / "hsts-authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture(scope="module")
def served(home_template, workplace, authority):
    """Beside the pair that was made here one of a CA that the system's store has, which is the test's."""
    home = home_copy(home_template, workplace / "home-hsts")
    home.user_add(ROOT, ROOT_PASSWORD, "--admin")
    authority.issue("public", PUBLIC)
    for suffix in ("crt", "key"):
        shutil.copy(authority.folder / f"public.{suffix}", home.path / "sslcert" / f"{PUBLIC}.{suffix}")
    with Server(home, environment={"SSL_CERT_FILE": str(authority.root), "SSL_CERT_DIR": "/nonexistent"}) as server:
        yield server
    shutil.rmtree(home.path, ignore_errors=True)


def page(server, host, trusted):
    """Head of the page as a client gets it that verifies the certificate for that host."""
    port = server.ports["HTTPS"]
    return client("curl", "-s", "-D", "-", "-o", "/dev/null", "--cacert", trusted, "--resolve", f"{host}:{port}:127.0.0.1",
                  f"https://{host}:{port}/")


def said(head):
    return [line.partition(":")[2].strip() for line in head.splitlines() if line.lower().startswith("strict-transport-security")]


def test_hosts_of_public_certificates_alone(served, authority):
    own = page(served, "localhost", served.home.certificate)
    assert "HTTP/1.1 200" in own and said(own) == []
    public = page(served, PUBLIC, authority.root)
    assert "HTTP/1.1 200" in public and said(public) == [LASTING]
    admin = logged_in(served, ROOT, ROOT_PASSWORD)
    assert admin.get("/status").headers["Strict-Transport-Security"] is None
    answer = admin.request("GET", "/status", headers={"Host": f"{PUBLIC}:{served.ports['HTTPS']}"})
    assert answer.headers["Strict-Transport-Security"] == LASTING


def test_as_the_administrator_says(served, authority):
    admin = logged_in(served, ROOT, ROOT_PASSWORD)

    def choose(value):
        changed = admin.patch("/settings", {"values": {"Server.AdminHsts": value}})
        assert changed.status == 200 and changed.json["in_force"], changed

    choose("on")
    assert said(page(served, "localhost", served.home.certificate)) == [LASTING]
    choose("off")
    assert said(page(served, PUBLIC, authority.root)) == [FORGOTTEN]
    refused = admin.patch("/settings", {"values": {"Server.AdminHsts": "perhaps"}})
    assert refused.status == 400 and "neither auto nor on nor off" in refused.error["text"]
    choose(None)
    assert said(page(served, PUBLIC, authority.root)) == [LASTING]


def test_a_root_of_the_house_is_not_public(served, authority):
    """It stands in sslca: the house vouches, whatever the system has."""
    folder = served.home.path / "sslca"
    folder.mkdir(exist_ok=True)
    shutil.copy(authority.root, folder / "house.crt")
    served.home.command("reload")
    assert said(page(served, PUBLIC, authority.root)) == []
    (folder / "house.crt").unlink()
    served.home.command("reload")
    assert said(page(served, PUBLIC, authority.root)) == [LASTING]
    assert Client(served).get("/session").headers["Strict-Transport-Security"] is None
