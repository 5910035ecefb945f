# SPDX-License-Identifier: Apache-2.0
"""What a CA says of a certificate is fetched, judged and stapled; `openssl ocsp` is the CA's responder."""
import json
import re
import subprocess

import pytest

from clients import client
from harness.authority import Authority, openssl
from harness.dns import Dns, tools_missing
from harness.program import Program
from harness.server import Server
from harness.waiting import until

PORT = 2560
RESPONDER = f"authorityInfoAccess = OCSP;URI:http://127.0.0.1:{PORT}/"
MUST_STAPLE = "tlsfeature = status_request"


@pytest.fixture(scope="module")
def authority(workplace):
    folder = workplace / "authority-ocsp"
    folder.mkdir()
    return Authority(folder)


class Responder(Program):
    """Tells good or revoked by the CA's index, for a day."""

    def __init__(self, authority):
        super().__init__(authority.folder / "responder")
        self.authority = authority

    def command(self):
        authority = self.authority
        return ["openssl", "ocsp", "-index", authority.folder / "index.txt", "-port", PORT, "-rsigner", authority.issuer,
                "-rkey", authority.issuer_key, "-CA", authority.issuer, "-ndays", "1"]

    def is_ready(self):
        return "ACCEPT" in self.said()


def told(server, host, *options):
    """What a client that asks for the state of the certificate is told."""
    return client("openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['IMAPS']}", "-servername", host,
                  "-status", *options, stdin="", check=False)


def state(server, name):
    return next(one["ocsp"] for one in server.status()["certificates"] if one["name"] == name)


def test_an_answer_is_stapled_and_outlives_its_responder(home, authority):
    host = "good.example.org"
    # The responder knows what was issued before it started.
    later = authority.issue("later", "later.example.org", extensions=[RESPONDER, MUST_STAPLE])
    home.command("cert", "import", host, *authority.issue("good", host, extensions=[RESPONDER]))
    with Responder(authority) as responder, Server(home) as server:
        until(lambda: state(server, host)["state"] == "good")
        for version in ("-tls1_2", "-tls1_3"):
            said = told(server, host, version, "-CAfile", authority.root)
            assert "OCSP Response Status: successful" in said and "Cert Status: good" in said, said
            assert "Verify return code: 0 (ok)" in said or "Verification: OK" in said
        assert "OCSP response: no response sent" in told(server, "localhost")
        listed = json.loads(home.command("cert", "list", "--json", check=False).stdout)["certificates"]
        assert next(one for one in listed if one["name"] == host)["ocsp"]["state"] == "good"
        # A pair that is brought in while the server runs is asked about, too.
        home.command("cert", "import", "later", *later)
        until(lambda: "Cert Status: good" in told(server, "later.example.org"))
        assert home.command("check").returncode == 0
        # A front that is started anew has the answer from the parent, whether there is a responder or not.
        responder.stop()
        front = next(role for role in server.status()["roles"] if role["name"] == "front")
        subprocess.run(["kill", "-9", str(front["pid"])], check=True)
        until(lambda: "Cert Status: good" in told(server, host))


def test_a_revoked_certificate_is_an_error_and_not_stapled(home, authority):
    host = "revoked.example.org"
    crt, key = authority.issue("revoked", host, extensions=[RESPONDER])
    openssl("ca", "-config", authority.config, "-cert", authority.issuer, "-keyfile", authority.issuer_key, "-revoke", crt)
    home.command("cert", "import", host, crt, key)
    with Responder(authority), Server(home) as server:
        assert home.log_wait("error", rf"certificate {host}: its CA revoked it on 20\d\d-.*; clients that look refuse it")
        assert state(server, host)["state"] == "revoked"
        assert server.home.command("status", check=False).returncode == 1
        assert "OCSP response: no response sent" in told(server, host)


def test_a_responder_that_is_down_hinders_nothing(home, authority):
    plain, must = "plain.example.org", "must.example.org"
    home.command("cert", "import", plain, *authority.issue("plain", plain, extensions=[RESPONDER]))
    home.command("cert", "import", must, *authority.issue("must", must, extensions=[RESPONDER, MUST_STAPLE]))
    bare, key = authority.issue("bare", "bare.example.org", extensions=[MUST_STAPLE])
    done = home.command("cert", "import", "bare", bare, key, check=False)
    assert done.returncode == 1 and "it must be stapled, but names no OCSP responder" in done.stderr
    with Server(home) as server:
        assert home.log_wait("warning", rf"certificate {plain}: its OCSP responder gives no answer: "
                                        rf"http://127\.0\.0\.1:{PORT}/: .*; nothing is stapled")
        assert home.log_wait("error", rf"certificate {must}: its OCSP responder gives no answer: .*; "
                                      "clients refuse the certificate, which must be stapled")
        assert state(server, plain)["state"] == "no answer" and "127.0.0.1" in state(server, plain)["text"]
        listed = home.command("cert", "list", check=False).stdout
        assert "nothing is stapled now, and it must be: clients refuse it" in listed, listed
        assert "nothing is stapled now" in home.command("check", check=False).stdout
        said = told(server, plain)
        assert "OCSP response: no response sent" in said and re.search(r"^New, TLSv1.3", said, re.M)


@pytest.mark.skipif(tools_missing(), reason="knot is not installed")
def test_a_responder_is_found_by_its_name(home, authority, folder):
    host, responder = "named.example.org", "ocsp.ca.example"
    at_name = f"authorityInfoAccess = OCSP;URI:http://{responder}:{PORT}/"
    lost = "authorityInfoAccess = OCSP;URI:http://nowhere.ca.example/"
    home.command("cert", "import", host, *authority.issue("named", host, extensions=[at_name]))
    home.command("cert", "import", "lost", *authority.issue("lost", "lost.example.org", extensions=[lost]))
    with Dns(folder, {"ca.example": ["ocsp A 127.0.0.1"]}) as dns, Responder(authority):
        dns.configure(home)
        with Server(home) as server:
            until(lambda: "Cert Status: good" in told(server, host))
            assert home.log_wait("warning", r"certificate lost: .*no address of nowhere\.ca\.example: no name")
