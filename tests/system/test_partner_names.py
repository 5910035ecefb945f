# SPDX-License-Identifier: Apache-2.0
"""Rows of TlsPolicy by name: only a name that leads back to the address counts, and DNS that is away opens nothing."""
import os
import re
import signal
import smtplib
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients import negotiated, s_client
from conftest import home_copy
from harness.dns import Deaf, Dns, tools_missing
from harness.server import Server
from harness.waiting import SECONDS

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

ZONES = {
    "old.example": ["mx A 127.0.0.2", "liar A 127.0.0.99", "out A 127.0.0.5", "elsewhere A 127.0.0.2"],
    "127.in-addr.arpa": ["2.0.0 PTR mx.old.example.", "3.0.0 PTR mx.old.example.", "4.0.0 PTR host.deaf.example.",
                         "5.0.0 PTR out.old.example."],
}
OLD = {"Protocols": "TLSv1.1,TLSv1.2,TLSv1.3", "Ciphers": "HIGH", "Reason": "an old appliance", "Expires": "2099-01-01"}
CONFIRMED, LIAR, DEAF, OTHER, NAMELESS = (f"127.0.0.{number}" for number in range(2, 7))


@pytest.fixture(scope="module")
def zones(workplace):
    """Lets a home ask our zones, and a nameserver that never answers."""
    with Dns(workplace / "dns-partner-names", ZONES) as dns, Deaf() as deaf:
        yield lambda home: dns.configure(home, **{"deaf.example": deaf.address})


@pytest.fixture(scope="module")
def server(workplace, home_template, zones):
    home = home_copy(home_template, workplace / "home-partner-names")
    home.list_add("TlsPolicy", Peer="mx.old.example", Direction="in", **OLD)
    home.list_add("TlsPolicy", Peer=".old.example", Direction="in", Level="encrypt")
    # A row by network stands in front of the names.
    home.list_add("TlsPolicy", Peer="127.0.0.64/26", Direction="in", Level="may")
    zones(home)
    with Server(home) as running:
        yield running


@pytest.mark.parametrize("service", ["IMAPS", "SMTP", "POP3"])
@pytest.mark.parametrize("address, gets_old", [(CONFIRMED, True), (LIAR, False), (OTHER, False), (NAMELESS, False)])
def test_a_confirmed_name_opens_what_its_row_says(server, service, address, gets_old):
    said = s_client(server, service, "-tls1_1", "-bind", f"{address}:0")
    assert bool(negotiated(said)) == gets_old, said
    assert negotiated(s_client(server, service, "-tls1_2", "-bind", f"{address}:0"))


def mail(server, address):
    with smtplib.SMTP("127.0.0.1", server.ports["SMTP"], timeout=SECONDS, source_address=(address, 0)) as smtp:
        # The name that it says for itself is nobody's.
        smtp.ehlo("mx.old.example")
        return smtp.mail("a@client.example")


def test_what_a_name_demands_is_held_at_mail(server):
    code, text = mail(server, OTHER)
    assert code == 550 and b"5.7.10 Encryption needed: mail of .old.example is taken over TLS only" in text
    for address in (LIAR, NAMELESS, "127.0.0.1"):
        assert mail(server, address)[0] == 250


def two_handshakes(server, address):
    """With TLSv1.1 and with TLSv1.2, side by side: both wait for the name as long as the server does."""
    with ThreadPoolExecutor(2) as pool:
        return pool.map(lambda option: s_client(server, "IMAPS", option, "-bind", f"{address}:0"), ("-tls1_1", "-tls1_2"))


def test_dns_that_does_not_answer_leaves_the_tables(server):
    old, new = two_handshakes(server, DEAF)
    assert not negotiated(old) and "alert protocol version" in old
    assert negotiated(new)
    assert server.home.log_wait("warning", r"IMAPS: the name of 127\.0\.0\.4 is not known \(.*\): no row of TlsPolicy "
                                           r"by name holds for it"), server.home.log("warning")


def test_without_mailq_nobody_waits_for_ever(server):
    [mailq] = [role for role in server.status()["roles"] if role["name"] == "mailq"]
    os.kill(mailq["pid"], signal.SIGSTOP)
    try:
        old, new = two_handshakes(server, CONFIRMED)
        assert negotiated(new) and not negotiated(old)
    finally:
        os.kill(mailq["pid"], signal.SIGCONT)


def test_a_failed_handshake_is_told_with_the_names(server):
    home = server.home
    s_client(server, "IMAPS", "-tls1_1", "-bind", f"{OTHER}:0")
    assert home.log_wait("security", r"TLS: 127\.0\.0\.5 \(out\.old\.example\) offered at most TLSv1\.1; Security/"), \
        home.log("security")
    s_client(server, "SMTP", "-tls1_1", "-bind", f"{OTHER}:0", "-name", "what I say")
    assert home.log_wait("security", r"TLS: 127\.0\.0\.5 \(out\.old\.example, EHLO \S+\) offered at most TLSv1\.1; Smtp"), \
        home.log("security")
    s_client(server, "SMTP", "-tls1_1", "-bind", f"{LIAR}:0", "-name", "mx.old.example")
    assert home.log_wait("security", r"TLS: 127\.0\.0\.3 \(EHLO mx\.old\.example\) offered at most TLSv1\.1; Smtp"), \
        home.log("security")
    assert not re.search(r"127\.0\.0\.3 \(mx\.old", home.log("security"))


def test_a_name_is_asked_for_a_line_alone(home, zones):
    """Without rows by name nobody waits for DNS, and the line still has the name."""
    zones(home)
    home.ports_shift(10000)
    with Server(home) as server:
        for address, who in ((CONFIRMED, r" \(mx\.old\.example\)"), (DEAF, "")):
            s_client(server, "IMAPS", "-tls1_1", "-bind", f"{address}:0")
            assert home.log_wait("security", rf"TLS: {re.escape(address)}{who} offered at most TLSv1\.1"), \
                home.log("security")
