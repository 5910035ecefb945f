# SPDX-License-Identifier: Apache-2.0
"""What the pages change of a server, each test with one of its own: see scenarios/."""
import subprocess

from acme import NAME, PORTS
from conftest import ADMIN, AUDITOR
from harness.authority import Authority
from harness.server import Server

ATTACK_NAME = "<img src=x onerror=attacked=1>"


def test_the_minimum_is_raised_undone_kept_and_reset(browse, server):
    browse("policy", server)
    assert "admin@example.org - Update Security" in server.home.log("config")
    server.home.command("evidence", "verify")


def test_variables_suites_overrides_and_the_way_back(browse, server):
    browse("advanced", server)


def test_own_account(browse, server):
    browse("account", server)
    home = server.home
    for who in (ADMIN, AUDITOR):
        home.log_wait("config", f'{who} - Switch on Second Factor of User {{Name="{who}"}}')
        assert f"HTTP/WebMail: Invalid password for user {who}. Attempt from IP address " in home.log("security")
    home.log_wait("config", f'{ADMIN} - Remove Second Factor of User {{Name="{AUDITOR}"}}')


def test_first_steps(browse, acme_home, authority):
    with Server(acme_home) as server:
        browse("setup", server)


def test_a_certificate_of_a_ca_is_served_without_a_restart(browse, acme_home, authority):
    with authority.run(PORTS), Server(acme_home) as server:
        browse("certificates", server, name=NAME)


def test_a_row_of_acme_brings_a_certificate(browse, acme_home, authority):
    acme_home.configure(**{"Acme.AgreeTerms": "0"})
    with authority.run(PORTS), Server(acme_home) as server:
        browse("acme", server, name=NAME)


def own_authority(folder):
    """A CA of our own, and pairs of it for the page to import, as facts of a scenario."""
    folder.mkdir()
    ours = Authority(folder)
    made = {"two": ours.issue("two", "two.example.org", kind="rsa"), "other": ours.issue("other", "two.example.org"),
            "expired": ours.issue("expired", "late.example.org", days=-1, begins=-9),
            "foreign": foreign_pair(folder)}
    crt, key = ours.issue("box", "box.example.org")
    subprocess.run(["openssl", "pkcs12", "-export", "-in", crt, "-inkey", key, "-passout", "pass:open sesame", "-out",
                    folder / "box.p12"], check=True)
    return {"issuer": str(ours.issuer), "issuer_key": str(ours.issuer_key), "p12": str(folder / "box.p12"),
            "p12_password": "open sesame",
            **{name: {"crt": str(crt), "key": str(key)} for name, (crt, key) in made.items()}}


def test_certificates_are_brought_made_and_asked_for(browse, server, tmp_path):
    browse("import", server, **own_authority(tmp_path / "authority"))
    log = "".join(path.read_text(errors="replace") for path in (server.home.path / "store/logs").glob("*.log"))
    assert "open sesame" not in log and "PRIVATE KEY" not in log


def foreign_pair(folder):
    """A pair whose subject is an attack on who shows it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "30", "-subj", f"/CN={ATTACK_NAME}", "-addext", "subjectAltName=DNS:foreign.example.org", "-keyout",
                    folder / "foreign.key", "-out", folder / "foreign.crt"], check=True, stderr=subprocess.DEVNULL)
    return folder / "foreign.crt", folder / "foreign.key"


def test_what_strangers_say_is_text(browse, home):
    foreign_pair(home.path / "sslcert")
    with Server(home) as server:
        browse("foreign", server)
