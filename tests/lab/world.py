# SPDX-License-Identifier: Apache-2.0
"""A small world: DNS with DNSSEC, a resolver, Postern as the exchanger of example.org, Postfix and Exim beside it."""
import email
import email.policy
import hashlib
import smtplib
import ssl

import pytest

import mta
from clients import message, notices, tls_context
from harness.authority import Authority, openssl
from harness.dns import Dns, tools_missing
from harness.fixtures import ANNA, PASSWORDS, home_copy
from harness.network import address_add
from harness.server import Server
from harness.waiting import SECONDS, until

MX, POSTFIX, EXIM, SINK = "192.0.2.70", "192.0.2.71", "192.0.2.72", "192.0.2.73"
DOMAIN, POSTFIX_DOMAIN, EXIM_DOMAIN, SINK_DOMAIN = "example.org", "postfix.example", "exim.example", "sink.example"
# Beside the lab of cells, which has the usual one.
DNS = "127.0.0.55"


# ---- who is there

@pytest.fixture(scope="session")
def authority(workplace):
    folder = workplace / "mta-certificates"
    folder.mkdir()
    return Authority(folder, "Lab")


def tlsa(home):
    """The keys of a home's certificates, as TLSA 3 1 1 has them."""
    found = []
    for path in sorted((home.path / "sslcert").glob("server*.crt")):
        key = openssl("x509", "-in", path, "-noout", "-pubkey")
        der = ssl.PEM_cert_to_DER_cert(key.replace("PUBLIC KEY", "CERTIFICATE"))
        found.append(f"_25._tcp.mx TLSA 3 1 1 {hashlib.sha256(der).hexdigest()}")
    return found


@pytest.fixture(scope="session")
def mta_home(workplace, home_template, authority):
    made = home_copy(home_template, workplace / "home-mta")
    made.ports_shift(300)
    made.configure(**{"Server.Hostname": f"mx.{DOMAIN}", "Service[SMTP].Port": "25", "Service[SMTP].Addresses": MX,
                      "Queue.FirstRetrySeconds": "1", "Queue.LongestRetrySeconds": "1"})
    (made.path / "sslca").mkdir(exist_ok=True)
    (made.path / "sslca" / "lab.pem").write_text(authority.root.read_text())
    made.list_add("TlsPolicy", Peer=POSTFIX_DOMAIN, Direction="out", Level="verify")
    made.list_add("TlsPolicy", Peer=EXIM_DOMAIN, Direction="out", MinVersion="TLSv1.3")
    return made


@pytest.fixture(scope="session")
def dns(request, workplace, mta_home):
    reason = request.config.no_mounts or mta.missing() or tools_missing()
    if reason:
        pytest.skip(str(reason))
    address_add(MX)
    zones = {DOMAIN: ["@ MX 10 mx", f"mx A {MX}", *tlsa(mta_home)], POSTFIX_DOMAIN: ["@ MX 10 mx", f"mx A {POSTFIX}"],
             EXIM_DOMAIN: ["@ MX 10 mx", f"mx A {EXIM}"],
             # Every domain below it.
             SINK_DOMAIN: ["* MX 10 mx", f"mx A {SINK}"]}
    with Dns(workplace / "mta-dns", zones, address=DNS) as running, mta.Unbound(workplace / "unbound", running):
        running.configure(mta_home)
        yield running


@pytest.fixture(scope="session")
def mta_server(mta_home, dns):
    with Server(mta_home) as running:
        yield running


@pytest.fixture(scope="session")
def postfix(workplace, mta_server, authority):
    with mta.Postfix(workplace / "postfix", POSTFIX_DOMAIN, POSTFIX,
                     authority.issue("postfix", f"mx.{POSTFIX_DOMAIN}")) as running:
        yield running


@pytest.fixture(scope="session")
def exim(workplace, mta_server, authority):
    reason = mta.exim_missing()
    if reason:
        pytest.skip(reason)
    with mta.Exim(workplace / "exim", EXIM_DOMAIN, EXIM, authority.issue("exim", f"mx.{EXIM_DOMAIN}")) as running:
        yield running


@pytest.fixture(scope="session")
def sink(workplace, mta_server):
    with mta.Sink(workplace / "sink", SINK) as running:
        yield running


# ---- mail

def submit(server, recipients, content, mail_options=(), rcpt_options=()):
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=SECONDS) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        assert smtp.sendmail(ANNA, recipients, content, mail_options, rcpt_options) == {}


def submit_utf8(server, recipient, content):
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=SECONDS) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        smtp.command_encoding = "utf-8"
        assert smtp.mail(ANNA, ["SMTPUTF8", "BODY=8BITMIME"])[0] == 250
        assert smtp.rcpt(recipient)[0] == 250
        assert smtp.data(content)[0] == 250


def relay(other, sender, subject, text="Hello.\n", recipient=ANNA, mail_options=(), rcpt_options=()):
    """Hands the other server a message for Postern; dane@ and the like name the way it goes."""
    with smtplib.SMTP(other.address, 25, timeout=SECONDS) as smtp:
        smtp.sendmail(f"{sender}@{other.domain}", [recipient],
                      message(subject, sender, recipient, text).as_bytes(policy=email.policy.SMTP), mail_options,
                      rcpt_options)


def delivered(other, user, subject):
    """The message of that subject in a mailbox of the other server, with line ends as on the way."""
    def find():
        return [raw for raw in other.received(user) if f"Subject: {subject}\n".encode() in raw]
    [raw] = until(find)
    return raw.replace(b"\n", b"\r\n")


def arrived(server, subject):
    """The message of that subject in INBOX here."""
    def find():
        return [made for made in notices(server) if made["Subject"] == subject]
    [made] = until(find)
    return made


def notice(server, action, recipient):
    """The fields of the notice about a recipient, whoever wrote it."""
    def find():
        for made in notices(server):
            if made.get_content_type() != "multipart/report":
                continue
            fields = {name.lower(): " ".join(value.split()) for block in made.get_payload()[1].get_payload()
                      for name, value in block.items()}
            if fields.get("action") == action and fields["final-recipient"].partition(";")[2].strip() == recipient:
                return fields
        return None
    return until(find)
