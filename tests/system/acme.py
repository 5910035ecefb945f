# SPDX-License-Identifier: Apache-2.0
"""A CA for tests: Debian's pebble, with its own DNS, and what the tests share. Ends only what it started."""
import json
import re
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest

from clients import client
from harness.network import listens
from harness.program import Program

NAME = "mail.example.org"
PORTS = {"HTTP": 2080, "HTTPS": 4040}
HOST = "ca.example.org"
DNS = "127.0.0.1:8053"
DNS_MANAGEMENT = "127.0.0.1:8055"
ADDRESS = "127.0.0.1:14000"
MANAGEMENT = "127.0.0.1:15000"
DIRECTORY = f"https://{HOST}:14000/dir"


class Listener(Program):
    """A program that listens somewhere when it is ready."""

    def __init__(self, folder, words, address, **environment):
        super().__init__(folder)
        self.words, self.address, self.more = words, address, environment

    def command(self):
        return self.words

    def environment(self):
        return self.more

    def is_ready(self):
        host, port = self.address.split(":")
        return listens(host, int(port))


def names(folder):
    """A DNS server for which every name is 127.0.0.1."""
    return Listener(folder / "names", ["pebble-challtestsrv", "-dns01", DNS, "-management", DNS_MANAGEMENT, "-http01", "",
                                       "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""],
                    DNS_MANAGEMENT)


class Authority:
    """pebble in a folder; `trust` is the certificate that its clients have to trust."""

    def __init__(self, folder):
        self.folder = folder
        self.trust = folder / "ca.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", folder / "ca.key", "-out", self.trust, "-subj", f"/CN={HOST}", "-addext",
                        f"subjectAltName=DNS:{HOST}", "-days", "10"], check=True, stderr=subprocess.DEVNULL)

    def run(self, ports, validity=None, **environment):
        """Starts it; it looks at these ports of the server."""
        config = {"listenAddress": ADDRESS, "managementListenAddress": MANAGEMENT, "certificate": str(self.trust),
                  "privateKey": str(self.folder / "ca.key"), "httpPort": ports["HTTP"], "tlsPort": ports["HTTPS"],
                  "ocspResponderURL": "", "externalAccountBindingRequired": False}
        if validity:
            config["certificateValidityPeriod"] = validity
        path = self.folder / "pebble.json"
        path.write_text(json.dumps({"pebble": config}))
        settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0", **environment}
        return Listener(self.folder / "pebble", ["pebble", "-config", path, "-dnsserver", DNS, "-strict"], ADDRESS, **settings)


# ---- for the tests

@pytest.fixture(scope="module")
def authority(workplace):
    folder = Path(tempfile.mkdtemp(prefix="pebble-", dir=workplace))
    with names(folder):
        yield Authority(folder)


@pytest.fixture
def acme_home(home, authority):
    """A home that trusts the CA and may ask it, but asks for nothing by itself."""
    folder = home.path / "sslca"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    (folder / "pebble.crt").write_bytes(authority.trust.read_bytes())
    (folder / "pebble.crt").chmod(0o644)
    home.configure(**{"Acme.Directory": DIRECTORY, "Acme.AgreeTerms": "1", "Acme.Contact": f"me@{NAME}",
                      "Resolver.Servers": "127.0.0.1@8053", "Service[HTTP].Enabled": "1"})
    return home


def first_certificate(pem):
    """The first one of a chain, in DER form; ssl takes no more than one."""
    return ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN.*?-----END CERTIFICATE-----", pem, re.S)[0])


def certificate(home, name):
    """Of the file in sslcert."""
    return first_certificate((home.path / "sslcert" / f"{name}.crt").read_text())


def served(host, port):
    """What the server shows to who asks for a name, in DER form."""
    pem = client("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", host, stdin="Q\n", check=False)
    return first_certificate(pem)


def key_of(der):
    """The public key of a certificate."""
    return subprocess.run(["openssl", "x509", "-inform", "DER", "-pubkey", "-noout"], input=der, check=True,
                          stdout=subprocess.PIPE).stdout


def request(home, *words, expected=0):
    done = home.command("cert", "request", *words, check=False)
    assert done.returncode == expected, done.stdout + done.stderr + home.log("error") + home.log("warning")
    return done.stdout + done.stderr


def state(server):
    found = server.status()["acme"]
    return found[0] if found else None


def listed(home, name="server", domains=NAME):
    config = home.config()
    config.item_add("AcmeCertificate", Name=name, Domains=domains)
    config.write()
