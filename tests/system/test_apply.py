# SPDX-License-Identifier: Apache-2.0
"""Changing the policy: shown before, in force at once, undone when nobody confirms, and recorded."""
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

from clients import client, s_client
from harness.server import Server
from harness.waiting import until

BOTH = ("Security", "SmtpSecurity")
LISTS = [f"{table}/{side}TlsProtocols" for table in BOTH for side in ("Server", "Client")]


def speaks(server, option, service="IMAPS"):
    return re.search(r"^New, (?!\(NONE\))\S+, Cipher is (?!\(NONE\))", s_client(server, service, option), re.M)


def is_refused(server, option, service="IMAPS"):
    return "alert protocol version" in s_client(server, service, option)


def evidence(home):
    """The entries, the oldest first."""
    return json.loads(home.command("evidence", "list", "--json").stdout)["entries"][::-1]


def generation(home):
    return json.loads(home.command("status", "--json", check=False).stdout)["generation"]


def verdict(home):
    done = home.command("evidence", "verify", "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def changed(entry):
    return {change["variable"]: change["new"] for change in entry["changes"]}


def table_value(home, place):
    table, name = place.split("/")
    return home.config().get(home.config().table(table), name)


# Stands between the reading of what is in force and the order to change it: waits for the end of what a pipe brings.
HELD = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int memfd_create(const char *name, unsigned int flags)
{
	char byte;
	int pipe = open(getenv("HELD_BY"), O_RDONLY);
	(void)!read(pipe, &byte, 1);
	close(pipe);
	return syscall(SYS_memfd_create, name, flags);
}
"""


def test_renewed_certificates_are_in_nobodys_way(server, tmp_path):
    """Pairs that come in force between the reading and the writing of a change do not refuse it."""
    pipe, held = tmp_path / "pipe", tmp_path / "held.so"
    os.mkfifo(pipe)
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", held], input=HELD, text=True, check=True)
    change = subprocess.Popen([server.home.postern, "tls", "set", "--min", "TLSv1.3", "--home", server.home.path],
                              env={**os.environ, "LD_PRELOAD": str(held), "HELD_BY": str(pipe)},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with open(pipe, "wb", buffering=0):  # it has come so far
        before = generation(server.home)
        chain = server.home.path / "sslcert" / "server.crt"
        chain.write_bytes(chain.read_bytes())
        server.home.command("reload")
        assert generation(server.home) > before
    said, _ = change.communicate(timeout=60)
    assert change.returncode == 0, said
    assert is_refused(server, "-tls1_2")


def test_a_minimum_is_shown_before_and_holds_at_once(server):
    home = server.home
    before = home.config_path.read_bytes()
    assert speaks(server, "-tls1_2")
    shown = home.command("tls", "set", "--min", "TLSv1.3", "--dry-run").stdout
    assert "IMAPS: TLSv1.2, TLSv1.3 -> TLSv1.3" in shown and "SMTP client: " in shown, shown
    assert "protocols that go:   TLSv1.2" in shown and "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" in shown
    plan = json.loads(home.command("tls", "set", "--min", "TLSv1.3", "--dry-run", "--json").stdout)
    assert {change["variable"] for change in plan["changes"]} == set(LISTS)
    [imaps] = [service for service in plan["services"] if service["name"] == "IMAPS"]
    assert imaps["protocols_before"] == ["TLSv1.2", "TLSv1.3"] and imaps["protocols"] == ["TLSv1.3"]
    assert imaps["protocols_gone"] == ["TLSv1.2"] and imaps["protocols_come"] == []
    assert "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" in imaps["suites_gone"] and not imaps["minimum_falls"]
    assert {entry["name"] for entry in plan["clients"]} == {"SMTP", "POP3"}
    assert plan["dry_run"] and not plan["written"] and not plan["in_force"] and plan["confirm_within_s"] == 0
    assert home.config_path.read_bytes() == before and speaks(server, "-tls1_2")

    done = home.command("tls", "set", "--min", "TLSv1.3").stdout
    assert "In force." in done
    for service in ("IMAPS", "SMTP", "HTTPS"):
        assert is_refused(server, "-tls1_2", service)
        assert speaks(server, "-tls1_3", service)
    assert {table_value(home, place) for place in LISTS} == {"TLSv1.3"}
    assert (home.path / "mailserver.cfg.bak").read_bytes() == before

    entry = evidence(home)[-1]
    assert entry["kind"] == "config change" and entry["uid"] == os.getuid()
    assert changed(entry) == dict.fromkeys(LISTS, "TLSv1.3")
    assert entry["from"] == "control socket"
    line = f'{entry["who"]} - Update Security {{ServerTlsProtocols="TLSv1.3", was="TLSv1.2,TLSv1.3"}}'
    assert re.search(r"^\[\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d\] " + re.escape(line) + "$", home.log("config"), re.M), \
        home.log("config")
    assert verdict(home)[0] == 0


def test_not_confirmed_it_is_undone(server):
    home = server.home
    before = home.config_path.read_bytes()
    done = home.command("tls", "set", "--min", "TLSv1.3", "--confirm-within", "2s")
    assert "In force" in done.stdout
    until(lambda: speaks(server, "-tls1_2"))
    assert home.config_path.read_bytes() == before
    # The front is told first, and the record is written when it answered.
    until(lambda: evidence(home)[-1]["who"] == "postern")
    assert "not confirmed" in evidence(home)[-1]["text"]
    assert server.status()["awaiting_confirmation"] is None
    late = home.command("tls", "confirm", check=False)
    assert late.returncode == 2 and "no change waits" in late.stderr


def test_no_second_change_meanwhile(server):
    home = server.home
    home.command("tls", "set", "--min", "TLSv1.3", "--confirm-within", "10m")
    assert is_refused(server, "-tls1_2")
    assert server.status()["awaiting_confirmation"]["until"] > time.time()
    refused = home.command("tls", "set", "Limits.Recipients=177", check=False)
    assert refused.returncode == 2 and "waits for its confirmation" in refused.stderr
    assert is_refused(server, "-tls1_2")


def change_confirmed(home):
    """Confirms a change in time and waits until that time is over; a machine that is busy gets more of it."""
    for seconds in (2, 10, 50):
        home.command("tls", "set", "--min", "TLSv1.3", "--confirm-within", f"{seconds}s")
        ends = time.monotonic() + seconds
        if home.command("tls", "confirm", check=False).returncode == 0:
            time.sleep(max(0, ends - time.monotonic()) + 1)
            return
        until(lambda: evidence(home)[-1]["who"] == "postern")
    raise AssertionError("no change could be confirmed in time")


def test_confirmed_it_stays(server):
    home = server.home
    change_confirmed(home)
    assert is_refused(server, "-tls1_2")
    assert evidence(home)[-1]["kind"] == "confirmation"
    # And back by hand, by number and by name.
    version = json.loads(home.command("tls", "history", "--json").stdout)["versions"][0]
    assert changed(version) == dict.fromkeys(LISTS, "TLSv1.3")
    home.command("tls", "revert", str(version["version"]))
    assert speaks(server, "-tls1_2")
    home.command("tls", "revert")
    assert is_refused(server, "-tls1_2")


def test_a_revert_ends_the_wait(server):
    home = server.home
    before = home.config_path.read_bytes()
    home.command("tls", "set", "--min", "TLSv1.3", "--confirm-within", "10m")
    home.command("tls", "revert")
    assert speaks(server, "-tls1_2") and home.config_path.read_bytes() == before
    assert server.status()["awaiting_confirmation"] is None
    home.command("tls", "set", "--min", "TLSv1.3")


def test_going_back_waits_for_its_confirmation_too(server):
    home = server.home
    before = home.config_path.read_bytes()
    assert "In force" in home.command("tls", "reset", "--allow-weaker", "--confirm-within", "2s").stdout
    until(lambda: is_refused(server, "-tls1_1"))
    assert home.config_path.read_bytes() == before
    until(lambda: server.status()["awaiting_confirmation"] is None)

    home.command("tls", "set", "--min", "TLSv1.3")
    raised = home.config_path.read_bytes()
    home.command("tls", "revert", "--confirm-within", "10m")
    assert speaks(server, "-tls1_2")
    # It ends a wait and does not begin another.
    refused = home.command("tls", "revert", "--confirm-within", "10m", check=False)
    assert refused.returncode == 2 and "waits for its confirmation" in refused.stderr
    home.command("tls", "revert")
    assert is_refused(server, "-tls1_2") and home.config_path.read_bytes() == raised
    assert server.status()["awaiting_confirmation"] is None


def test_versions_and_entries_come_in_pages(home):
    def page(*words):
        return json.loads(home.command(*words, "--json").stdout)

    for recipients in range(101, 106):
        home.command("tls", "set", f"Limits.Recipients={recipients}")
    home.command("tls", "set", "Limits.MessageBytes=3000000")
    whole = page("tls", "history")
    assert [one["version"] for one in whole["versions"]] == [6, 5, 4, 3, 2, 1]
    assert (whole["total"], whole["next"]) == (6, None)
    assert changed(whole["versions"][1]) == {"Limits/Recipients": "105"} and whole["versions"][1]["who"] == "root"
    first = page("tls", "history", "--limit", "2")
    second = page("tls", "history", "--limit", "4", "--after", first["next"])
    assert first["versions"] + second["versions"] == whole["versions"] and second["next"] is None
    found = page("tls", "history", "--search", "recipients", "--limit", "2")
    assert ([one["version"] for one in found["versions"]], found["total"], found["next"]) == ([5, 4], 5, "4")

    entries = page("evidence", "list")["entries"]
    assert [entry["sequence"] for entry in entries] == [6, 5, 4, 3, 2, 1]
    first = page("evidence", "list", "--limit", "4")
    assert (first["total"], first["next"]) == (6, "3")
    second = page("evidence", "list", "--limit", "4", "--after", first["next"])
    assert first["entries"] + second["entries"] == entries and second["next"] is None
    found = page("evidence", "list", "--search", "RECIPIENTS", "--limit", "1", "--after", "3")
    assert ([entry["sequence"] for entry in found["entries"]], found["total"], found["next"]) == ([2], 5, "2")
    assert "go on with --after 5" in home.command("evidence", "list", "--limit", "2").stdout


def test_a_conflict_does_not_keep_an_unconfirmed_change(server):
    """The same variable was edited while the change waited: the former text wins, the edited one is kept."""
    home = server.home
    before = home.config_path.read_bytes()
    home.command("tls", "set", "--min", "TLSv1.3", "--confirm-within", "4s")
    home.configure(Security__ServerTlsProtocols="TLSv1.1,TLSv1.3")
    edited = home.config_path.read_bytes()
    until(lambda: speaks(server, "-tls1_2"))
    assert home.config_path.read_bytes() == before
    assert edited in [path.read_bytes() for path in (home.path / "history").glob("*.cfg")]
    assert home.log_wait("warning", "the edited text is version")


def test_reset_needs_a_second_word_where_the_minimum_falls(server):
    home = server.home
    refused = home.command("tls", "reset", check=False)
    assert refused.returncode == 2 and "--allow-weaker" in refused.stderr
    assert "IMAPS: the minimum goes from TLSv1.2 to TLSv1" in refused.stdout
    assert is_refused(server, "-tls1_1")
    home.command("tls", "reset", "--allow-weaker")
    assert speaks(server, "-tls1_1") and speaks(server, "-tls1")
    assert all(table_value(home, place) is None for place in LISTS)


def test_overrides_below_the_minimum_are_named(server):
    home = server.home
    home.command("tls", "set", "Service:POP3S.ServerTlsProtocols=TLSv1.2")
    done = home.command("tls", "set", "--min", "TLSv1.3", check=False)
    assert done.returncode == 1
    assert re.search(r"POP3S still admits TLSv1\.2: Service:POP3S/ServerTlsProtocols \(mailserver\.cfg:\d+\)",
                     done.stderr), done.stderr
    assert is_refused(server, "-tls1_2") and speaks(server, "-tls1_2", "POP3S")


def test_a_hand_edit_is_kept_and_a_conflict_refused(server):
    home = server.home
    home.configure(Limits__Recipients="177")
    home.command("tls", "set", "Security.ServerTlsProtocols=TLSv1.3")
    assert table_value(home, "Limits/Recipients") == "177"
    hand, own = evidence(home)[-2:]
    assert hand["kind"] == "reload of a hand edit" and changed(hand) == {"Limits/Recipients": "177"}
    assert hand["who"] == "hand edit" and own["kind"] == "config change"
    assert changed(own) == {"Security/ServerTlsProtocols": "TLSv1.3"}

    home.configure(Security__ServerTlsProtocols="TLSv1.2")
    edited = home.config_path.read_bytes()
    refused = home.command("tls", "set", "Security.ServerTlsProtocols=TLSv1.2,TLSv1.3", check=False)
    assert refused.returncode == 2
    assert '"TLSv1.2"' in refused.stderr and '"TLSv1.2,TLSv1.3"' in refused.stderr
    assert home.config_path.read_bytes() == edited
    home.command("reload")
    assert changed(evidence(home)[-1]) == {"Security/ServerTlsProtocols": "TLSv1.2"}


@pytest.mark.parametrize("word", ["Security.ServerTlsProtocols=TLSv1.9", "Security.Nothing=1", "nonsense",
                                  "Security.ServerTlsCiphers=HIGH:!NOSUCH"])
def test_what_is_wrong_changes_nothing(server, word):
    before = server.home.config_path.read_bytes()
    assert server.home.command("tls", "set", word, check=False).returncode == 2
    assert server.home.config_path.read_bytes() == before


def test_a_port_that_is_occupied_puts_the_file_back(server):
    home = server.home
    before = home.config_path.read_bytes()
    taken = server.ports["SMTP"]
    refused = home.command("tls", "set", f"Service:POP3S.Port={taken}", check=False)
    assert refused.returncode == 2
    assert home.config_path.read_bytes() == before
    assert speaks(server, "-tls1_2", "POP3S")


@pytest.mark.parametrize("wait", [0, 4])
def test_a_killed_parent_does_not_forget_to_undo(home, wait):
    """The time runs out while no parent is there (4 s), or when the next one serves already (0 s)."""
    before = home.config_path.read_bytes()
    first = Server(home).wait_ready()
    home.command("tls", "set", "--min", "TLSv1.3", "--confirm-within", "3s")
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    time.sleep(wait)
    with Server(home) as second:
        until(lambda: speaks(second, "-tls1_2"))
        assert home.config_path.read_bytes() == before
        until(lambda: any("not confirmed" in entry["text"] for entry in evidence(home)))
        assert verdict(home)[0] == 0


def test_a_change_whose_parent_was_killed_keeps_its_author(home):
    """Killed between the writing of the file and of the record: the state of the disk then, made by hand."""
    with Server(home):
        pass
    before = home.config_path.read_bytes()
    home.configure(Limits__Recipients="177")
    after = home.config_path.read_bytes()
    (home.path / "history" / "intended").write_text("\n".join([
        "postern change of mailserver.cfg, 2", "until 0", "within 0", "who carla", "uid 4711", "from control socket",
        f"before {base64.b64encode(before).decode()}", f"after {base64.b64encode(after).decode()}", ""]))
    with Server(home):
        change, start = evidence(home)[-2:]
        assert (change["who"], change["uid"], change["kind"]) == ("carla", 4711, "config change"), change
        assert change["text"] == "recorded by the next start" and changed(change) == {"Limits/Recipients": "177"}
        assert start["kind"] == "start" and verdict(home)[0] == 0
        assert not (home.path / "history" / "intended").exists()
        home.command("tls", "set", "Limits.Recipients=178")
        assert not (home.path / "history" / "intended").exists()


def test_without_a_server(home):
    done = home.command("tls", "set", "--min", "TLSv1.3")
    assert "when the server starts" in done.stdout
    late = home.command("tls", "set", "--min", "TLSv1.2", "--confirm-within", "1m", check=False)
    assert late.returncode == 3
    with Server(home) as server:
        assert is_refused(server, "-tls1_2")
        kinds = [entry["kind"] for entry in evidence(home)]
        assert kinds[-1] == "start"
        assert verdict(home) == (0, {"entries": len(kinds), "faults": [], "hash": evidence(home)[-1]["hash"]})
    home.configure(Limits__Recipients="178")
    with Server(home):
        hand, start = evidence(home)[-2:]
        assert changed(hand) == {"Limits/Recipients": "178"} and start["kind"] == "start"


def test_a_replaced_certificate_is_recorded(server):
    home = server.home
    for part in ("crt", "key"):
        source = home.path / "sslcert" / f"server-ecdsa.{part}"
        (home.path / "sslcert" / f"mail.example.org.{part}").write_bytes(source.read_bytes())
    home.command("reload")
    entry = evidence(home)[-1]
    assert entry["kind"] == "certificate change"
    assert [change["variable"] for change in entry["changes"]] == ["mail.example.org"]


@pytest.mark.parametrize("harm", ["change", "remove", "swap"])
def test_a_tampered_record_is_found(server, harm):
    home = server.home
    for count in range(3):
        home.command("tls", "set", f"Limits.Recipients={100 + count}")
    path = home.path / "evidence.log"
    lines = path.read_text().splitlines(keepends=True)
    number = len(lines) - 1
    if harm == "change":
        lines[number - 1] = lines[number - 1].replace("101", "999")
        wanted = f"entry {number} was changed"
    elif harm == "remove":
        del lines[number - 1]
        wanted = f"entry {number} is missing"
    else:
        lines[number - 1], lines[number] = lines[number], lines[number - 1]
        wanted = f"entry {number} stands behind entry {number + 1}"
    path.write_text("".join(lines))
    code, found = verdict(home)
    assert code == 1 and any(wanted in fault for fault in found["faults"]), found


def head_of(home):
    """The number of the entry that evidence.head names."""
    path = home.path / "evidence.head"
    return int(re.search(r"^entry (\d+)$", path.read_text(), re.M)[1]) if path.exists() else 0


def test_a_log_whose_end_was_cut_off_is_found_and_stays_known(home):
    path = home.path / "evidence.log"
    with Server(home):
        home.command("tls", "set", "Limits.Recipients=177")
        until(lambda: head_of(home) == len(evidence(home)))
        assert verdict(home) == (0, {"entries": 2, "faults": [], "hash": evidence(home)[-1]["hash"]})
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    code, found = verdict(home)
    assert code == 1 and any("entries were cut off: the log ends with entry 1" in fault for fault in found["faults"])
    with Server(home):
        fault = evidence(home)[1]
        assert fault["kind"] == "fault of the record" and "names entry 2 as the last" in fault["text"]
        assert "entries were cut off" in home.log("error")
        until(lambda: head_of(home) == len(evidence(home)))
        code, found = verdict(home)
        assert code == 1 and found["faults"] == ["line 2: entry 2 tells of a fault that was found then"]


def test_an_entry_made_without_a_server_has_its_head(home):
    with Server(home):
        until(lambda: head_of(home) == 1)
    home.command("tls", "set", "Limits.Recipients=177")
    assert head_of(home) == len(evidence(home)) == 2
    (home.path / "evidence.head").unlink()
    assert verdict(home)[0] == 1


def test_the_server_shakes_hands_with_itself(server):
    def passed():
        return server.status()["self_check"]["state"] == "passed"

    until(passed)
    check = server.status()["self_check"]
    # Eight services, four versions, and each kind of certificate once.
    assert check["handshakes"] == 8 * 6 and check["differences"] == []
    ports = check["ports"]
    assert (ports["handshakes"], ports["differences"], ports["unreached"]) == (2 * 8 * 6, [], []), ports
    # They are nobody's sessions: neither counted nor logged.
    metrics = client("curl", "-s", "--cacert", server.home.certificate,
                     f"https://localhost:{server.ports['HTTPS']}/metrics")
    counted = re.findall(r'^(postern_(?:connections|tls_handshakes|received)\w*)\{service="(\w+)".*\} (\d+)$', metrics, re.M)
    assert counted and not [row for row in counted if row[1] != "HTTPS" and row[2] != "0"], counted
    assert "TLS: " not in server.home.log("security")
    server.home.command("tls", "reset", "--allow-weaker")
    until(passed)
    assert server.status()["self_check"]["time"] >= check["time"]
    assert re.search(r"^Self-check passed: 48 handshakes", server.home.command("status").stdout, re.M)
    server.home.command("tls", "set", "Security.TlsFloor=TLSv1.3", "Security.TlsFloorMode=handshake")
    assert is_refused(server, "-tls1_2")
    until(passed)
    assert "self-check" not in server.home.log("error") + server.home.log("warning")


def test_a_port_that_is_not_reached_is_told(home):
    """The socket goes on listening at an address that the machine has no more."""
    address = ("ip", "addr"), ("192.0.2.77/32", "dev", "lo")
    client(*address[0], "add", *address[1])
    home.configure(**{"Service[POP3S].Addresses": "127.0.0.1,192.0.2.77", "Server.Fronts": "3"})
    with Server(home) as server:
        until(lambda: server.status()["self_check"]["state"] == "passed")
        assert server.status()["self_check"]["ports"]["unreached"] == []
        client(*address[0], "del", *address[1])
        home.command("reload")
        until(lambda: server.status()["self_check"]["ports"]["unreached"])
        check = server.status()["self_check"]
        assert check["state"] == "passed" and check["ports"]["differences"] == [], check
        assert re.fullmatch(r"POP3S 192\.0\.2\.77:\d+: Cannot assign requested address", check["ports"]["unreached"][0])
        assert home.log_wait("warning", r"self-check: POP3S 192\.0\.2\.77:\d+: .*; what peers see of this port was not "
                                        r"checked")
        assert "not reached: POP3S 192.0.2.77" in home.command("status").stdout


def test_openssl_verifies_an_export(server, folder):
    home = server.home
    home.command("tls", "set", "Limits.Recipients=177")
    document = json.loads(home.command("evidence", "export").stdout)
    log = (home.path / "evidence.log").read_bytes()
    assert document["log"].encode() == log
    statement = dict(line.split(" ", 1) for line in document["statement"].splitlines()[1:])
    assert statement["sha256"] == hashlib.sha256(log).hexdigest()
    assert statement["last"] == evidence(home)[-1]["hash"]
    assert int(statement["entries"]) == len(evidence(home))
    (folder / "key.pem").write_text(document["public_key"])
    (folder / "signature").write_bytes(base64.b64decode(document["signature"]))
    (folder / "statement").write_text(document["statement"])
    verify = ["openssl", "dgst", "-sha256", "-verify", folder / "key.pem", "-signature", folder / "signature",
              folder / "statement"]
    assert "Verified OK" in client(*verify)
    (folder / "statement").write_text(document["statement"].replace("entries ", "entries 1"))
    assert "Verified OK" not in client(*verify, check=False)
    # The key outlives the server, and nobody else may read it.
    assert (home.path / "evidence.key").stat().st_mode & 0o777 == 0o600
    assert document["public_key"] == json.loads(home.command("evidence", "export").stdout)["public_key"]


def test_changes_of_the_directory_are_told(server):
    home = server.home
    home.command("alias", "add", "info@example.org", "anna@example.org", "bert@example.org")
    assert home.log_wait("config", r'\] \w+ - Update Alias \{Name="info@example\.org", '
                                   r'Targets="anna@example\.org,bert@example\.org"\}$'), home.log("config")
    server.stop()
    home.user_add("carl@example.org", "carl-secret")
    assert home.log_wait("config", r'\] \w+ - Create User \{Name="carl@example\.org"\}$'), home.log("config")
    assert "carl-secret" not in home.log("config")
