#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/manual/lab.md, made from cases.json and pop3.json; run as a program it writes the page."""
from pathlib import Path

import cases
import pop3_cases

PAGE = Path(__file__).resolve().parents[2] / "docs" / "manual" / "lab.md"

HEAD = """# What becomes of mail

{peers} kinds of mail servers, each met under {levels} levels of the list `TlsPolicy` ([tls-partners.md](tls-partners.md)): {cells}
messages. They are sent whenever the tests run (`script/test lab`): by one Postern, through a real DNS server, to real
connections, in a network of their own. The page is made from the data of that run, tests/lab/cases.json: do not edit it;
change the data and run tests/lab/manual.py.

What each test holds: the line of mail.log with its `TLS:` field, what waits in the queue, the notice that the sender gets
in the end, and that the server got the whole message, once, over what the log says, or nothing of it. What comes of [fetching by POP3](#fetching-by-pop3)
stands at the end.

The sender is as `postern init` makes it: `ClientTlsProtocols` is TLSv1.2, TLSv1.3. *relayed*: the server took it. *delayed*: it waits for the
next attempt ([queue.md](queue.md)). *failed*: it comes back to its sender at once.

## The levels

| level | row of `TlsPolicy` |
|---|---|
"""

OVERVIEW_HEAD = """
## Overview

Behind *relayed* stands what was negotiated (*clear*: no TLS), behind *delayed* and *failed* the status.

| the server ... | {levels} |
|---|{rules}|
"""

DETAILS_HEAD = """
## In words

`TLS:` is the field of mail.log, from its beginning. The reason stands in mail.log, in `postern queue show`, and in the notice that the sender gets. HOST is the server,
DOMAIN the recipient's, LINE the number of a line in mailserver.cfg.
"""


POP3_HEAD = """
## Fetching by POP3

{peers} kinds of POP3 servers and {ways} ways to ask for TLS in a row of `Pop3Account` ([pop3-download.md](pop3-download.md)), in part with a row of `TlsPolicy` for the host.
*fetched*: the message is here, over what is shown. *failed*: the server heard neither name nor password, and the reason stands in warning.log and is what `postern pop3 run`
says.

| way | row of `Pop3Account` | row of `TlsPolicy` |
|---|---|---|
"""


def cell(text):
    return text.replace("|", "\\|")


def code(text):
    return f"`{cell(text)}`"


def row_text(row):
    return ", ".join(code(f"{name} = {value}") for name, value in row.items() if name not in ("Reason", "Expires")) \
        or "none"


def outcome_short(expect):
    if expect["result"] != "relayed":
        return f"{expect['result']} {expect['status']}"
    words = expect["tls"].split()
    return f"relayed, {words[1] if len(words) > 1 else 'clear'}"


def overview(data, table):
    out = OVERVIEW_HEAD.format(levels=" | ".join(data["levels"]), rules="|".join("---" for _ in data["levels"]))
    for name, peer in data["peers"].items():
        shorts = [outcome_short(table[name, level].expect) for level in data["levels"]]
        out += f"| {cell(peer['what'])} | {' | '.join(shorts)} |\n"
    return out


def words_shown(one):
    """As cases.json has them: what is the cell's own is a placeholder again."""
    text = " ... ".join(words.strip() for words in one.expect["words"])
    return text.replace(one.domain, "DOMAIN")


def detail_row(one, levels):
    then = f", then {one.expect['then']}" if "then" in one.expect else ""
    tls = code(one.expect["tls"].strip()) if one.expect["tls"] else ""
    words = code(words_shown(one)) if one.expect["words"] else ""
    return f"| {', '.join(levels)} | {one.expect['result']} {one.expect['status']}{then} | {tls} | {words} |\n"


def details(data, table):
    """Levels with the same outcome share a line."""
    out = DETAILS_HEAD
    for name, peer in data["peers"].items():
        out += f"\n### It {peer['what']}\n\n| level | result | `TLS:` | reason |\n|---|---|---|---|\n"
        alike = {}
        for level in data["levels"]:
            one = table[name, level]
            alike.setdefault(detail_row(one, ["x"]), (one, []))[1].append(level)
        out += "".join(detail_row(one, levels) for one, levels in alike.values())
    return out


def pop3_row(peer, data):
    shorts = []
    for way in data["ways"]:
        expect = pop3_cases.expectation(peer, way)
        shorts.append(f"{expect['result']}, {code(expect['tls'])}" if expect["tls"] else expect["result"])
    return f"| {cell(peer['what'])} | {' | '.join(shorts)} |\n"


def pop3_reasons(data):
    out = "\n| the server ... | way | reason |\n|---|---|---|\n"
    for peer in data["peers"].values():
        failures = {}
        for way in data["ways"]:
            expect = pop3_cases.expectation(peer, way)
            if expect["result"] == "failed":
                failures.setdefault(" ... ".join(words.strip() for words in expect["words"]), []).append(way)
        out += "".join(f"| {cell(peer['what'])} | {', '.join(ways)} | {code(words)} |\n"
                       for words, ways in failures.items())
    return out


def pop3(data):
    out = POP3_HEAD.format(peers=len(data["peers"]), ways=len(data["ways"]))
    out += "".join(f"| {way} | {row_text(asked['account'])} | {row_text(asked.get('row', {}))} |\n"
                   for way, asked in data["ways"].items())
    out += f"\n| the server ... | {' | '.join(data['ways'])} |\n|---|{'|'.join('---' for _ in data['ways'])}|\n"
    out += "".join(pop3_row(peer, data) for peer in data["peers"].values())
    return out + pop3_reasons(data)


def whole():
    return page(cases.load()) + pop3(pop3_cases.load())


def page(data):
    table = {(one.peer, one.level): one for one in cases.cells(data)}
    out = HEAD.format(peers=len(data["peers"]), levels=len(data["levels"]), cells=len(table))
    out += "".join(f"| {level} | {row_text(row)} |\n" for level, row in data["levels"].items())
    return out + overview(data, table) + details(data, table)


if __name__ == "__main__":
    PAGE.write_text(whole(), encoding="utf-8")
