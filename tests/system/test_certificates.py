# SPDX-License-Identifier: Apache-2.0
"""Pairs in sslcert/: listed, brought in, replaced while the server runs, refused in words with the old one kept."""
import json
import os
import re
import shutil

import pytest

from clients import client
from conftest import home_copy
from harness.authority import Authority
from harness.server import Server
from harness.waiting import until

NAME = "mail.example.org"


@pytest.fixture(scope="module")
def authority(workplace):
    folder = workplace / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture(scope="module")
def running(home_template, workplace):
    """One server for all that replace a pair of a name of their own."""
    home = home_copy(home_template, workplace / "certificates")
    home.ports_shift(10000)
    with Server(home) as server:
        yield server


def listed(home, name):
    found = json.loads(home.command("cert", "list", "--json", check=False).stdout)["certificates"]
    return next((pair for pair in found if pair["name"] == name), None)


def imaps_client(server, host, *options):
    """What s_client says; releases of OpenSSL differ in the blanks of names, here they have none."""
    said = client("openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['IMAPS']}", "-servername", host,
                  *options, stdin="", check=False)
    return said.replace("CN = ", "CN=")


def served(server, host=NAME, *options):
    """Subject and issuer that a client which names `host` gets."""
    said = imaps_client(server, host, *options)
    found = re.search(r"subject=(.*)\s+issuer=(.*)", said)
    return found and (found[1].strip(), found[2].strip())


def serial(server, host):
    said = client("openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['IMAPS']}", "-servername", host,
                  stdin="", check=False)
    return client("openssl", "x509", "-noout", "-serial", stdin=said)


def put(server, name, crt, key):
    """Both files as a tool would copy them."""
    folder = server.home.path / "sslcert"
    shutil.copy(key, folder / f"{name}.key")
    shutil.copy(crt, folder / f"{name}.crt")


def put_and_wait(server, name, host, crt, key):
    put(server, name, crt, key)
    until(lambda: "Test Issuer" in served(server, host)[1])
    return serial(server, host)


# ---- cert list

def test_list_tells_what_there_is(running):
    home = running.home
    pair = listed(home, "server")
    assert pair["kind"] == "RSA" and pair["bits"] == 2048 and pair["names"] == ["localhost"]
    assert pair["in_force"] is True and pair["is_default"] and "IMAPS" in pair["services"]
    assert pair["scts"] == "not needed" and pair["days_left"] > 800 and pair["problems"] == []
    key = client("openssl", "x509", "-in", home.path / "sslcert" / "server.crt", "-noout", "-pubkey")
    der = home.path / "spki.der"
    client("openssl", "pkey", "-pubin", "-outform", "DER", "-out", der, stdin=key)
    assert pair["key_id"] in client("openssl", "dgst", "-sha256", der)
    text = home.command("cert", "list").stdout
    assert f"{pair['key_id']} (TLSA 3 1 1)" in text and "in force  yes" in text


def test_a_public_certificate_without_scts_is_a_warning(home, authority):
    authority.issue("public", "public.example.org")
    authority.issue("sct", "sct.example.org", extensions=["1.3.6.1.4.1.11129.2.4.2 = DER:040404020000"])
    put_at = home.path / "sslcert"
    for name, source in (("public.example.org", "public"), ("sct.example.org", "sct")):
        shutil.copy(authority.folder / f"{source}.crt", put_at / f"{name}.crt")
        shutil.copy(authority.folder / f"{source}.key", put_at / f"{name}.key")
    assert home.command("check").returncode == 0
    os.environ["SSL_CERT_FILE"] = str(authority.root)
    try:
        done = home.command("cert", "list", check=False)
        assert done.returncode == 1 and done.stdout.count('Chrome may show "Not secure"') == 1, done.stdout
        assert listed(home, "public.example.org")["scts"] == "missing"
        assert listed(home, "sct.example.org")["scts"] == "present"
        assert 'Chrome may show "Not secure"' in home.command("check", check=False).stdout
        shutil.copy(authority.root, home.path / "sslca" / "root.pem")
        assert home.command("cert", "list").returncode == 0
    finally:
        del os.environ["SSL_CERT_FILE"]


# ---- cert import, self-signed, csr

def test_import_orders_serves_and_records(running, authority, folder):
    home, host = running.home, "import.example.org"
    crt, key = authority.issue("import", host, kind="rsa")
    parts = re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n", crt.read_text(), re.S)
    mixed = folder / "mixed.pem"
    mixed.write_text(authority.root.read_text() + "\r\n".join(parts[1].split("\n")) + parts[0])
    done = home.command("cert", "import", host, mixed, key)
    assert "In force." in done.stdout, done.stdout
    assert served(running, host) == (f"CN={host}", "CN=Test Issuer")
    assert listed(home, host)["in_force"] is True
    written = (home.path / "sslcert" / f"{host}.crt").read_text()
    assert [part in written for part in parts] == [True, True] and written.index(parts[0]) == 0
    assert (home.path / "sslcert" / f"{host}.key").stat().st_mode & 0o777 == 0o600
    assert f'Import Certificate {{Name="{host}"}}' in home.log("config")
    entries = json.loads(home.command("evidence", "list", "--json").stdout)["entries"]
    assert any(change["variable"] == host and host in change["new"] for entry in entries
               for change in entry["changes"] if entry["kind"] == "certificate change")


def test_a_renewal_keeps_the_key_and_finds_its_issuers(running, authority, folder):
    home, host = running.home, "renew.example.org"
    crt, key = authority.issue("renew", host)
    home.command("cert", "import", host, crt, key)
    before = serial(running, host)
    (folder / "request").write_text(home.command("cert", "csr", host).stdout)
    assert f"DNS:{host}" in client("openssl", "req", "-in", folder / "request", "-noout", "-text", "-verify")
    more = authority.folder / "renew.ext"
    leaf = folder / "leaf.pem"
    client("openssl", "x509", "-req", "-in", folder / "request", "-CA", authority.issuer, "-CAkey",
           authority.issuer_key, "-set_serial", "77", "-days", "60", "-extfile", more, "-out", leaf)
    home.command("cert", "import", host, leaf)
    assert serial(running, host) == "serial=4D\n" != before
    assert (home.path / "sslcert" / f"{host}.crt").read_text().count("BEGIN CERTIFICATE") == 2


def test_pkcs12_is_read(running, authority, folder):
    home, host = running.home, "p12.example.org"
    crt, key = authority.issue("p12", host)
    client("openssl", "pkcs12", "-export", "-in", crt, "-inkey", key, "-passout", "pass:secret", "-out",
           folder / "pair.p12")
    wrong = home.command("cert", "import", host, folder / "pair.p12", "--password-stdin", stdin="other\n", check=False)
    assert wrong.returncode == 2 and "the password does not open it" in wrong.stderr
    home.command("cert", "import", host, folder / "pair.p12", "--password-stdin", stdin="secret\n")
    assert served(running, host) == (f"CN={host}", "CN=Test Issuer")


REFUSED = [({"key": "other"}, "belongs to none of the certificates"),
           ({"days": -1, "begins": -9}, "expired on"),
           ({"days": 9, "begins": 5}, "not good before"),
           ({"kind": "ed25519"}, "Ed25519, which common mail clients do not support"),
           ({"kind": "rsa1024"}, "its RSA key has 1024 bits")]


def test_import_refuses_and_keeps_what_is_there(home, authority):
    crt, key = authority.issue("refused", NAME)
    home.command("cert", "import", NAME, crt, key)
    before = {path.name: path.read_bytes() for path in (home.path / "sslcert").iterdir()}
    _, other = authority.issue("other", NAME)
    for what, words in REFUSED:
        crt, key = authority.issue("refused2", NAME, **{name: it for name, it in what.items() if name != "key"})
        done = home.command("cert", "import", NAME, crt, other if "key" in what else key, check=False)
        assert done.returncode == 2 and words in done.stderr and "as they were" in done.stderr, done.stderr
        assert before == {path.name: path.read_bytes() for path in (home.path / "sslcert").iterdir()}


def test_self_signed_makes_what_init_makes(running):
    home = running.home
    home.command("cert", "self-signed", "own", "own.example.org", "*.own.example.org")
    for host in ("own.example.org", "www.own.example.org"):
        assert served(running, host) == ("CN=own.example.org", "CN=Postern local root for own.example.org")
    assert listed(home, "own-ecdsa")["kind"] == "ECDSA" and listed(home, "own")["kind"] == "RSA"
    # RSA and ECDSA side by side under one name: each client gets what it can use.
    for suites, kind in (("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA"), ("ECDHE-RSA-AES128-GCM-SHA256", "RSA")):
        said = imaps_client(running, "own.example.org", "-tls1_2", "-cipher", suites)
        # "ECDSA" or "ecdsa_secp256r1_sha256", by the release.
        assert re.search(rf"Peer signature type: {kind}", said, re.I) and "CN=own.example.org" in said, said


def test_a_pair_of_a_ca_is_not_overwritten(home, authority):
    crt, key = authority.issue("kept", NAME)
    home.command("cert", "import", NAME, crt, key)
    done = home.command("cert", "self-signed", NAME, check=False)
    assert done.returncode == 2 and "not of our own making" in done.stderr


# ---- replaced while the server runs

def test_new_pairs_are_served_without_a_restart(running, authority):
    hosts = {kind: f"{kind}.example.org" for kind in ("rsa", "ec", "p384", "p521")}
    for kind, host in hosts.items():
        put(running, host, *authority.issue(f"new-{kind}", host, kind=kind))
    for host in hosts.values():
        until(lambda: served(running, host)[0] == f"CN={host}")


@pytest.mark.parametrize("first, second", [("key", "crt"), ("crt", "key")])
def test_a_half_replaced_pair_keeps_the_old_one(running, authority, first, second):
    host = f"{first}-first.example.org"
    old = put_and_wait(running, host, host, *authority.issue(f"old-{first}", host))
    new = dict(zip(("crt", "key"), authority.issue(f"half-{first}", host)))
    shutil.copy(new[first], running.home.path / "sslcert" / f"{host}.{first}")
    assert running.home.log_wait("error", rf"certificate {host} refused: {host}.key is not the key of {host}.crt; "
                                          "the pair before it stays in use")
    assert serial(running, host) == old
    shutil.copy(new[second], running.home.path / "sslcert" / f"{host}.{second}")
    until(lambda: serial(running, host) != old)


def test_links_as_certbot_makes_them_are_followed(running, authority):
    """live/NAME/fullchain.pem is a link into archive/; a renewal puts other links in their places."""
    host, folder = "certbot.example.org", authority.folder / "archive"
    folder.mkdir()
    sslcert = running.home.path / "sslcert"

    def link(number):
        pair = authority.issue(f"certbot{number}", host)
        for source, suffix in zip(pair, ("crt", "key")):
            target = folder / f"{suffix}{number}.pem"
            shutil.copy(source, target)
            fresh = sslcert / f".{suffix}.new"
            fresh.symlink_to(target)
            fresh.rename(sslcert / f"{host}.{suffix}")
    link(1)
    until(lambda: served(running, host)[0] == f"CN={host}")
    before = serial(running, host)
    link(2)
    until(lambda: serial(running, host) != before)


def refused_words(authority, case, host):
    crt, key = authority.issue(f"bad-{case}", host, **{
        "expired": {"days": -1, "begins": -9}, "early": {"days": 9, "begins": 5},
        "ed25519": {"kind": "ed25519"}, "rsa1024": {"kind": "rsa1024"}}.get(case, {}))
    if case == "empty":
        crt.write_bytes(b"")
    elif case == "cut":
        crt.write_text(crt.read_text()[:400])
    elif case == "der":
        client("openssl", "x509", "-in", crt, "-outform", "DER", "-out", crt)
    elif case == "huge":
        crt.write_bytes(crt.read_bytes() * 10000)
    elif case == "order":
        leaf, issuer = re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n", crt.read_text(), re.S)
        crt.write_text(issuer + leaf)
    elif case == "passphrase":
        client("openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:secret", "-out",
               locked := key.with_suffix(".locked"))
        return crt, locked
    return crt, key


NOT_RIGHT = {
    "expired": r"crt: it expired on .*; get a new one", "early": r"crt: it is not valid before .*; check the machine",
    "ed25519": r"crt: its key is Ed25519, which common mail clients do not support; make an ECDSA key",
    "rsa1024": r"crt: its RSA key has 1024 bits; at least 2048 are needed",
    "empty": r"crt: it is empty", "cut": r"crt: certificate number 1 in it is cut off",
    "der": r"crt: it is in binary form \(DER\)", "huge": r"crt: it has more than 60 KiB",
    "order": r"key: it belongs to certificate number 2 of .*; put that first",
    "passphrase": r"key: the private key is protected by a passphrase"}


def test_pairs_that_are_not_right_are_refused_in_words(running, authority):
    hosts = {case: f"bad-{case}.example.org" for case in NOT_RIGHT}
    for case, host in hosts.items():
        put(running, host, *authority.issue(f"good-{case}", host))
    for host in hosts.values():
        until(lambda: served(running, host)[0] == f"CN={host}")
    before = {case: serial(running, host) for case, host in hosts.items()}
    for case, host in hosts.items():
        put(running, host, *refused_words(authority, case, host))
    for case, host in hosts.items():
        line = rf"certificate {host} refused: {host}\.{NOT_RIGHT[case]}.*; the pair before it stays in use"
        assert running.home.log_wait("error", line), running.home.log("error")[-4000:]
        assert serial(running, host) == before[case]
        problems = listed(running.home, host)["problems"]
        assert any(problem["severity"] == "error" for problem in problems), problems
    for host in hosts.values():
        for suffix in ("crt", "key"):
            (running.home.path / "sslcert" / f"{host}.{suffix}").unlink()


def test_an_unreadable_pair_keeps_the_old_one(running, authority):
    host = "unreadable.example.org"
    old = put_and_wait(running, host, host, *authority.issue("unreadable", host))
    path = running.home.path / "sslcert" / f"{host}.key"
    path.unlink()
    path.mkdir()
    running.home.command("reload")
    assert re.search(rf"certificate {host} refused: {host}.key: .*; the pair before it stays in use",
                     running.home.log("error"))
    assert serial(running, host) == old
    path.rmdir()


def test_a_deleted_pair_is_served_no_more(running, authority):
    host = "deleted.example.org"
    put_and_wait(running, host, host, *authority.issue("deleted", host))
    for suffix in ("crt", "key"):
        (running.home.path / "sslcert" / f"{host}.{suffix}").unlink()
    until(lambda: served(running, host)[0] == "CN=localhost")


def test_the_last_default_pair_stays_in_use(server, authority):
    home = server.home
    put_and_wait(server, NAME, NAME, *authority.issue("only", NAME))
    for path in (home.path / "sslcert").glob("server*"):
        path.unlink()
    assert home.log_wait("error", "certificate server is gone, and none is there for clients that name no host")
    assert served(server, "localhost")[0] == "CN=localhost"
    server.stop()
    with Server(home) as again:
        assert served(again, "localhost")[0] == f"CN={NAME}"
        assert f"certificate {NAME} serves clients that name no host" in home.log("warning")


def test_a_broken_file_hinders_no_certificate(server, authority):
    home = server.home
    home.config_path.write_text(home.config_path.read_text() + "<broken")
    assert home.log_wait("error", r"mailserver\.cfg")
    put_and_wait(server, NAME, NAME, *authority.issue("broken", NAME))
    assert home.command("cert", "import", NAME, *authority.issue("broken2", NAME)).stdout.endswith("In force.\n")


# ---- certificates that end

def metric(server, name):
    said = client("curl", "-sk", f"https://127.0.0.1:{server.ports['HTTPS']}/metrics")
    found = re.search(rf'^postern_certificate_expiry_seconds\{{name="{name}",kind="ECDSA"\}} (-?\d+)$', said, re.M)
    return found and int(found[1])


def said_of(home, name):
    return [line for log in ("warning", "error") for line in home.log(log).splitlines()
            if re.search(rf"certificate {name} expire[sd] on", line)]


def test_certificates_that_end_are_told_of_once(home, authority):
    days = {"in-29.example.org": 29, "in-13.example.org": 13, "in-0.example.org": 0.5, "in-99.example.org": 99}
    for host, left in days.items():
        home.command("cert", "import", host, *authority.issue(host, host, days=left), check=False)
    assert "expires on" in home.command("check", check=False).stdout
    for _ in range(2):
        with Server(home) as server:
            assert home.log_wait("error", r"certificate in-0\.example\.org expires on .*, in less than a day")
            assert home.log_wait("warning", r"certificate in-13\.example\.org expires on .*, in 1[23] days")
            status = {one["name"]: one for one in server.status()["certificates"]}
            assert [status[host]["expires_soon"] for host in days] == [True, True, True, False]
            assert home.command("status", check=False).returncode == 1
            assert 12 * 86400 < metric(server, "in-13.example.org") <= 13 * 86400
    assert [len(said_of(home, host)) for host in days] == [1, 1, 1, 0], said_of(home, "in-")
