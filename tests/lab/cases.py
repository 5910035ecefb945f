# SPDX-License-Identifier: Apache-2.0
"""The rows of cases.json, and what follows from them: cells, zones, rows of TlsPolicy.

A *peer* is a server, or no server but the records of a domain. Each is met under each *level* of the list TlsPolicy:
a cell, which is a domain of its own, PEER.LEVEL.lab.example, and one message to it.
"""
import email
import json
import re
from collections import namedtuple
from pathlib import Path

CASES = Path(__file__).with_name("cases.json")
DOMAIN = "lab.example"

# expect: `result`, `status` and `tls` (how the field begins) of the first line in mail.log, `words` that stand in it and
# in the notice, and `then`, the result of the second attempt, where it differs. LEVEL, DEMAND, HOST, DOMAIN and LINE in
# cases.json stand for what the cell makes of them.
Cell = namedtuple("Cell", "peer level domain expect")


def load():
    return json.loads(CASES.read_text(encoding="utf-8"))


def label(level):
    """A level's name as a part of a domain."""
    return re.sub(r"\W+", "-", level)


def level_word(row):
    """What mail.log calls the demand of a row of TlsPolicy."""
    return row.get("Level", "encrypt" if "MinVersion" in row else "may")


def demand_words(level, row):
    """Who demands it, in words."""
    variable = "Level" if "Level" in row else "MinVersion"
    return f"TlsPolicy:.{label(level)}.{DOMAIN}/{variable} (mailserver.cfg:LINE) demands {level_word(row)}"


def expectation(peer, level, row):
    """The first of the peer's cells that is about the level; `*` is about those that none names."""
    found = [cell for cell in peer["cells"] if level in cell["levels"]] or \
            [cell for cell in peer["cells"] if "*" in cell["levels"]]
    expect = {key: value for key, value in found[0].items() if key != "levels"}
    expect["tls"] = expect["tls"].replace("LEVEL", level_word(row))
    expect["words"] = [words.replace("DEMAND", demand_words(level, row)) for words in expect.get("words", [])]
    return expect


def cells(data):
    return [Cell(name, level, f"{name}.{label(level)}.{DOMAIN}", expectation(peer, level, row))
            for name, peer in data["peers"].items() for level, row in data["levels"].items()]


def addresses(data):
    """Server -> its address."""
    servers = [name for name, peer in data["peers"].items() if "server" in peer]
    return {name: f"127.77.0.{number}" for number, name in enumerate(servers, 1)}


def records(data):
    """The zone lab.example."""
    found = [f"{name} A {address}" for name, address in addresses(data).items()] + data["hosts"]
    for cell in cells(data):
        own = data["peers"][cell.peer].get("records", [f"MX 10 {cell.peer}"])
        found += [f"{cell.domain.removesuffix('.' + DOMAIN)} {record}" for record in own]
    return found


def rows(data, pins):
    """The list TlsPolicy: one row a level, for the domains below the level's name."""
    fixed = {"Direction": "out"}
    return [{"Peer": f".{label(level)}.{DOMAIN}", **fixed,
             **{name: value.replace("PINS", pins) for name, value in row.items()}}
            for level, row in data["levels"].items() if row]


def words_pattern(words, cell):
    """What matches them: LINE is a number, DOMAIN and HOST the cell's."""
    text = re.escape(words.replace("DOMAIN", cell.domain).replace("HOST", f"{cell.peer}.{DOMAIN}"))
    return text.replace("LINE", r"\d+")


def notice_of(raw):
    """A delivery status notification: its domain, its fields, and its words without line ends; None of other mail."""
    made = email.message_from_bytes(raw)
    if made.get_content_type() != "multipart/report":
        return None
    fields = {name.lower(): " ".join(value.split()) for block in made.get_payload()[1].get_payload()
              for name, value in block.items()}
    words = made.get_payload()[0].get_payload(decode=True).decode()
    return {**fields, "domain": fields["final-recipient"].rpartition("@")[2], "words": " ".join(words.split())}
