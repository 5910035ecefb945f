# SPDX-License-Identifier: Apache-2.0
"""Certificates from a CA, Debian's pebble: had, renewed, refused."""
import os
import re

from acme import NAME, PORTS, acme_home, authority, certificate, key_of, request, served  # noqa: F401
from harness.server import Server


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
    with authority.run(PORTS, PEBBLE_WFE_NONCEREJECT="30"), Server(acme_home):
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
