# SPDX-License-Identifier: Apache-2.0
"""`postern tls probe`: what a destination offers, which rule applies, and why it fails, in words."""
import json
import shutil
import socket
import ssl
import threading

import pytest

from conftest import home_copy
from harness.server import Server

HOST = "127.0.0.1"


class Peer:
    """A server that says what it is told to, connection after connection; `script` gets each socket."""

    def __init__(self, script):
        self.listener = socket.create_server(("0.0.0.0", 0))
        self.port = self.listener.getsockname()[1]
        self.script = script
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self.script(connection)
                except OSError:
                    # The client went away, which is its right.
                    continue

    def close(self):
        self.listener.close()


def talk(*turns):
    """Sends each text; between two it reads what the client says."""
    def script(connection):
        for number, turn in enumerate(turns):
            if number > 0 and not connection.recv(4096):
                return
            connection.sendall(turn)
        connection.settimeout(20)
        connection.recv(4096)
    return script


GREETING = b"220 mx.example ESMTP\r\n"
STARTTLS = b"250-mx.example\r\n250 STARTTLS\r\n"


@pytest.fixture(scope="module")
def place(home_template, workplace):
    home = home_copy(home_template, workplace / "home-probe")
    for number, variables in enumerate((
            {"Peer": "127.0.0.2", "Level": "encrypt"},
            {"Peer": "127.0.0.3", "Level": "verify"},
            {"Peer": "127.0.0.4", "Level": "pin", "Pin": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})):
        home.list_add("TlsPolicy", Direction="out", Comment=str(number), **variables)
    config = home.config()
    for item in config.items("Service"):
        if config.get(item, "Name") == "SMTP":
            config.put(item, "Addresses", "127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4")
    config.write()
    with Server(home):
        yield home


def probe(home, target, *more):
    done = home.command("tls", "probe", target, "--json", *more, check=False)
    report = json.loads(done.stdout)
    assert done.returncode == (1 if "failure" in report else 0)
    return report


def probe_peer(home, script, address=HOST):
    peer = Peer(script)
    try:
        return probe(home, f"{address}:{peer.port}")
    finally:
        peer.close()


def test_what_is_there_is_shown(place):
    report = probe(place, "127.0.0.1:2525")
    assert report["outcome"] == "tls"
    assert report["rule"] == {"table": "SmtpSecurity", "level": "may", "row": None, "names": [],
                              "protocols": ["TLSv1.2", "TLSv1.3"]}
    assert report["tls"]["version"] == "TLSv1.3" and report["tls"]["suite"] == "TLS_AES_256_GCM_SHA384"
    assert report["starttls"] and "SIZE" in report["extensions"]
    assert report["certificate"]["result"] == "untrusted-root"
    assert report["certificate"]["chain"][0]["names"] == "localhost, 127.0.0.1, ::1"
    words = place.command("tls", "probe", "127.0.0.1:2525").stdout
    assert "rule         may by the table SmtpSecurity" in words and "certificate  untrusted-root" in words


def test_implicit_tls_and_the_other_table(place):
    assert probe(place, "127.0.0.1:2465", "--service", "SMTPS")["tls"]["version"] == "TLSv1.3"
    report = probe(place, "127.0.0.1:2995", "--service", "pop3s")
    assert report["outcome"] == "tls" and report["rule"]["table"] == "Security"
    report = probe(place, "127.0.0.1:2110", "--service", "POP3")
    assert report["outcome"] == "tls" and report["starttls"] and "UIDL" in report["extensions"]
    assert probe(place, "127.0.0.1:2993", "--service", "IMAPS")["outcome"] == "tls"
    assert probe(place, "127.0.0.1:2525", "--service", "POP3")["failure"]["kind"] == "nonsense"


def test_rows_demand_and_the_log_tells(place):
    assert probe(place, "127.0.0.2:2525")["rule"]["level"] == "encrypt"
    report = probe(place, "127.0.0.3:2525")
    assert report["failure"]["kind"] == "tls"
    assert "its chain ends at CN=Postern local root for localhost, which is not trusted here; " in \
        report["failure"]["words"]
    assert "demands verify" in report["failure"]["words"]
    line = place.log_wait("security", r"TLS to 127\.0\.0\.3 \(127\.0\.0\.3\): has no certificate that will do: .*")
    assert line and report["failure"]["words"] in line[0]
    assert "its key is " in probe(place, "127.0.0.4:2525")["failure"]["words"]


def test_a_root_in_sslca_is_trusted_after_a_reload(place):
    anchor = place.path / "sslca" / "own.crt"
    shutil.copy(place.certificate, anchor)
    anchor.chmod(0o644)
    place.command("reload")
    assert probe(place, "localhost:2525")["certificate"]["result"] == "trusted"
    # 127.0.0.3 is none of its names.
    report = probe(place, "127.0.0.3:2525")
    assert "its certificate is made for localhost, 127.0.0.1, ::1, not for 127.0.0.3" in report["failure"]["words"]
    anchor.unlink()
    place.command("reload")
    assert probe(place, "localhost:2525")["certificate"]["result"] == "untrusted-root"


def test_a_server_in_the_clear(place):
    script = talk(GREETING, b"250 mx.example\r\n")
    assert probe_peer(place, script)["outcome"] == "cleartext"
    report = probe_peer(place, script, "127.0.0.2")
    assert report["failure"]["kind"] == "no-tls"
    assert report["failure"]["words"].startswith("does not offer STARTTLS; TlsPolicy:127.0.0.2/Level (mailserver.cfg:")
    assert report["failure"]["words"].endswith(" demands encrypt")


def test_starttls_that_is_refused_is_no_reason_to_go_on_in_the_clear(place):
    report = probe_peer(place, talk(GREETING, STARTTLS, b"454 4.7.0 TLS not available\r\n"))
    assert report["failure"] == {
        "kind": "no-tls", "words": "offers STARTTLS and answered it with 454 4.7.0 TLS not available; what offers TLS "
                                   "and does not give it is not spoken to in the clear"}


def test_words_behind_the_consent_are_an_attack(place):
    report = probe_peer(place, talk(GREETING, STARTTLS, b"220 go\r\n250 AUTH PLAIN\r\n"))
    assert report["failure"]["kind"] == "injected"


def test_a_server_that_closes_or_talks_nonsense(place):
    assert probe_peer(place, talk(GREETING, STARTTLS, b"421 4.3.2 bye\r\n"))["failure"]["kind"] == "no-tls"
    assert probe_peer(place, talk(b"554 5.7.1 go away\r\n"))["failure"]["words"] == \
        "answered the connection with 554 5.7.1 go away"
    assert probe_peer(place, talk(b"SSH-2.0-x\r\n"))["failure"]["kind"] == "nonsense"
    assert probe_peer(place, lambda connection: None)["failure"]["kind"] == "closed"
    report = probe_peer(place, talk(GREETING, STARTTLS, b"220 go\r\n", b"220 again\r\n"))
    assert "spoke no TLS where TLS was expected (it began with 220 again)" in report["failure"]["words"]


def test_nobody_there(place):
    assert probe(place, "127.0.0.1:1")["failure"]["kind"] == "unreached"
    assert probe(place, "nowhere.invalid")["failure"]["kind"] == "unrouted"
    done = place.command("tls", "probe", "127.0.0.1:70000", check=False)
    assert done.returncode == 2 and "write DOMAIN or HOST[:PORT]" in done.stderr


def test_many_at_once(place):
    done = place.command("tls", "probe", "--json", *["127.0.0.1:2525"] * 5)
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["tls"] * 5


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_an_old_server(place, home_template):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home_template.path / "sslcert/server.crt", home_template.path / "sslcert/server.key")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")

    def script(connection):
        for words in (GREETING, STARTTLS):
            connection.sendall(words)
            connection.recv(4096)
        connection.sendall(b"220 go\r\n")
        context.wrap_socket(connection, server_side=True)

    assert probe_peer(place, script)["failure"]["words"].startswith(
        "refused: it speaks none of the versions offered; SmtpSecurity/ClientTlsProtocols (mailserver.cfg:")
