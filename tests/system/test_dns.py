# SPDX-License-Identifier: Apache-2.0
"""The server asks DNS itself and checks DNSSEC; the names of a peer are those that lead back to it."""
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import home_copy
from harness.dns import Deaf, Dns, tools_missing
from harness.server import Server

pytestmark = pytest.mark.skipif(bool(tools_missing()), reason=f"not installed: {tools_missing()}")

MANY = [f"9.0.0 PTR {name}.example.org." for name in "abcdefghijklmnopqrstuvwxyz"]

ZONES = {
    "example.org": [
        "@ MX 10 mx", "@ MX 20 mx2", "@ TXT \"v=spf1 -all\"", "mx A 127.0.0.25", "mx AAAA 2001:db8::25",
        "alias CNAME mx", "_25._tcp.mx TLSA 3 1 1 " + "ab" * 32,
        "out A 127.0.0.2", "out A 127.0.0.3", "six AAAA 2a00::7", "liar A 127.0.0.99",
        "strange CNAME nothing.example.net.",
        *(f"long TXT {'x' * 200}{number}" for number in range(60)),
        *(f"{name} A 127.0.0.9" for name in "abcdefghijklmnopqrstuvwxyz"),
    ],
    "plain.example": ["@ MX 10 mx", "mx A 127.0.0.26"],
    "forged.example": ["mx A 127.0.0.27"],
    "null.example": ["@ MX 0 ."],
    # What a domain of this server wants; DMARC is missing, SPF says something else, POP3S another port.
    "ours.example": ["@ MX 10 this.example.", "@ TXT \"v=spf1 a -all\"", "@ TXT other", "_imaps._tcp SRV 5 6 2993 this.example.",
                     "_pop3s._tcp SRV 0 1 995 this.example.", "@ CAA 0 issue \"letsencrypt.org\""],
    "this.example": ["@ A 127.0.0.25"],
    "mail.example": [
        "@ MX 20 second", "@ MX 10 first", "@ MX 30 gone", "first A 127.0.0.41", "first AAAA 2001:db8::41",
        "second A 127.0.0.42", "second A 127.0.0.43", "gone A 127.0.0.44",
        *(f"even MX 10 e{number}" for number in range(8)), *(f"e{number} A 127.0.0.5{number}" for number in range(8)),
        "alone A 127.0.0.45", "alias CNAME alone", "far CNAME @", "behind MX 10 alias",
        "empty TXT nothing", "@ TXT here", "lost MX 10 lost-mx", "lost MX 20 lost-too", "forged MX 10 mx.forged.example.",
        "forged MX 20 first", "onlyforged MX 10 mx.forged.example.", "nullmore MX 0 .", "nullmore MX 10 first",
        "own MX 5 first", "own MX 10 this.example.", "own MX 10 second", "own MX 20 gone",
        "ownfirst MX 10 THIS.example.", "ownfirst MX 20 second",
        "ownaddress MX 5 second", "ownaddress MX 10 here", "ownaddress MX 20 gone", "here A 127.0.0.25",
        "onlyownaddress A 127.0.0.25",
        *(f"many MX {number} m{number}" for number in range(40)), *(f"m{number} A 127.0.0.60" for number in range(40)),
        *(f"wide A 127.0.3.{number}" for number in range(1, 41)),
        "xn--bcher-kva MX 10 first",
    ],
    "127.in-addr.arpa": [
        "2.0.0 PTR out.example.org.", "3.0.0 PTR OUT.example.org.", "4.0.0 PTR liar.example.org.",
        "5.0.0 PTR mx.forged.example.", "6.0.0 PTR bad\\010name.example.org.", "7.0.0 PTR .",
        "10.0.0 PTR host.deaf.example.", "11.0.0 CNAME 2.0.0", "12.0.0 PTR alias.example.org.", *MANY,
    ],
    "late.example": [],
    "ip6.arpa": [f"{'.'.join(reversed('2a00' + '0' * 27 + '7'))} PTR six.example.org."],
}


@pytest.fixture(scope="module")
def lab(workplace, home_template):
    """A server that asks zones of ours, and a nameserver that never answers."""
    home = home_copy(home_template, workplace / "home-dns")
    with Dns(workplace / "dns", ZONES, unsigned=["plain.example"], bogus=["forged.example"]) as dns, Deaf() as deaf:
        dns.configure(home, **{"deaf.example": deaf.address, "late.example": deaf.address})
        # Whoever sends to port 25 of this address reaches the server itself.
        home.configure(**{"Server.Hostname": "this.example", "Service[SMTP].Port": "25",
                          "Service[SMTP].Addresses": "127.0.0.25"})
        with Server(home) as server:
            yield server, dns, deaf


@pytest.fixture(scope="module")
def lookup(lab):
    def ask(*words, code=0):
        done = lab[0].home.command("dns", *words, "--json", check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)
    return ask


def test_a_signed_answer_is_secure(lookup):
    found = lookup("lookup", "example.org", "MX")
    assert sorted(found["records"]) == ["10 mx.example.org.", "20 mx2.example.org."]
    assert (found["outcome"], found["dnssec"]) == ("found", "secure")
    assert 0 < found["ttl"] <= 60


@pytest.mark.parametrize("name, kind, records", [
    ("mx.example.org", "A", ["127.0.0.25"]), ("MX.Example.ORG.", "AAAA", ["2001:db8::25"]),
    ("example.org", "TXT", ['"v=spf1 -all"']), ("_25._tcp.mx.example.org", "TLSA", ["3 1 1 " + "ab" * 32]),
    ("_imaps._tcp.ours.example", "SRV", ["5 6 2993 this.example."]),
    ("ours.example", "CAA", ['0 issue "letsencrypt.org"']), ("2.0.0.127.in-addr.arpa", "PTR", ["out.example.org."]), ("null.example", "MX", ["0 ."]),
])
def test_the_kinds_of_records(lookup, name, kind, records):
    found = lookup("lookup", name, kind)
    assert (found["records"], found["dnssec"]) == (records, "secure")


def test_what_a_domain_here_wants_is_compared(lab, lookup):
    def records():
        return {(record["type"], record["name"].removesuffix("ours.example")): record
                for record in lookup("records", "ours.example", code=1)["records"]}

    found = records()
    assert {key: record["status"] for key, record in found.items()} == {
        ("MX", ""): "published", ("A", "this.example"): "published", ("TXT", ""): "other", ("TXT", "_dmarc."): "missing",
        ("SRV", "_imaps._tcp."): "published", ("SRV", "_pop3s._tcp."): "other", ("SRV", "_imap._tcp."): "missing",
        ("SRV", "_pop3._tcp."): "missing", ("SRV", "_submission._tcp."): "missing",
        ("SRV", "_submissions._tcp."): "missing", ("CAA", ""): "published"}
    assert found["SRV", "_pop3s._tcp."]["value"] == "0 1 2995 this.example."
    assert found["SRV", "_pop3s._tcp."]["found"] == ["0 1 995 this.example."]
    home = lab[0].home
    home.command("domain", "add", "ours.example")
    home.command("dkim", "add", "ours.example", "--selector", "s", "--algorithm", "ed25519", "--now")
    key = records()["TXT", "s._domainkey."]
    assert key["status"] == "missing" and key["required"] and key["value"].startswith("v=DKIM1;")
    assert "s._domainkey.ours.example" in home.command("dns", "records", "ours.example", check=False).stdout
    assert home.command("dns", "records", "no such name", check=False).returncode == 2


def test_what_a_new_server_lacks(lab):
    done = lab[0].home.command("setup", "status", "--json", check=False)
    steps = {step["name"]: step["done"] for step in json.loads(done.stdout)["steps"]}
    # The domain that comes first has its MX elsewhere.
    assert done.returncode == 1 and steps == {"hostname": True, "domain": True, "user": True, "administrator": False,
                                              "certificate": False, "records": False}
    assert "--role administrator" in lab[0].home.command("setup", "status", check=False).stdout


def test_an_unsigned_zone_is_insecure(lookup):
    found = lookup("lookup", "mx.plain.example")
    assert (found["records"], found["outcome"], found["dnssec"]) == (["127.0.0.26"], "found", "insecure")


def test_a_forged_zone_is_bogus_and_gives_nothing(lookup):
    found = lookup("lookup", "mx.forged.example", code=1)
    assert (found["outcome"], found["dnssec"], found["records"]) == ("bogus", "bogus", [])
    assert found["why"]


def test_an_alias_is_followed(lookup):
    found = lookup("lookup", "alias.example.org")
    assert (found["name"], found["records"], found["dnssec"]) == ("mx.example.org", ["127.0.0.25"], "secure")


@pytest.mark.parametrize("name, kind, outcome", [
    ("nobody.example.org", "A", "no name"), ("mx.example.org", "MX", "no data"), ("nobody.plain.example", "A", "no name"),
])
def test_what_is_not_there(lookup, name, kind, outcome):
    found = lookup("lookup", name, kind, code=1)
    assert (found["outcome"], found["records"]) == (outcome, [])
    assert found["dnssec"] == ("insecure" if "plain" in name else "secure")


def test_a_deaf_server_costs_a_deadline_and_no_more(lookup):
    began = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        host = pool.submit(lookup, "lookup", "host.deaf.example", code=1)
        peer = pool.submit(lookup, "peer", "127.0.0.10", code=1)
        # Others are answered meanwhile.
        assert lookup("lookup", "mx.example.org")["records"]
        assert (host.result()["outcome"], host.result()["dnssec"]) == ("timeout", "unknown")
        assert peer.result() == {"names": [], "known": False}
    waited = time.monotonic() - began
    # It is remembered: the second answer does not wait.
    began = time.monotonic()
    assert lookup("peer", "127.0.0.10", code=1) == {"names": [], "known": False}
    assert time.monotonic() - began < waited


@pytest.mark.parametrize("address, names", [
    ("127.0.0.2", ["out.example.org"]), ("127.0.0.3", ["out.example.org"]), ("2a00::7", ["six.example.org"]),
    ("::ffff:127.0.0.2", ["out.example.org"]),
])
def test_names_that_lead_back(lookup, address, names):
    assert lookup("peer", address) == {"names": names, "known": True}


@pytest.mark.parametrize("address", [
    "127.0.0.4",   # the name has another address
    "127.0.0.6",   # the name holds a byte that no name has
    "127.0.0.7",   # the root is no name
    "127.0.0.8",   # there is none
    "127.0.0.11",  # the alias of another address's name
    "127.0.0.12",  # the alias of a name with another address
])
def test_names_that_do_not(lookup, address):
    assert lookup("peer", address, code=1) == {"names": [], "known": True}


def test_a_forged_name_is_not_believed(lookup):
    assert lookup("peer", "127.0.0.5", code=1) == {"names": [], "known": False}


def test_a_flood_of_names_is_cut(lookup):
    names = lookup("peer", "127.0.0.9")["names"]
    assert len(names) == 8 and names == sorted(names)


# ---- where mail for a domain goes

def hosts(found):
    return [(host["preference"], host["name"], sorted(host["addresses"])) for host in found["hosts"]]


def test_mx_by_preference(lookup):
    found = lookup("route", "mail.example")
    assert hosts(found) == [(10, "first.mail.example", ["127.0.0.41", "2001:db8::41"]),
                            (20, "second.mail.example", ["127.0.0.42", "127.0.0.43"]),
                            (30, "gone.mail.example", ["127.0.0.44"])]
    assert (found["verdict"], found["mx"], found["dnssec"]) == ("found", True, "secure")
    assert {host["dnssec"] for host in found["hosts"]} == {"secure"}
    # IPv6 first.
    assert found["hosts"][0]["addresses"] == ["2001:db8::41", "127.0.0.41"]


def test_equal_mx_by_chance(lookup):
    orders = {tuple(host["name"] for host in lookup("route", "even.mail.example")["hosts"]) for _ in range(6)}
    assert len(orders) > 1
    assert {len(order) for order in orders} == {8} and len({frozenset(order) for order in orders}) == 1


@pytest.mark.parametrize("domain, preferences", [
    ("alone.mail.example", [(0, "alone.mail.example", ["127.0.0.45"])]),
    ("ALIAS.mail.example.", [(0, "alias.mail.example", ["127.0.0.45"])]),
    ("behind.mail.example", [(10, "alias.mail.example", ["127.0.0.45"])]),
    ("nullmore.mail.example", [(10, "first.mail.example", ["127.0.0.41", "2001:db8::41"])]),
    ("b\u00fccher.mail.example", [(10, "first.mail.example", ["127.0.0.41", "2001:db8::41"])]),
    ("[192.0.2.7]", [(0, "-", ["192.0.2.7"])]),
    ("[IPv6:2001:db8::7]", [(0, "-", ["2001:db8::7"])]),
])
def test_other_ways_to_a_host(lookup, domain, preferences):
    found = lookup("route", domain)
    assert hosts(found) == preferences
    assert found["verdict"] == "found"
    assert found["dnssec"] == ("insecure" if domain.startswith("[") else "secure")


def test_an_alias_of_a_domain_with_mx(lookup):
    assert hosts(lookup("route", "far.mail.example"))[0][1] == "first.mail.example"


def test_an_unsigned_domain(lookup):
    found = lookup("route", "plain.example")
    assert (found["dnssec"], found["hosts"][0]["dnssec"]) == ("insecure", "insecure")


def test_a_forged_mx_is_left_out(lookup):
    found = lookup("route", "forged.mail.example")
    assert [host["name"] for host in found["hosts"]] == ["first.mail.example"]
    assert "mx.forged.example: bogus" in found["why"]


@pytest.mark.parametrize("domain, verdict, why", [
    ("null.example", "null MX", "takes no mail"),
    ("nobody.mail.example", "nowhere", "no domain nobody.mail.example"),
    ("empty.mail.example", "nowhere", "A of empty.mail.example: no data"),
    ("lost.mail.example", "nowhere", "A of lost-too.mail.example: no name"),
    ("forged.example", "later", "bogus"),
    ("onlyforged.mail.example", "later", "mx.forged.example: bogus"),
    ("ownfirst.mail.example", "loop", "this.example, this server, is its best MX"),
    ("that.example", "nowhere", "no domain that.example"), ("this.example", "loop", "this.example"),
    ("onlyownaddress.mail.example", "loop", "address of this server"),
    ("[127.0.0.25]", "loop", "own"),
    ("[127.0.0.300]", "no domain", "literal"), ("[IPv6:]", "no domain", "literal"), ("[", "no domain", "literal"),
    ("a..b", "no domain", "name"), (".", "no domain", "name"), ("\u202e.example", "no domain", "name"),
])
def test_no_host(lookup, domain, verdict, why):
    found = lookup("route", domain, code=1)
    assert (found["verdict"], found["hosts"]) == (verdict, [])
    assert why in found["why"]


@pytest.mark.parametrize("domain, kept", [("own.mail.example", "first.mail.example"),
                                          ("ownaddress.mail.example", "second.mail.example")])
def test_ourselves_and_what_is_worse_is_dropped(lookup, domain, kept):
    assert [host["name"] for host in lookup("route", domain)["hosts"]] == [kept]


def test_numbers_are_bounded(lookup):
    found = lookup("route", "many.mail.example")
    assert [host["preference"] for host in found["hosts"]] == list(range(16))
    assert len(set(lookup("route", "wide.mail.example")["hosts"][0]["addresses"])) == 8


def test_without_a_server_the_command_asks_by_itself(lab, home_template, workplace):
    home = home_copy(home_template, workplace / "home-dns-offline")
    lab[1].configure(home)
    done = home.command("dns", "lookup", "mx.example.org")
    assert done.stdout == "mx.example.org. 60 A 127.0.0.25\nfound, secure\n"
    assert home.command("dns", "peer", "127.0.0.2").stdout == "out.example.org\n"


def test_a_trust_anchor_that_cannot_be_read_is_refused(lab):
    server = lab[0]
    good = server.home.config_path.read_text()
    server.home.configure(Resolver__TrustAnchorFile="missing.key")
    done = server.home.command("reload", check=False)
    assert done.returncode == 2 and "missing.key cannot be read" in done.stderr
    done = server.home.command("check", check=False)
    assert done.returncode == 2 and "missing.key cannot be read" in done.stdout
    # The former one is still what answers are checked by.
    server.home.config_path.write_text(good)
    found = json.loads(server.home.command("dns", "lookup", "mx.example.org", "--json").stdout)
    assert found["dnssec"] == "secure"


def test_a_question_under_way_is_asked_anew_after_a_reload(lab):
    server, dns, deaf = lab
    good = server.home.config_path.read_text()
    deaf.forget()
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(server.home.command, "dns", "lookup", "name.late.example", "--json", check=False)
        assert deaf.heard()
        # Now somebody answers for the zone: the nameserver of the others, who has none of that name in it.
        config = server.home.config()
        config.put(config.item("StubZone", "late.example"), "Servers", dns.server)
        config.write()
        server.home.command("reload")
        found = json.loads(waits.result().stdout)
    assert found["outcome"] == "no name", found
    server.home.config_path.write_text(good)
    server.home.command("reload")


def test_records_that_change(lab, lookup):
    lab[1].replace("null.example", ["@ MX 10 now", "now A 127.0.0.70"])
    # What was asked before may be remembered for its TTL; this name was not.
    assert lookup("lookup", "now.null.example")["records"] == ["127.0.0.70"]


def test_signatures_that_are_taken_away_are_told_of(lab, home_template, workplace):
    """By the wrong trust anchor every answer is bogus: as behind a resolver that drops signatures."""
    home = home_copy(home_template, workplace / "home-dns-stripped")
    dns = lab[1]
    dns.configure(home)
    wrong = workplace / "wrong.key"
    wrong.write_text(f". IN DS 1 13 2 {'ab' * 32}\n")
    wrong.chmod(0o644)
    home.configure(Resolver__TrustAnchorFile=str(wrong))
    home.ports_shift(1000)
    with Server(home):
        for name in ("mx.example.org", "example.org"):
            found = json.loads(home.command("dns", "lookup", name, "--json", check=False).stdout)
            assert found["dnssec"] == "bogus"
        assert home.log_wait("error", "answers were bogus and none was proven; does the server that is asked hand on")
    assert len(re.findall("answers were bogus", home.log("error"))) == 1


def test_a_long_answer_comes_over_tcp(lookup):
    found = lookup("lookup", "long.example.org", "TXT")
    assert len(found["records"]) == 60 and found["dnssec"] == "secure"
