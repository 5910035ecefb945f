# SPDX-License-Identifier: Apache-2.0
"""Certificates that people bring, by command and by the page: requests whose keys wait here, previews, passwords."""
import base64
import json
import shutil
import threading

import pytest

from clients import client
from conftest import DOMAIN, home_copy
from harness.api import logged_in
from harness.authority import Authority
from harness.server import Server

ROOT, ROOT_PASSWORD = f"root@{DOMAIN}", "the administrator's"
SECRET = "a passphrase"


@pytest.fixture(scope="module")
def authority(workplace):
    folder = workplace / "import-authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture(scope="module")
def running(home_template, workplace):
    home = home_copy(home_template, workplace / "home-import")
    home.ports_shift(10000)
    home.user_add(ROOT, ROOT_PASSWORD, "--admin")
    with Server(home) as server:
        yield server
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(scope="module")
def admin(running):
    return logged_in(running, ROOT, ROOT_PASSWORD)


def serial(server, host):
    said = client("openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['IMAPS']}", "-servername", host, stdin="",
                  check=False)
    return client("openssl", "x509", "-noout", "-serial", stdin=said)


def signed(authority, folder, request, host, number):
    """What a CA makes of a request: the certificate alone."""
    (folder / "request").write_text(request)
    (folder / "names").write_text(f"subjectAltName = DNS:{host}\n")
    client("openssl", "x509", "-req", "-in", folder / "request", "-CA", authority.issuer, "-CAkey", authority.issuer_key,
           "-set_serial", number, "-days", 60, "-extfile", folder / "names", "-out", folder / "leaf.pem")
    return (folder / "leaf.pem").read_text()


def pem_of(crt, key):
    return crt.read_text() + key.read_text()


def written(home):
    return {str(path): path.read_bytes() for path in (home.path / "sslcert").rglob("*") if path.is_file()}


def told(home):
    """All that the server has logged."""
    return "".join(path.read_text(errors="replace") for path in (home.path / "store/logs").glob("*.log"))


# ---- requests

def test_a_request_waits_for_its_certificate(running, admin, authority, folder):
    home, host = running.home, "csr.example.org"
    answer = admin.post("/certificates/csr", {"name": "csr", "hosts": [host], "key_type": "rsa"})
    assert answer.status == 200 and answer.json["names"] == [host] and answer.json["kind"] == "RSA", answer
    key = home.path / "sslcert/requests/csr.key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_uid == (home.path / "sslcert").stat().st_uid
    assert "PRIVATE KEY" not in answer.body.decode()
    assert f"DNS:{host}" in client("openssl", "req", "-noout", "-text", "-verify", stdin=answer.json["request"])
    assert admin.post("/certificates/csr", {"name": "csr", "hosts": [host], "key_type": "ecdsa"}).status == 409
    [waiting] = admin.get("/certificates/requests").json["requests"]
    assert waiting["request"] == answer.json["request"] and waiting["name"] == "csr"
    leaf = signed(authority, folder, waiting["request"], host, 100)
    shown = admin.post("/certificates/import", {"name": "other", "pem": leaf, "dry_run": True}).json
    assert (shown["key"], shown["trust"], shown["replaces"]) == ("waited", "open", None), shown
    assert "bring the certificates that the CA calls intermediate" in shown["trust_text"]
    assert not (home.path / "sslcert/other.crt").exists()
    private = key.read_text()
    # The name need not be that of the request, nor the order that of TLS.
    answer = admin.post("/certificates/import", {"name": "other", "pem": authority.issuer.read_text() + leaf})
    assert answer.status == 200 and [link["subject"] for link in answer.json["chain"]] == ["csr.example.org", "Test Issuer"]
    assert serial(running, host) == "serial=64\n"
    assert (home.path / "sslcert/other.key").read_text() == private and not key.exists()
    assert (home.path / "sslcert/other.key").stat().st_mode & 0o777 == 0o600
    assert admin.get("/certificates/requests").json["requests"] == []
    # A renewal for the same key needs nothing but the certificate, and finds its issuer.
    answer = admin.post("/certificates/import", {"name": "other", "pem": signed(authority, folder, waiting["request"], host, 101)})
    assert answer.json["key"] == "of the pair" and len(answer.json["chain"]) == 2
    assert answer.json["replaces"]["names"] == [host]
    assert serial(running, host) == "serial=65\n"
    assert "PRIVATE KEY" not in told(home) and 'Make Request {Name="csr"}' in home.log("config")


def test_a_request_is_given_up(running, admin):
    home = running.home
    home.command("cert", "csr", "gone", "gone.example.org", "--key-type", "ecdsa")
    assert "gone.example.org" in home.command("cert", "pending", "list").stdout
    assert admin.delete("/certificates/requests/gone").status == 200
    assert admin.delete("/certificates/requests/gone").status == 404
    assert not list((home.path / "sslcert/requests").iterdir())
    assert home.command("cert", "pending", "remove", "gone", check=False).returncode == 2
    for body, field in (({"name": "../x", "key_type": "rsa"}, "name"), ({"name": "x", "key_type": "dsa"}, "key_type"),
                        ({"name": "x", "key_type": "rsa"}, "hosts"),
                        ({"name": "x", "hosts": ["a b"], "key_type": "rsa"}, "hosts")):
        answer = admin.post("/certificates/csr", body)
        assert (answer.status, answer.error["field"]) == (400, field), answer


def test_without_a_server_too(home, authority, folder):
    host = "still.example.org"
    request = home.command("cert", "csr", host, "--key-type", "ecdsa").stdout
    [waiting] = json.loads(home.command("cert", "pending", "list", "--json").stdout)["requests"]
    assert waiting["names"] == [host] and waiting["kind"] == "ECDSA"
    (folder / "answer").write_text(signed(authority, folder, request, host, 7) + authority.issuer.read_text())
    shown = home.command("cert", "import", host, folder / "answer", "--dry-run").stdout
    assert host in shown and "Nothing is written." in shown
    home.command("cert", "import", host, folder / "answer")
    key = home.path / f"sslcert/{host}.key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_uid == (home.path / "sslcert").stat().st_uid
    assert home.command("cert", "pending", "list").stdout == ""
    assert not list((home.path / "sslcert/requests").iterdir())
    with Server(home) as server:
        assert serial(server, host) == "serial=07\n"


# ---- what is brought

def test_a_preview_writes_nothing(running, admin, authority):
    home, before = running.home, written(running.home)
    good = authority.issue("preview", "preview.example.org")
    answer = admin.post("/certificates/import", {"name": "server", "pem": pem_of(*good), "dry_run": True}).json
    assert answer["usable"] and answer["problems"] == [] and answer["is_default"]
    assert answer["certificate"]["names"] == ["preview.example.org"] and "IMAPS" in answer["services"]
    assert answer["replaces"]["names"] == ["localhost"] and answer["key"] == "brought"
    for more, words in (({"days": -1, "begins": -9}, "expired on"), ({"kind": "rsa1024"}, "1024 bits"),
                        ({"days": 9}, "expires on")):
        bad = authority.issue("preview2", "preview.example.org", **more)
        answer = admin.post("/certificates/import", {"name": "server", "pem": pem_of(*bad), "dry_run": True})
        assert answer.status == 200 and words in answer.json["problems"][0]["text"], answer
        assert answer.json["usable"] == ("expires" in words)
        if "expires" not in words:
            answer = admin.post("/certificates/import", {"name": "server", "pem": pem_of(*bad)})
            assert (answer.status, answer.error["field"]) == (400, "pem") and words in answer.error["text"], answer
    for pem, words in ((good[0].read_text(), "no private key, and none that is here"), ("nothing", "no certificate"),
                       (pem_of(good[0], authority.issue("preview3", "a.example.org")[1]), "belongs to none"),
                       ("x" * 70000, "more than 60 KiB")):
        answer = admin.post("/certificates/import", {"name": "server", "pem": pem, "dry_run": True})
        assert answer.status == 400 and words in answer.error["text"], answer
    assert written(home) == before


def test_a_pkcs12_file_and_its_password(running, admin, authority, folder):
    crt, key = authority.issue("p12api", "p12api.example.org")
    client("openssl", "pkcs12", "-export", "-in", crt, "-inkey", key, "-passout", f"pass:{SECRET}", "-out", folder / "a.p12")
    body = {"name": "p12api", "pkcs12": base64.b64encode((folder / "a.p12").read_bytes()).decode()}
    for password, words in (("", "protected by a password"), ("wrong", "does not open it")):
        answer = admin.post("/certificates/import", {**body, "password": password})
        assert (answer.status, answer.error["field"]) == (400, "password") and words in answer.error["text"], answer
    answer = admin.post("/certificates/import", {**body, "password": SECRET})
    assert answer.status == 200 and answer.json["certificate"]["names"] == ["p12api.example.org"]
    assert "p12api" in client("openssl", "x509", "-noout", "-subject", stdin=client(
        "openssl", "s_client", "-connect", f"127.0.0.1:{running.ports['IMAPS']}", "-servername", "p12api.example.org",
        stdin="", check=False))
    assert admin.post("/certificates/import", {**body, "pkcs12": "?"}).error["field"] == "pkcs12"
    assert SECRET not in told(running.home)


def test_an_encrypted_private_key(running, admin, authority, folder):
    home = running.home
    crt, key = authority.issue("locked", "locked.example.org", kind="rsa")
    locked = folder / "locked.key"
    client("openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", f"pass:{SECRET}")
    pem = crt.read_text() + locked.read_text()
    answer = admin.post("/certificates/import", {"name": "locked", "pem": pem, "password": "wrong"})
    assert (answer.status, answer.error["field"]) == (400, "password"), answer
    assert admin.post("/certificates/import", {"name": "locked", "pem": pem, "password": SECRET}).status == 200
    assert "ENCRYPTED" not in (home.path / "sslcert/locked.key").read_text()
    # By the command line: the password before the file, and beside files.
    home.command("cert", "import", "locked2", "--password-stdin", stdin=f"{SECRET}\n{pem}")
    home.command("cert", "import", "locked3", crt, locked, "--password-stdin", stdin=f"{SECRET}\n")
    assert (home.path / "sslcert/locked2.key").read_bytes() == (home.path / "sslcert/locked3.key").read_bytes()
    assert SECRET not in told(home)


# ---- what there is

def test_a_broken_pair_hides_no_other(running, admin):
    (running.home.path / "sslcert/broken.crt").write_text("nothing")
    try:
        answer = admin.get("/certificates")
        assert answer.status == 200 and answer.json["finding"] is True, answer
        found = {pair["name"]: pair for pair in answer.json["certificates"]}
        assert found["broken"]["problems"] and found["server"]["in_force"]
        # The page's processes may read no key; that of a pair in force was judged by the server.
        assert found["server"]["problems"] == [], found["server"]
    finally:
        (running.home.path / "sslcert/broken.crt").unlink()


def test_in_force_is_said_when_it_is(running, authority):
    """Others have the server put something in force all the time: what began before is not what is waited for."""
    home, host = running.home, "busy.example.org"
    pairs = [authority.issue(f"busy{number}", host) for number in range(2)]
    expected = [client("openssl", "x509", "-noout", "-serial", "-in", crt) for crt, _ in pairs]
    ended = threading.Event()

    def disturb():
        while not ended.is_set():
            home.command("reload")

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for number in [0, 1] * 2:
            home.command("cert", "import", host, *pairs[number])
            assert serial(running, host) == expected[number]
    finally:
        ended.set()
        disturber.join()


# ---- what each port serves

STARTTLS = {"SMTP": "smtp", "Submission": "smtp", "IMAP": "imap", "POP3": "pop3"}


def shown(port, host, kind):
    """The certificate that a client gets which can use one kind of key alone."""
    way = ["-starttls", STARTTLS[port["service"]]] if port["tls"] == "starttls" else []
    name = ["-servername", host] if host else ["-noservername"]
    said = client("openssl", "s_client", "-connect", port["address"], *way, *name, "-tls1_2", "-cipher",
                  f"ECDHE-{kind}-AES128-GCM-SHA256", stdin="", check=False)
    return client("openssl", "x509", "-noout", "-fingerprint", stdin=said, check=False)


def test_what_each_port_serves(running, admin):
    home = running.home
    home.command("cert", "self-signed", "wild", "wild.example.org", "*.wild.example.org")
    served = admin.get("/certificates/served").json
    kinds = {pair["name"]: pair["kind"] for pair in served["certificates"]}
    asked = {row["name"]: sorted(row["certificates"]) for row in served["names"]}
    assert served["in_force"] and "HTTP" not in [port["service"] for port in served["ports"]]
    assert {port["service"] for port in served["ports"]} == set(admin.get("/certificates").json["certificates"][0]["services"])
    assert asked[None] == ["server", "server-ecdsa"] == asked["localhost"]
    assert asked["wild.example.org"] == ["wild", "wild-ecdsa"] == asked["*.wild.example.org"]
    imaps = next(port for port in served["ports"] if port["service"] == "IMAPS")
    tried = [(port, None, None) for port in served["ports"] if not port["address"].startswith("[")]
    tried += [(imaps, host, name) for host, name in (("unknown.example.org", None), ("wild.example.org",) * 2,
                                                     ("any.wild.example.org", "*.wild.example.org"))]
    for port, host, name in tried:
        for pair in asked[name]:
            path = home.path / "sslcert" / f"{pair}.crt"
            assert shown(port, host, kinds[pair]) == client("openssl", "x509", "-noout", "-fingerprint", "-in", path), (port, host)
    text = home.command("cert", "served").stdout
    assert "no name, or another" in text and "*.wild.example.org" in text and "IMAPS" in text
    # What is served is told, not what lies there: a file that is not in force changes nothing.
    path = home.path / "sslcert/wild.crt"
    whole = path.read_text()
    path.write_text("nothing")
    served = admin.get("/certificates/served").json
    assert [pair["on_disk"] for pair in served["certificates"] if pair["name"] == "wild"] == [False]
    assert {row["name"]: row["certificates"] for row in served["names"]}["wild.example.org"] == ["wild-ecdsa"]
    path.write_text(whole)
