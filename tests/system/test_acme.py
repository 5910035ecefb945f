# SPDX-License-Identifier: Apache-2.0
"""Certificates from a CA, Debian's pebble: had, renewed, refused, and never a key in the wrong hands."""
import hashlib
import os
import re
import signal
import ssl
import subprocess
import time

import pytest

import acme
from clients import client
from harness.server import Server
from test_roles import core_of, holds, key_numbers, roles

NAME = "mail.example.org"
PORTS = {"HTTP": 2080, "HTTPS": 4040}


@pytest.fixture(scope="module")
def authority(workplace):
    folder = workplace / "pebble"
    folder.mkdir()
    with acme.names(folder):
        yield acme.Authority(folder)


@pytest.fixture
def acme_home(home, authority):
    """A home that trusts the CA and may ask it, but asks for nothing by itself."""
    folder = home.path / "sslca"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    (folder / "pebble.crt").write_bytes(authority.trust.read_bytes())
    (folder / "pebble.crt").chmod(0o644)
    home.configure(**{"Acme.Directory": acme.DIRECTORY, "Acme.AgreeTerms": "1", "Acme.Contact": f"me@{NAME}",
                      "Resolver.Servers": "127.0.0.1@8053", "Service[HTTP].Enabled": "1"})
    return home


def certificate(home, name):
    """Of the file in sslcert."""
    return ssl.PEM_cert_to_DER_cert((home.path / "sslcert" / f"{name}.crt").read_text())


def served(host, port):
    """What the server shows to who asks for a name, in DER form."""
    pem = client("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", host, stdin="Q\n", check=False)
    return ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN.*?-----END CERTIFICATE-----", pem, re.S)[0])


def key_of(der):
    """The public key of a certificate."""
    shown = subprocess.run(["openssl", "x509", "-inform", "DER", "-pubkey", "-noout"], input=der, check=True,
                           stdout=subprocess.PIPE).stdout
    return hashlib.sha256(shown).hexdigest()


def request(home, *words, expected=0):
    done = home.command("cert", "request", *words, check=False)
    assert done.returncode == expected, done.stdout + done.stderr + home.log("error") + home.log("warning")
    return done.stdout + done.stderr


def test_http_01_and_renewal_with_a_new_key(acme_home, authority):
    with authority.run(PORTS), Server(acme_home) as server:
        said = request(acme_home, "mail", NAME, "imap.example.org")
        assert f"showing that {NAME} is ours" in said
        assert "certificate mail is in force" in said
        assert "no row mail in the list AcmeCertificate" in said
        first = certificate(acme_home, "mail")
        assert served(NAME, server.ports["IMAPS"]) == first
        assert served("imap.example.org", server.ports["HTTPS"]) == first
        assert b"Postern" in served("else.example.org", server.ports["IMAPS"])
        request(acme_home, "mail", NAME, "imap.example.org")
        second = certificate(acme_home, "mail")
        assert served(NAME, server.ports["IMAPS"]) == second != first
        assert key_of(first) != key_of(second)
        # The account is the same, and its key has a file of its own.
        accounts = list((acme_home.path / "acme").glob("*.key"))
        assert len(accounts) == 1
        for path in [*accounts, acme_home.path / "sslcert" / "mail.key"]:
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.stat().st_uid == os.getuid()
        assert not list((acme_home.path / "sslcert").glob(".*"))
        assert re.search(r"mail", acme_home.command("evidence", "list").stdout)
        acme_home.command("evidence", "verify")


def test_tls_alpn_01_rsa_and_renewal_with_the_same_key(acme_home, authority):
    acme_home.configure(**{"Acme.Challenge": "tls-alpn-01", "Acme.KeyReuse": "1", "Service[HTTP].Enabled": "0"})
    with authority.run(PORTS), Server(acme_home) as server:
        request(acme_home, "mail", NAME, "--key-type", "rsa")
        first = certificate(acme_home, "mail")
        assert b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" in first
        assert served(NAME, server.ports["HTTPS"]) == first
        request(acme_home, "mail", NAME, "--key-type", "rsa")
        second = certificate(acme_home, "mail")
        assert served(NAME, server.ports["HTTPS"]) == second != first
        assert key_of(first) == key_of(second)
        # Another kind of key cannot be that of before.
        request(acme_home, "mail", NAME, "--key-type", "ecdsa")
        assert key_of(certificate(acme_home, "mail")) != key_of(second)


def test_bad_nonces_are_tried_again(acme_home, authority):
    with authority.run(PORTS, PEBBLE_WFE_NONCEREJECT="40"), Server(acme_home):
        request(acme_home, "mail", NAME)
        request(acme_home, "mail", NAME)


def test_what_the_ca_refuses_is_explained(acme_home, authority):
    with authority.run({"HTTP": 1, "HTTPS": 2}), Server(acme_home) as server:
        before = served(NAME, server.ports["IMAPS"])
        said = request(acme_home, "mail", NAME, expected=1)
        assert f"{NAME}: the CA could not connect to this server" in said
        assert "port 80 (http-01) or 443 (tls-alpn-01)" in said
        said = request(acme_home, "mail", "*.example.org", expected=2)
        assert "is a wildcard" in said
        said = request(acme_home, "mail", expected=2)
        assert "no row mail" in said
        assert served(NAME, server.ports["IMAPS"]) == before
        assert not (acme_home.path / "sslcert" / "mail.key").exists()
        assert not list((acme_home.path / "sslcert").glob(".*"))


def state(server):
    found = server.status()["acme"]
    return found[0] if found else None


def wait_for(what, seconds=30):
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > until:
            assert found
            return found
        time.sleep(0.1)


def listed(home, name="server", domains=NAME):
    config = home.config()
    config.item_add("AcmeCertificate", Name=name, Domains=domains)
    config.write()


def test_a_row_is_had_and_renewed_by_itself(acme_home, authority):
    """A certificate of 12 seconds is renewed in its last third; nobody asks for it."""
    listed(acme_home)
    with authority.run(PORTS, validity=12), Server(acme_home) as server:
        path = acme_home.path / "sslcert" / "server.crt"
        local = path.read_text()
        first = wait_for(lambda: path.read_text() != local and path.read_text())
        second = wait_for(lambda: path.read_text() != first and path.read_text())
        wait_for(lambda: served("nobody.example.org", server.ports["IMAPS"]) == ssl.PEM_cert_to_DER_cert(second)
                 or path.read_text() != second)
        assert state(server)["failures"] == 0


def test_a_ca_that_is_down_is_asked_again_later(acme_home, authority):
    listed(acme_home)
    with Server(acme_home) as server:
        wait_for(lambda: state(server) and state(server)["failures"] == 1)
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
        said = asking.communicate(timeout=30)[0]
        assert asking.returncode == 3 and "went away" in said
        wait_for(lambda: roles(server)["mailq"] != [pid] and not list((acme_home.path / "sslcert").glob(".*")))
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
