# SPDX-License-Identifier: Apache-2.0
"""Roles are processes: one that dies is started again, and a front holds neither keys nor password hashes."""
import imaplib
import os
import re
import signal
import smtplib
import subprocess
import time

import pytest

from clients import client, imap_login, imap_ok, imap_subjects, message, s_client, smtp_send
from conftest import ANNA, BERT, PASSWORDS
from harness.server import Server
from harness.waiting import SECONDS

ROLES = ["keys", "auth", "store", "front", "mailq", "admin"]


def roles(server):
    """Role name -> process ids."""
    found = {}
    for role in server.status()["roles"]:
        found.setdefault(role["name"].rstrip("0123456789"), []).append(role["pid"])
    return found


def wait_restarted(server, name, old):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        new = roles(server).get(name, [])
        if new and old not in new:
            return new
        time.sleep(0.1)
    raise AssertionError(f"{name} was not started again")


def works(server, subject):
    """A message goes in over port 25 and comes out over IMAPS."""
    until = time.monotonic() + 20
    while True:
        try:
            smtp_send(server, message(subject, BERT, ANNA), BERT, [ANNA])
            return subject in imap_subjects(server, ANNA, PASSWORDS[ANNA])
        except (OSError, AssertionError, smtplib.SMTPException, imaplib.IMAP4.error):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize("name", ROLES)
def test_a_killed_role_is_started_again(server, name):
    assert works(server, "before")
    before = roles(server)
    pid = before[name][0]
    os.kill(pid, signal.SIGKILL)
    wait_restarted(server, name, pid)
    after = roles(server)
    for other in set(ROLES) - {name}:
        assert set(before[other]) <= set(after[other]), f"{other} did not go on"
    assert works(server, "after")
    assert "before" in imap_subjects(server, ANNA, PASSWORDS[ANNA])
    assert server.home.log_wait("error", name)


def test_keys_are_out_of_reach(server):
    """Neither debugged by others nor able to open a file or a socket."""
    [pid] = roles(server)["keys"]
    status = open(f"/proc/{pid}/status", encoding="ascii").read()
    assert re.search(r"^Seccomp:\s+2$", status, re.M), status
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M), status


def test_the_parent_has_no_threads(server):
    assert re.search(r"^Threads:\s+1$", open(f"/proc/{server.process.pid}/status", encoding="ascii").read(), re.M)


# ---- what a front's memory holds

def key_numbers(path):
    """The secret numbers of a private key file, as big-endian bytes."""
    text = client("openssl", "pkey", "-in", path, "-noout", "-text")
    secrets = []
    for name, digits in re.findall(r"^(\w+):\n((?:    [0-9a-f:]+\n)+)", text, re.M):
        if name in ("priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"):
            secrets.append(bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits)).lstrip(b"\0"))
    assert secrets, text
    return secrets


def core_of(pid, folder):
    subprocess.run(["gcore", "-a", "-o", str(folder / "core"), str(pid)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=2 * SECONDS)
    return (folder / f"core.{pid}").read_bytes()


def holds(core, number):
    """True when the number stands there in either byte order, as a whole or a good part of it."""
    part = number[-24:]
    return part in core or part[::-1] in core


@pytest.mark.skipif(os.getuid() != 0, reason="reading another process's memory is for root")
def test_a_front_holds_neither_private_keys_nor_password_hashes(server, folder):
    with imap_login(server, ANNA, PASSWORDS[ANNA]) as imap:
        imap_ok(imap.select("INBOX"))
        for version in ("-tls1_2", "-tls1_3"):
            s_client(server, "IMAPS", version)
        assert works(server, "through the front")
        core = b"".join(core_of(pid, folder) for pid in roles(server)["front"])
    keys = list((server.home.path / "sslcert").glob("*.key"))
    assert keys
    for key in keys:
        assert not any(holds(core, number) for number in key_numbers(key)), key
        pem = key.read_bytes().splitlines()[2]
        assert pem not in core
    assert b"$argon2id$" not in core
    # The search finds what is there: a name that the session knows, and the key in the role that holds it.
    assert ANNA.encode() in core
    [pid] = roles(server)["keys"]
    held = core_of(pid, folder)
    assert any(holds(held, number) for key in keys for number in key_numbers(key))


# ---- the end

def test_a_server_that_has_hardly_begun_ends_by_itself(home):
    """What a role has begun it may finish with the others, also when it has not met them yet; nobody is killed."""
    for _ in range(3):
        with Server(home) as server:
            pass
        assert "is killed" not in server.output, server.output
