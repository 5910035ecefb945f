# SPDX-License-Identifier: Apache-2.0
"""Certificates from a CA by themselves, through failures, and never a key in the wrong hands."""
import os
import signal
import subprocess
import time

import pytest

from acme import NAME, PORTS, acme_home, authority, first_certificate, listed, request, served, state  # noqa: F401
from harness.server import Server
from harness.waiting import SECONDS, until
from test_roles import core_of, holds, key_numbers, roles


def test_a_row_is_had_and_renewed_by_itself(acme_home, authority):
    """A certificate of 12 seconds is renewed in its last third; nobody asks for it."""
    listed(acme_home)
    with authority.run(PORTS, validity=12), Server(acme_home) as server:
        path = acme_home.path / "sslcert" / "server.crt"
        local = path.read_text()
        first = until(lambda: path.read_text() != local and path.read_text())
        second = until(lambda: path.read_text() != first and path.read_text())
        until(lambda: served("nobody.example.org", server.ports["IMAPS"]) == first_certificate(second)
                 or path.read_text() != second)
        assert state(server)["failures"] == 0


def test_a_ca_that_is_down_is_asked_again_later(acme_home, authority):
    listed(acme_home)
    with Server(acme_home) as server:
        until(lambda: state(server) and state(server)["failures"] == 1)
        assert "ca.example.org" in state(server)["why"]
        assert state(server)["next"] > time.time() + 60
        assert acme_home.log_wait("warning", r"certificate server was not had from the CA: https://ca\.example\.org")
        assert b"Postern" in served(NAME, server.ports["IMAPS"])
        # Whoever does not want to wait says so.
        with authority.run(PORTS):
            request(acme_home, "server")
        assert state(server)["failures"] == 0
        assert b"Pebble" in served(NAME, server.ports["IMAPS"])


def test_nothing_is_asked_for_before_the_terms_are_agreed_to(acme_home, authority):
    acme_home.configure(**{"Acme.AgreeTerms": "0"})
    with authority.run(PORTS), Server(acme_home):
        assert "AgreeTerms" in request(acme_home, "mail", NAME, expected=1)


def test_mailq_dies_in_the_midst(acme_home, authority):
    with authority.run(PORTS, PEBBLE_VA_NOSLEEP="0", PEBBLE_VA_SLEEPTIME="5"), Server(acme_home) as server:
        asking = subprocess.Popen([acme_home.postern, "cert", "request", "mail", NAME, "--home", str(acme_home.path)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in asking.stdout:
            if "showing" in line:
                break
        [pid] = roles(server)["mailq"]
        os.kill(pid, signal.SIGKILL)
        said = asking.communicate(timeout=SECONDS)[0]
        assert asking.returncode == 3 and "went away" in said
        until(lambda: roles(server)["mailq"] != [pid] and not list((acme_home.path / "sslcert").glob(".*")))
    with authority.run(PORTS), Server(acme_home):
        request(acme_home, "mail", NAME)


def test_a_parent_that_died_in_between_is_followed_up(acme_home, authority):
    """What was whole is put in place, halves are thrown away."""
    folder = acme_home.path / "sslcert"
    for suffix in ("crt", "key"):
        (folder / f".whole.{suffix}.new").write_bytes((folder / f"server-ecdsa.{suffix}").read_bytes())
    (folder / ".half.key.new").write_bytes(b"-----BEGIN")
    with Server(acme_home) as server:
        assert (folder / "whole.crt").read_bytes() == (folder / "server-ecdsa.crt").read_bytes()
        assert "whole" in [pair["name"] for pair in server.status()["certificates"]]
        assert not list(folder.glob(".*")) and not (folder / "half.key").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="reading another process's memory is for root")
def test_only_keys_ever_holds_the_key(acme_home, authority, folder):
    with authority.run(PORTS), Server(acme_home) as server:
        request(acme_home, "mail", NAME)
        files = [acme_home.path / "sslcert" / "mail.key", *(acme_home.path / "acme").glob("*.key")]
        secrets = [number for file in files for number in key_numbers(file)]
        for name in ("mailq", "front"):
            core = b"".join(core_of(pid, folder) for pid in roles(server)[name])
            assert not any(holds(core, number) for number in secrets), name
            assert not any(file.read_bytes().splitlines()[2] in core for file in files), name
        [pid] = roles(server)["keys"]
        held = core_of(pid, folder)
        assert all(holds(held, number) for number in key_numbers(files[0]))
