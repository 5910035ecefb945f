# SPDX-License-Identifier: Apache-2.0
"""A floor's rung moves on its day, once, whatever is reloaded or started again around it."""
import json
import re
import smtplib
import ssl
import time
import warnings
from datetime import datetime, timedelta, timezone

import pytest

from clients import s_client, tls_context
from harness.server import Server
from harness.waiting import SECONDS

EVERY_VERSION = "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3"
# For what happens before midnight; a machine that is busy gets more of them at the next try.
SECONDS_BEFORE = (15, 60, 240)
REPLY = ("Sending server negotiated an old and insecure TLS version, TLSv1.1, sending server will need to be upgraded "
         "to support at least TLSv1.2")


def zone_with_midnight_in(seconds):
    """A value for TZ in which the next day begins so many seconds from now, in summer time, and that day."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    midnight = now + timedelta(seconds=seconds)
    east = timedelta(days=1) - timedelta(hours=midnight.hour, minutes=midnight.minute, seconds=midnight.second)
    day = (midnight + east).date()
    if east > timedelta(hours=12):
        east, day = east - timedelta(days=1), day - timedelta(days=1)

    # POSIX counts west of Greenwich as positive.
    def offset(length):
        hours, rest = divmod(abs(int(length.total_seconds())), 3600)
        return f"{'-' if length > timedelta(0) else '+'}{hours:02}:{rest // 60:02}:{rest % 60:02}"
    # Summer time from the first day of the year to behind its last (tzset(3)).
    return f"TST{offset(east - timedelta(hours=1))}TDT{offset(east)},0/0,J365/25", day.isoformat(), midnight


def is_refused(server, service, option="-tls1_1"):
    said = s_client(server, service, option)
    assert "alert protocol version" in said or re.search(r"^New, TLSv", said, re.M), said
    return "alert protocol version" in said


def smtp_open(server):
    """A client of TLSv1.1 that has said EHLO behind STARTTLS."""
    context = tls_context(server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    smtp = smtplib.SMTP("localhost", server.ports["SMTP"], "client.example", timeout=SECONDS)
    smtp.starttls(context=context)
    smtp.ehlo()
    return smtp


def moves(home):
    """What the log says of rungs that moved: service -> from, to. Midnight begins a new log, too."""
    text = "".join(path.read_text() for path in (home.path / "store" / "logs").glob("warning*"))
    found = re.findall(r"TlsFloorDate: \S+ has come: for (\S+) the rung of \S+ \(mailserver\.cfg:\d+\) is (\w+) now, "
                       r"no more (\w+)$", text, re.M)
    assert len(found) == len({service for service, _, _ in found}), found
    return {service: (before, now) for service, now, before in found}


def floors(home):
    """What `status` says: service -> in force, to come."""
    return {floor["service"]: (floor["mode"], floor["mode_later"])
            for floor in json.loads(home.command("status", "--json").stdout)["floors"]}


def date_set(home, day):
    for table in ("Security", "SmtpSecurity"):
        home.configure(**{f"{table}.ServerTlsProtocols": EVERY_VERSION, f"{table}.ServerTlsCiphers": None,
                          f"{table}.TlsFloor": "TLSv1.2", f"{table}.TlsFloorDate": day})


def is_late(midnight):
    return datetime.now(timezone.utc) >= midnight


@pytest.fixture
def eve(home, folder, monkeypatch):
    """A server that runs through its day's beginning, which is near; what is to be seen before was seen."""
    for seconds in SECONDS_BEFORE:
        zone, day, midnight = zone_with_midnight_in(seconds)
        date_set(home, day)
        # The commands live in the server's zone.
        monkeypatch.setenv("TZ", zone)
        with Server(home) as server:
            try:
                before_midnight(server, day, folder / "session")
                waiting = smtp_open(server)
                server.home.command("reload")
                assert not moves(home)
            except AssertionError:
                if not is_late(midnight):
                    raise
            if not is_late(midnight):
                yield server, day, waiting
                return
    pytest.fail("what comes before midnight took too long")


def test_a_rung_moves_once_at_midnight(eve, folder):
    server, day, waiting = eve
    home = server.home
    # No reload, no restart: the line comes by itself.
    assert home.log_wait("warning", "TlsFloorDate: .* for IMAPS ", SECONDS_BEFORE[-1])
    # Whoever was let in goes on.
    assert waiting.mail("x@client.example")[0] == 250
    after_midnight(server, day)
    said = s_client(server, "IMAPS", "-tls1_2", "-sess_in", folder / "session")
    assert "Verification: OK" in said and "Reused, " not in said
    # The parent looks once a second: twice more, and it must have nothing to say.
    time.sleep(2.2)
    told = moves(home)
    assert told["SMTP"] == ("observe", "reply") and told["IMAPS"] == ("observe", "handshake")
    assert len(told) == 6 and "SMTPS" not in told
    home.command("reload")
    after_midnight(server, day)
    server.stop()
    with Server(home) as again:
        after_midnight(again, day)
        # It was one rung, and it is told once.
        assert moves(home) == told


def before_midnight(server, day, session):
    home = server.home
    found = home.command("check", check=False).stdout
    for table, rung in (("SmtpSecurity", "reply"), ("Security", "handshake")):
        assert (f" {table}/TlsFloorDate: at 00:00 local time of that day the rung moves from observe to {rung}, "
                "once") in found, found
    status = home.command("status").stdout
    assert f"Floor TLSv1.2: observe until {day} 00:00, then reply (SMTP)" in status, status
    # The table's next rung is reply, which where users log in can but observe.
    assert "Floor TLSv1.2: observe (Submission, SMTPS)" in status, status
    assert (f"Floor TLSv1.2: observe until {day} 00:00, then handshake "
            "(IMAP, IMAPS, POP3, POP3S, HTTPS)") in status, status
    assert floors(home)["SMTP"] == ("observe", "reply") and floors(home)["IMAP"] == ("observe", "handshake")
    assert f"TLSv1.2: observe until {day} 00:00, then handshake" in home.command("tls", "show").stdout
    assert not is_refused(server, "IMAPS") and not is_refused(server, "SMTP")
    s_client(server, "IMAPS", "-tls1_2", "-sess_out", session)
    assert "Reused, " in s_client(server, "IMAPS", "-tls1_2", "-sess_in", session)
    with smtp_open(server) as smtp:
        assert smtp.mail("x@client.example")[0] == 250


def after_midnight(server, day):
    home = server.home
    assert is_refused(server, "IMAPS") and not is_refused(server, "IMAPS", "-tls1_2")
    assert not is_refused(server, "SMTPS")
    # From observe to reply: mail is refused, the handshake is not.
    assert not is_refused(server, "SMTP")
    with smtp_open(server) as smtp:
        code, words = smtp.mail("x@client.example")
        assert (code, words.decode()) == (550, f"5.7.10 {REPLY}")
    assert home.log_wait("security", r"offered at most TLSv1\.1; Security/TlsFloor \(mailserver\.cfg:\d+\) "
                                     r"admits TLSv1\.2, TLSv1\.3")
    assert floors(home)["SMTP"] == ("reply", None) and floors(home)["IMAP"] == ("handshake", None)
    found = home.command("check", check=False).stdout
    assert "the day has come: the rung is reply now, not observe" in found, found
    assert f"since {day} 00:00, before that observe" in home.command("tls", "show").stdout
