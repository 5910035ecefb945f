# SPDX-License-Identifier: Apache-2.0
"""Each cell of the table: what becomes of mail to a peer under a level of TlsPolicy."""
import re

import pytest

import cases
import manual
from harness.dns import tools_missing
from lab import Lab

DATA = cases.load()
CELLS = cases.cells(DATA)


@pytest.fixture(scope="module")
def lab(workplace, home_template):
    if tools_missing():
        pytest.skip(f"not installed: {tools_missing()}")
    return Lab(workplace, home_template, DATA).run()


def holds(words, text, cell):
    return re.search(cases.words_pattern(words, cell), text) is not None


def notice_check(lab, cell, last):
    """The sender is told in the same words."""
    notice = lab.notices[cell.domain]
    assert notice["action"] == "failed"
    assert notice["status"] == ("4.4.7" if cell.expect["result"] == "delayed" else cell.expect["status"])
    told = notice.get("diagnostic-code", "") + " " + notice["words"]
    for words in cell.expect["words"]:
        assert holds(words, told, cell), told
    assert last["status"] == notice["status"]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.peer}-{cell.level}".replace(" ", "-"))
def test_what_becomes_of_it(lab, cell):
    expect, lines = cell.expect, lab.lines[cell.domain]
    first, last = lines[0], lines[-1]
    assert (first["result"], first["status"]) == (expect["result"], expect["status"]), first
    assert (first["tls"] or "").startswith(expect["tls"]) and bool(first["tls"]) == bool(expect["tls"]), first
    if first["tls"]:
        # A row that admits more than the tables is named with each message.
        assert bool(first["widened"]) == ("Expires" in lab.data["levels"][cell.level]), first
    assert (cell.domain in lab.waiting) == (expect["result"] == "delayed")
    # `queue list` shows the reason as the log does.
    shown = [first["text"], *(lab.waiting[domain]["status"] for domain in [cell.domain] if domain in lab.waiting)]
    for words in expect["words"]:
        assert all(holds(words, text, cell) for text in shown), shown
    comes_through = expect["result"] == "relayed" or "then" in expect
    if "then" in expect:
        assert last["result"] == expect["then"]
    if comes_through:
        assert cell.domain not in lab.notices
    else:
        notice_check(lab, cell, last)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.peer}-{cell.level}".replace(" ", "-"))
def test_what_the_peers_got(lab, cell):
    """Of what failed nothing; of what was sent the whole, once, and as secret as the log says."""
    got = [one for peer in lab.peers.values() for one in peer.messages.get(cell.domain, [])]
    spoken = {version for peer in lab.peers.values() for version in peer.commands.get(cell.domain, [])}
    words = cell.expect["tls"].split()
    version = words[1] if len(words) > 1 else None
    assert spoken <= {version}, spoken
    if cell.expect["result"] != "relayed" and "then" not in cell.expect:
        assert got == []
        return
    assert len(got) == 1 and got[0][0] == version
    assert f"Subject: {cell.domain}\r\n".encode() in got[0][1]
    assert got[0][1].endswith(b"\r\n\r\nHello.\r\n")


def test_the_page_is_up_to_date():
    assert manual.PAGE.read_text(encoding="utf-8") == manual.whole(), \
        "docs/manual/lab.md does not follow tests/lab/cases.json and pop3.json: run tests/lab/manual.py"
