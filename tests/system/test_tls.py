# SPDX-License-Identifier: Apache-2.0
"""What the network sees is what mailserver.cfg says, on every port."""
import json
import re
import smtplib
import xml.etree.ElementTree as ElementTree

import pytest

from clients import STARTTLS, client, message, negotiated, s_client, tls_context
from conftest import home_copy
from harness.openssl import HAS_HYBRID, HYBRID_GROUP
from harness.server import Server
from harness.waiting import SECONDS

VERSIONS = {"-tls1": "TLSv1", "-tls1_1": "TLSv1.1", "-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}
EVERY_VERSION = "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3"


@pytest.fixture(scope="module")
def fresh(home_template, workplace):
    """A server as `postern init` made it."""
    home = home_copy(home_template, workplace / "tls-fresh")
    home.ports_shift(10000)
    with Server(home) as running:
        yield running


@pytest.fixture(scope="module")
def old(home_template, workplace):
    """A server whose file admits everything, with the default ciphers."""
    home = home_copy(home_template, workplace / "tls-old")
    home.ports_shift(20000)
    for table in ("Security", "SmtpSecurity"):
        home.configure(**{f"{table}.ServerTlsProtocols": EVERY_VERSION, f"{table}.ServerTlsCiphers": None})
    with Server(home) as running:
        yield running


@pytest.mark.parametrize("service", STARTTLS)
@pytest.mark.parametrize("option", VERSIONS)
def test_fresh_home_speaks_1_2_and_1_3(fresh, service, option):
    said = s_client(fresh, service, option)
    if VERSIONS[option] in ("TLSv1", "TLSv1.1"):
        assert not negotiated(said), said
        # A clean refusal, not a late internal_error.
        assert "alert protocol version" in said, said
    else:
        assert negotiated(said), said
        assert "Verify return code: 0 (ok)" in said or "Verification: OK" in said, said


@pytest.mark.parametrize("service", STARTTLS)
@pytest.mark.parametrize("option", VERSIONS)
def test_a_file_that_admits_old_versions_gets_them(old, service, option):
    said = s_client(old, service, option)
    found = negotiated(said)
    assert found and VERSIONS[option] in found.groups(), said


@pytest.mark.parametrize("service", STARTTLS)
def test_no_anonymous_suite_even_where_old_versions_are_on(old, service):
    said = s_client(old, service, "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0")
    assert not negotiated(said), said


@pytest.mark.parametrize("table, inside, outside", [
    ("SmtpSecurity", ["SMTP", "Submission", "SMTPS"], ["IMAPS", "POP3S", "HTTPS"]),
    ("Security", ["IMAP", "IMAPS", "POP3", "POP3S", "HTTPS"], ["SMTP", "SMTPS"])])
def test_each_table_governs_its_services(home, table, inside, outside):
    home.configure(**{f"{table}.ServerTlsProtocols": "TLSv1.3"})
    with Server(home) as server:
        for service in inside:
            assert not negotiated(s_client(server, service, "-tls1_2")), service
            assert negotiated(s_client(server, service, "-tls1_3")), service
        for service in outside:
            assert negotiated(s_client(server, service, "-tls1_2")), service


# ---- the hybrid group (post-quantum)

@pytest.mark.skipif(not HAS_HYBRID, reason="this OpenSSL has no hybrid group")
@pytest.mark.parametrize("service", STARTTLS)
def test_the_hybrid_group_comes_first(fresh, service):
    said = s_client(fresh, service, "-tls1_3")
    assert f"Negotiated TLS1.3 group: {HYBRID_GROUP}" in said, said
    assert "Peer Temp Key: X25519," in s_client(fresh, service, "-tls1_3", "-groups", "X25519")


@pytest.mark.skipif(not HAS_HYBRID, reason="this OpenSSL has no hybrid group")
def test_the_log_names_the_hybrid_group(server):
    from conftest import ANNA
    with smtplib.SMTP("localhost", server.ports["SMTP"], timeout=SECONDS) as smtp:
        smtp.starttls(context=tls_context(server))
        smtp.send_message(message("hybrid", "x@client.example", ANNA))
    assert server.home.log_wait("mail", f"Recv: .* TLS: TLSv1.3 TLS_AES_256_GCM_SHA384 {HYBRID_GROUP}"), server.home.log("mail")


# ---- counted

def metric(server, name):
    """{labels: value} of a metric; the labels sorted, with commas between."""
    url = f"https://localhost:{server.ports['HTTPS']}/metrics"
    text = client("curl", "-sS", "-f", "--cacert", server.home.certificate, url)
    found = re.findall(rf'^{name}{{([^}}]*)}} (\d+)$', text, re.M)
    return {labels.replace('"', ""): int(value) for labels, value in found}


def counted(server):
    """What `status` counts: (service, version) -> full, resumed, failed."""
    status = json.loads(server.home.command("status", "--json").stdout)
    return {(row["service"], row["version"]): (row["full"], row["resumed"], row["failed"])
            for row in status["handshakes"]}


def test_handshakes_are_counted_by_service_version_and_result(server, folder):
    session = folder / "session"
    s_client(server, "IMAPS", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "-sess_out", session)
    s_client(server, "IMAPS", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "-sess_in", session)
    s_client(server, "POP3", "-tls1_3")
    s_client(server, "IMAPS", "-tls1_1")
    s_client(server, "IMAPS", "-tls1_2", "-cipher", "AES128-SHA")
    client("curl", "-sS", f"http://localhost:{server.ports['POP3S']}/", check=False)
    assert server.home.log_wait("security", "spoke plain HTTP")
    handshakes = {labels: value for labels, value in metric(server, "postern_tls_handshakes_total").items()
                  if "HTTPS" not in labels}
    suite = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert handshakes == {
        f"service=IMAPS,version=TLSv1.2,suite={suite},result=full": 1,
        f"service=IMAPS,version=TLSv1.2,suite={suite},result=resumed": 1,
        "service=POP3,version=TLSv1.3,suite=TLS_AES_256_GCM_SHA384,result=full": 1,
        "service=IMAPS,version=TLSv1.1,suite=,result=failed": 1,
        "service=IMAPS,version=TLSv1.2,suite=,result=failed": 1,
        "service=POP3S,version=none,suite=,result=failed": 1}
    assert metric(server, "postern_tls_failures_total") == {
        "service=IMAPS,reason=version_at_most": 1, "service=IMAPS,reason=suites": 1, "service=POP3S,reason=http": 1}
    assert metric(server, "postern_tls_handshakes_resumed_total")["service=IMAPS"] == 1
    assert metric(server, "postern_tls_handshakes_failed_total")["service=IMAPS"] == 2
    found = counted(server)
    found = {key: value for key, value in found.items() if key[0] != "HTTPS"}
    assert found == {("IMAPS", "TLSv1.2"): (1, 1, 1), ("IMAPS", "TLSv1.1"): (0, 0, 1), ("POP3", "TLSv1.3"): (1, 0, 0),
                     ("POP3S", "none"): (0, 0, 1)}
    shown = server.home.command("status").stdout
    assert re.search(r"^HANDSHAKES +VERSION +FULL +RESUMED +FAILED$", shown, re.M), shown
    assert re.search(r"^IMAPS +TLSv1\.2 +1 +1 +1$", shown, re.M), shown


def test_the_refusal_of_a_client_is_counted(server):
    client("openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['IMAPS']}", "-verify_return_error",
           stdin="Q\n", check=False)
    assert server.home.log_wait("security", "unknown_ca")
    assert metric(server, "postern_tls_failures_total") == {"service=IMAPS,reason=alert": 1}


# ---- sslscan

def sslscan(server, service, folder):
    """protocol -> the suites that sslscan found, in the server's order."""
    report = folder / "scan.xml"
    words = [f"--starttls-{STARTTLS[service]}"] if STARTTLS[service] else []
    client("sslscan", *words, "--no-renegotiation", "--no-heartbleed", "--no-compression", "--no-fallback",
           "--no-groups", "--show-cipher-ids", f"--xml={report}", f"127.0.0.1:{server.ports[service]}")
    scan = ElementTree.parse(report).getroot().find("ssltest")
    found = {}
    for cipher in scan.iter("cipher"):
        found.setdefault(cipher.get("sslversion").replace("TLSv1.0", "TLSv1"), []).append(int(cipher.get("id"), 16))
    enabled = {f"TLSv{protocol.get('version')}".replace("TLSv1.0", "TLSv1") for protocol in scan.iter("protocol")
               if protocol.get("type") == "tls" and protocol.get("enabled") == "1"}
    assert enabled == set(found), "sslscan disagrees with itself"
    return found


def suite_numbers():
    """IANA name -> number, as this OpenSSL tells them."""
    listed = client("openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return {words[2]: int(words[0].replace("0x", "").replace(",", ""), 16)
            for words in (line.split() for line in listed.splitlines())}


def shown_service(home, service):
    shown = json.loads(home.command("tls", "show", "--json").stdout)
    return next(one for one in shown["services"] if one["name"] == service)


@pytest.mark.parametrize("running", ["fresh", "old"])
@pytest.mark.parametrize("service", STARTTLS)
def test_sslscan_agrees_with_tls_show(running, service, folder, request):
    server = request.getfixturevalue(running)
    scanned = sslscan(server, service, folder)
    shown = shown_service(server.home, service)
    numbers = suite_numbers()
    assert set(scanned) == set(shown["protocols"])
    assert {number for found in scanned.values() for number in found} == \
        {numbers[name] for name in shown["suites"]}
    order = [numbers[name] for name in shown["suites"]]
    for version, found in scanned.items():
        # The server's order decides, within each version.
        assert found == sorted(found, key=order.index), version


# ---- reload

def test_reload_takes_effect_on_the_next_handshake_and_drops_nobody(server):
    from clients import imap_login, imap_ok
    from conftest import ANNA, PASSWORDS
    with imap_login(server, ANNA, PASSWORDS[ANNA]) as imap:
        assert negotiated(s_client(server, "IMAPS", "-tls1_2"))
        server.home.configure(Security__ServerTlsProtocols="TLSv1.3")
        server.home.command("reload")
        assert not negotiated(s_client(server, "IMAPS", "-tls1_2"))
        assert negotiated(s_client(server, "IMAPS", "-tls1_3"))
        imap_ok(imap.noop())


def test_a_ticket_does_not_outlive_its_policy(server, folder):
    session = folder / "session"
    # A ticket comes after the handshake in TLS 1.3; the line that is sent waits for it.
    s_client(server, "IMAPS", "-tls1_2", "-sess_out", session)
    assert "Reused, " in s_client(server, "IMAPS", "-tls1_2", "-sess_in", session)
    server.home.configure(Security__ServerTlsCiphers="ECDHE+CHACHA20")
    server.home.command("reload")
    said = s_client(server, "IMAPS", "-tls1_2", "-sess_in", session)
    assert "Reused, " not in said
    assert "CHACHA20" in said


def test_a_broken_file_is_not_applied(server):
    good = server.home.config_path.read_text()
    server.home.configure(Security__ServerTlsProtocols="TLSv1.4")
    done = server.home.command("reload", check=False)
    assert done.returncode == 2
    assert re.search(r"mailserver\.cfg:\d+", done.stderr) and "TLSv1.4" in done.stderr
    assert negotiated(s_client(server, "IMAPS", "-tls1_2"))
    assert server.home.log_wait("error", "TLSv1.4")
    server.home.config_path.write_text(good)
    server.home.command("reload")


def test_a_refused_handshake_is_told_in_words(fresh):
    s_client(fresh, "IMAPS", "-tls1_1")
    line = fresh.home.log_wait("security", r"TLS: 127\.0\.0\.1 .*offered at most TLSv1\.1; "
                                           r"Security/ServerTlsProtocols \(mailserver\.cfg:\d+\) admits "
                                           r"TLSv1\.2, TLSv1\.3")
    assert line, fresh.home.log("security")
