# SPDX-License-Identifier: Apache-2.0
"""A file that is wrong never comes in force: line, name, reason and cure are said, and what was in force stays."""
import json
import re
import socket
import ssl
import time
import warnings

import pytest

from clients import tls_context
from conftest import home_copy
from harness.server import CommandFailed, Server
from harness.waiting import SECONDS, until

# What is written -> the variable that is named, the reason, the cure.
PROTOCOLS = ("ServerTlsProtocols", "write SSLv3, TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3, separated by commas")
EMPTY_ITEM = ("ServerTlsProtocols", "the list has an empty item", "take the extra comma out")
NOT_UNDERSTOOD = ("is not understood", "names stand between colons, joined by +, with !, - or + before")
NO_SUITE = ("leaves no suite for TLSv1.2, which ServerTlsProtocols (line ",
            "Add suites for it, or take TLSv1.2 out of the list")
A_DAY = "write YYYY-MM-DD, for example 2027-03-01"


def protocols(value, *parts):
    return {"ServerTlsProtocols": value}, parts or (PROTOCOLS[0], f'"{value}" is no protocol', PROTOCOLS[1])


def ciphers(value, *parts):
    return {"ServerTlsCiphers": value}, ("ServerTlsCiphers", *parts)


def date(value):
    return ({"TlsFloor": "TLSv1.2", "TlsFloorDate": value}, ("TlsFloorDate", f'"{value}" is no day', A_DAY))


VALUES = [
    *(protocols(value) for value in ("TLSv1.4", "SSLv2", "all", "TLSv1;TLSv1.2", "TLSv1.2 TLSv1.3", "-TLSv1", "1.2")),
    *(protocols(value, *EMPTY_ITEM) for value in ("TLSv1,,TLSv1.2", "TLSv1.2,", ",")),
    protocols("SSLv3", "ServerTlsProtocols", "leaves no protocol that can be used", "Name TLSv1.2 or TLSv1.3"),
    ciphers("HIGH:!aNUL", 'knows the name "aNUL", so what it should remove would stay', "did you mean aNULL?"),
    ciphers("HIGH:-TLS_RSA_WITH_AES_128_CBC_SHAA", "so what it should remove would stay"),
    *(ciphers(f"HIGH:{rule}", f'"{rule}" {NOT_UNDERSTOOD[0]}', NOT_UNDERSTOOD[1])
      for rule in ("&", "!", "! aNULL", "ä")),
    ciphers("HIGH:@FOO", '"@FOO" is no command of a cipher string', "only @STRENGTH is one"),
    ciphers("HIGH:@SECLEVEL=0", '"@SECLEVEL=0" is refused: lowering', "so take it out"),
    ciphers("SUITEB128", '"SUITEB128" is refused', "name the suites"),
    ciphers("HIGH:ADH", '"ADH" is refused: suites without authentication', "take it out"),
    ciphers("TLS_AES_128_GCM_SHA256+HIGH", "joins a TLS 1.3 suite with something else", "name it alone"),
    ciphers("x" * 5000, "is longer than 4096 bytes", "keywords like HIGH say the same shorter"),
    *(ciphers(value, *NO_SUITE) for value in ("RC4", "NOSUCH", ":::")),
    *(date(value) for value in ("tomorrow", "2026-02-30", "2027-3-1", "01.03.2027", "2027-13-01", "20270301",
                                "2027-03-01T00:00", "0000-01-01")),
    *(({"TlsFloor": value}, ("TlsFloor", f'"{value}" is no floor', "write TLSv1.1, TLSv1.2 or TLSv1.3"))
      for value in ("TLSv1", "1.2", "SSLv3")),
    ({"TlsFloor": "TLSv1.2", "TlsFloorMode": "refuse"}, ("TlsFloorMode", '"refuse" is none of observe')),
    ({"EphemeralDHKeySize": "512"}, ("EphemeralDHKeySize", '"512" is none of 0, 1024, 2048 and 4096')),
    ({"EnableEphemeralDH": "yes"}, ("EnableEphemeralDH", '"yes" is neither 0 nor 1')),
    ({"MinimumTls": "TLSv1.2"}, ("MinimumTls", "would lower the floor", "Delete it, or say what it is in")),
    ({"ClientTlsProtocols": "TLSv1.5"}, ("ClientTlsProtocols", '"TLSv1.5" is no protocol', PROTOCOLS[1])),
    ({"ClientTlsCiphers": "HIGH:!aNUL"}, ("ClientTlsCiphers", "so what it should remove would stay")),
]

# How the text is spoiled -> what is said.
TEXTS = {
    "a lost blank": (lambda text: text.replace('<variable name="ServerTlsProtocols"',
                                               '<variablename="ServerTlsProtocols"', 1),
                     ('a blank is missing between "variable" and "name"', 'write <variable name="...">')),
    "a lost end tag": (lambda text: text.replace("</variable>", "", 1),
                       ("mismatched tag", "each element ends with a tag of its own name")),
    "a table that stands twice": (lambda text: text.replace("</config>", '<table name="Security"/>\n</config>'),
                                  ("Security: stands twice, on lines ", "put the variables into one")),
    "a variable that stands twice": (
        lambda text: text.replace('<table name="Security">', '<table name="Security">\n'
                                  '<variable name="ServerTlsProtocols">TLSv1.3</variable>', 1),
        ("Security/ServerTlsProtocols: stands twice, on lines ", "delete one")),
    "half a file": (lambda text: text[:len(text) // 2], ("cannot be read", "the end of the file is missing")),
    "no XML": (lambda text: "hello\n", ("cannot be read (syntax error)", "compare the line with its neighbours")),
    "an ampersand": (lambda text: text.replace("ECDHE", "EC&DHE", 1), ("cannot be read", "write &amp; for &")),
    "a type declaration": (lambda text: '<!DOCTYPE config [<!ENTITY a "b">]>\n' + text[text.index("<config"):],
                           ("a document type declaration (<!DOCTYPE>) is refused", "take it out")),
    "another encoding": (lambda text: text.encode().replace(b"ECDHE", b"EC\xe4DHE", 1),
                         ("no UTF-8", "save the file as UTF-8")),
    "no text at all": (lambda text: text.encode("utf-16"), ("the file holds NUL bytes", "save it as UTF-8")),
    "nothing": (lambda text: "", ("the file is empty", "`postern init` writes a new one")),
}
WITHOUT_LINE = ("no text at all", "nothing")
STAYS = "mailserver.cfg is not put in force; the last good configuration stays"


@pytest.fixture(scope="module")
def serving(home_template, workplace):
    home = home_copy(home_template, workplace / "bad-input")
    home.ports_shift(25000)
    with Server(home) as server:
        yield server, home.config_path.read_text()


def negotiated(server, service, version):
    """Suite and version, or what OpenSSL says of the refusal."""
    context = tls_context(server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        with socket.create_connection(("127.0.0.1", server.ports[service]), SECONDS) as peer:
            with context.wrap_socket(peer, server_hostname="localhost") as secured:
                return secured.cipher()[:2]
    except ssl.SSLError as error:
        return error.reason


def in_force(server):
    """What the network sees on a port of either table."""
    versions = (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    return [negotiated(server, service, version) for service in ("IMAPS", "SMTPS") for version in versions]


def line_of(text, variable):
    """The number of the line where a variable of SmtpSecurity stands."""
    at = text.index(f'<variable name="{variable}">', text.index('<table name="SmtpSecurity">'))
    return text.count("\n", 0, at) + 1


def refused(server, parts, line):
    """The reload is refused in these words, in all three places; what was in force stays so."""
    home = server.home
    errors = home.log("error").count(STAYS)
    before = in_force(server)
    assert before[0] == "TLSV1_ALERT_PROTOCOL_VERSION" and before[2][1] == "TLSv1.3", before
    generation = json.loads(home.command("status", "--json", check=False).stdout)["generation"]
    done = home.command("reload", check=False)
    assert done.returncode == 2, done
    status = json.loads(home.command("status", "--json", check=False).stdout)
    shown = home.command("status", check=False)
    assert shown.returncode == 1 and "The file on disk is not in force: " in shown.stdout, shown
    place = "mailserver.cfg" + (f":{line}: error: " if line else ": error: ")
    for where, said in (("reload", done.stderr), ("status", status["config_broken"]), ("status in words", shown.stdout),
                        ("error.log", home.log("error"))):
        assert place in said, (where, place, said)
        for part in parts:
            assert part in said, (where, part, said)
    # Once more on a slow machine: that the file was written may have been noticed before the reload.
    assert 1 <= home.log("error").count(STAYS) - errors <= 2
    assert status["generation"] == generation
    assert in_force(server) == before


def repaired(server, good):
    server.home.config_path.write_text(good)
    server.home.command("reload")
    status = json.loads(server.home.command("status", "--json", check=False).stdout)
    assert status["config_broken"] is None


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_a_bad_value(serving, number):
    server, good = serving
    values, parts = VALUES[number]
    server.home.configure(**{f"SmtpSecurity.{name}": value for name, value in values.items()})
    refused(server, (f"SmtpSecurity/{parts[0]}: ", *parts[1:]), line_of(server.home.config_path.read_text(), parts[0]))
    repaired(server, good)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_spoiled_file(serving, kind):
    server, good = serving
    spoil, parts = TEXTS[kind]
    spoiled = spoil(good)
    assert spoiled != good
    server.home.config_path.write_bytes(spoiled if isinstance(spoiled, bytes) else spoiled.encode())
    done = server.home.command("check", check=False)
    found = re.search(r"mailserver\.cfg:(\d+): error: ", done.stdout + done.stderr)
    assert bool(found) == (kind not in WITHOUT_LINE), done
    refused(server, parts, found and found[1])
    repaired(server, good)


def test_what_was_told_is_not_told_again(serving):
    """A reload says what is wrong; that the file was written just before is then no news."""
    server, good = serving
    home = server.home
    home.config_path.write_text("told once")
    assert home.command("reload", check=False).returncode == 2
    told = home.log("error").count(STAYS)
    home.config_path.write_text("told once")
    time.sleep(3)  # it would be noticed by now
    home.config_path.write_text(good.replace('"ServerTlsProtocols">', '"ServerTlsProtocols">TLSv9,', 1))
    until(lambda: STAYS in home.log("error").partition('"TLSv9" is no protocol')[2])
    assert home.log("error").count(STAYS) == told + 1
    repaired(server, good)


@pytest.mark.parametrize("kind", ["a lost blank", "half a file", "nothing"])
def test_a_server_does_not_start_on_such_a_file(home, kind):
    spoil, parts = TEXTS[kind]
    home.config_path.write_text(spoil(home.config_path.read_text()))
    with pytest.raises(CommandFailed) as failed:
        with Server(home):
            pass
    said = str(failed.value)
    assert re.search(r"mailserver\.cfg:\d+: error: ", said) or kind in WITHOUT_LINE, said
    assert all(part in said for part in parts) and "exit code 2" in said, said
