# SPDX-License-Identifier: Apache-2.0
"""Set-up and the command line: exit codes, and messages that say what to do."""
import json
import re
import socket
import stat
import subprocess
from pathlib import Path

from clients import client
from conftest import ANNA, DOMAIN, POSTERN, ROOT
from harness.server import Home, Server


def said(home, *words, code):
    done = home.command(*words, check=False)
    assert done.returncode == code, (words, done)
    return done.stdout + done.stderr


def test_init_makes_a_strong_home(home):
    text = home.config_path.read_text()
    assert text.count("TLSv1.2,TLSv1.3") >= 2
    for name in ("server.crt", "server.key"):
        assert (home.path / "sslcert" / name).is_file()
    assert stat.S_IMODE((home.path / "sslcert" / "server.key").stat().st_mode) & 0o077 == 0
    chain = client("openssl", "crl2pkcs7", "-nocrl", "-certfile", home.certificate)
    assert "BEGIN PKCS7" in chain
    assert client("openssl", "verify", "-CAfile", home.certificate, home.certificate).strip().endswith("OK")
    assert said(home, "check", code=0) is not None


def test_init_makes_an_administrator(folder):
    words = ("init", "--ports", "unprivileged", "--hostname", "localhost", "--password-stdin", "--administrator")
    made = Home(POSTERN, folder / "made")
    assert "root@example.org" in made.command(*words, "no address", check=False).stderr
    assert not made.path.exists()
    done = made.command(*words, "root@example.org", stdin="\n", check=False)
    assert done.returncode == 2 and "the password is empty" in done.stderr
    assert not made.path.exists()
    assert "https://localhost:4040/, as root@example.org" in made.command(*words, "root@example.org", stdin="secret\n").stdout
    users = json.loads(made.command("user", "list", "--json").stdout)["users"]
    assert [(user["address"], user["role"]) for user in users] == [("root@example.org", "administrator")]


def test_init_refuses_a_home_that_exists(home):
    assert str(home.path) in said(home, "init", code=2)


def test_init_takes_a_kerio_file_unchanged(workplace, folder):
    given = folder / "mailserver.cfg"
    given.write_text('<?xml version="1.0" encoding="utf-8"?>\n<config>\n  <table name="Security">\n'
                     '    <variable name="ServerTlsProtocols">TLSv1.2</variable>\n  </table>\n'
                     '  <table name="Antivirus">\n    <variable name="Enabled">1</variable>\n  </table>\n</config>\n')
    home = Home(POSTERN, folder / "home")
    text = home.command("init", "--from", str(given), "--ports", "unprivileged", "--hostname", "localhost").stdout
    assert "Antivirus" in text
    assert "Antivirus" in home.config_path.read_text()
    shown = json.loads(home.command("tls", "show", "--json").stdout)
    imaps = next(one for one in shown["services"] if one["name"] == "IMAPS")
    assert imaps["protocols"] == ["TLSv1.2"]
    smtp = next(one for one in shown["services"] if one["name"] == "SMTP")
    assert smtp["protocols"] == ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]


def test_wrong_use_is_2_and_help_is_0(home):
    for words in (["frobnicate"], ["user", "add"], ["domain"], ["tls", "show", "--service"]):
        said(home, *words, code=2)
    for words in ([], ["init"], ["serve"], ["user"], ["tls"], ["import"], ["check"], ["logs"]):
        assert "postern" in said(home, *words, "--help", code=0)


def test_without_a_server_it_is_3(home):
    for words in (["status"], ["reload"], ["stop"]):
        said(home, *words, code=3)


def test_accounts(home):
    said(home, "domain", "add", DOMAIN, code=2)
    said(home, "user", "add", "x@unknown.example", "--password-stdin", code=2)
    assert ANNA in said(home, "user", "list", code=0)
    assert DOMAIN in said(home, "domain", "list", code=0)
    said(home, "alias", "add", f"team@{DOMAIN}", ANNA, code=0)
    assert "team" in said(home, "alias", "list", code=0)
    said(home, "alias", "remove", f"team@{DOMAIN}", code=0)
    said(home, "user", "remove", ANNA, code=0)
    assert ANNA not in said(home, "user", "list", code=0)


def test_status_stop_and_sigterm(home):
    with Server(home) as server:
        status = server.status()
        roles = {role["name"] for role in status["roles"]}
        assert {"keys", "auth", "store", "front", "mailq", "admin"} <= {name.rstrip("0123456789") for name in roles}
        assert said(home, "status", code=0)
    with Server(home) as server:
        home.command("stop")
        assert server.wait_exit() == 0


def test_a_second_server_in_the_same_home_is_refused(server):
    second = Server(server.home)
    assert second.wait_exit() == 2
    assert "another postern serves" in second.output


def test_stop_edit_start(home):
    with Server(home):
        pass
    home.configure(Security__ServerTlsProtocols="TLSv1.3")
    with Server(home):
        shown = json.loads(home.command("tls", "show", "--service", "IMAPS", "--json").stdout)
        assert shown["services"][0]["protocols"] == ["TLSv1.3"]


def test_standard_ports(workplace, folder):
    home = Home(POSTERN, folder / "standard")
    home.command("init", "--ports", "standard", "--hostname", "localhost")
    with Server(home) as server:
        assert {name: server.ports[name] for name in ("SMTP", "Submission", "SMTPS", "IMAP", "IMAPS", "POP3", "POP3S")} \
            == {"SMTP": 25, "Submission": 587, "SMTPS": 465, "IMAP": 143, "IMAPS": 993, "POP3": 110, "POP3S": 995}
        for name, port in server.ports.items():
            # HTTP listens when a CA is to ask for proofs.
            if name != "HTTP":
                socket.create_connection(("127.0.0.1", port), 10).close()


def test_sighup_reloads(server):
    server.home.configure(Security__ServerTlsProtocols="TLSv1.3")
    server.process.send_signal(1)
    for _ in range(50):
        shown = json.loads(server.home.command("tls", "show", "--service", "IMAPS", "--json").stdout)
        if shown["services"][0]["protocols"] == ["TLSv1.3"]:
            return
    raise AssertionError("SIGHUP did not reload")


def test_healthz_and_metrics(server):
    url = f"https://localhost:{server.ports['HTTPS']}"
    curl = ["curl", "-sS", "-f", "--cacert", server.home.certificate]
    client(*curl, f"{url}/healthz")
    metrics = client(*curl, f"{url}/metrics")
    assert re.search(r'^postern_tls_\w+\{[^}]*service="HTTPS"[^}]*version="TLSv1\.3"[^}]*\} \d+', metrics, re.M), metrics


def test_logs_command(server):
    client("swaks", "--server", "127.0.0.1", "--port", server.ports["SMTP"], "--from", "a@client.example",
           "--to", ANNA)
    assert server.home.log_wait("mail", "Result: delivered")
    assert "Result: delivered" in said(server.home, "logs", "mail", code=0)
    assert "Recv: " in said(server.home, "logs", code=0)


def test_what_meson_installs(folder):
    """Binary, man page, completion and a unit come into place; the unit is one that systemd would take."""
    names = subprocess.run(["meson", "introspect", "--installed", str(Path(POSTERN).parent)], stdout=subprocess.PIPE,
                           text=True, check=True).stdout
    places = list(json.loads(names).values())
    for end in ("/bin/postern", "/man1/postern.1", "/completions/postern", "/postern.service", "/filter.d/postern.conf",
                "/sysusers.d/postern.conf"):
        assert any(place.endswith(end) for place in places), (end, places)


def test_completion_completes():
    script = f"source {ROOT}/dist/completion/postern; COMP_WORDS=(postern tls sh); COMP_CWORD=2; _postern; " \
             'echo "${COMPREPLY[@]}"'
    assert client("bash", "-c", script).strip() == "show"
