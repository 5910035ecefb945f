# SPDX-License-Identifier: Apache-2.0
"""The rows of pop3.json: a *peer* is a POP3 server, a *way* what a row of Pop3Account asks for, and of TlsPolicy."""
import json
from collections import namedtuple
from pathlib import Path

from cases import label

CASES = Path(__file__).with_name("pop3.json")
DOMAIN = "pop.example"

# One account: its name is PEER-WAY, its host PEER.WAY.pop.example. expect: `result`, `tls` (how the field of mail.log
# begins), and `words` that the command and warning.log say; HOST and LINE in them as in cases.json.
Cell = namedtuple("Cell", "peer way name host expect")


def load():
    return json.loads(CASES.read_text(encoding="utf-8"))


def expectation(peer, way):
    """The first of the peer's cells that is about the way; `*` is about those that none names."""
    found = [cell for cell in peer["cells"] if way in cell["ways"]] or \
            [cell for cell in peer["cells"] if "*" in cell["ways"]]
    return found[0]


def cells(data):
    return [Cell(peer, way, f"{peer}-{label(way)}", f"{peer}.{label(way)}.{DOMAIN}", expectation(row, way))
            for peer, row in data["peers"].items() for way in data["ways"]]
