# SPDX-License-Identifier: Apache-2.0
"""Fetching mail from POP3 servers of every kind, in every way that a row of Pop3Account can ask for (pop3.json)."""
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

import pop3_cases
from cases import label
from harness.dns import Dns, tools_missing
from harness.fixtures import ANNA, home_copy
from harness.pop3 import PASSWORD, Remote
from harness.server import Server
from peers import Certificates
from pop3_cases import DOMAIN

CLEAR_PORT, TLS_PORT = 110, 995
WORKERS = 4
CONTENT = b"Subject: one\r\nMessage-ID: <one@away.example>\r\n\r\nHello.\r\n"
DATA = pop3_cases.load()
CELLS = pop3_cases.cells(DATA)
ADDRESSES = {peer: f"127.78.0.{number}" for number, peer in enumerate(DATA["peers"], 1)}


class Pop3Lab:
    def __init__(self, workplace, template):
        self.certificates = Certificates(workplace / "pop3-certificates",
                                         [f"*.{label(way)}.{DOMAIN}" for way in DATA["ways"]])
        self.home = home_copy(template, workplace / "home-pop3-lab")
        zone = [f"{cell.host.removesuffix('.' + DOMAIN)} A {ADDRESSES[cell.peer]}" for cell in CELLS]
        self.dns = Dns(workplace / "pop3-lab-dns", {DOMAIN: zone}, unsigned=[DOMAIN])
        self.remotes, self.runs, self.last = {}, {}, {}

    def configure(self):
        shutil.copy(self.certificates.anchor, self.home.path / "sslca" / "lab.pem")
        self.dns.configure(self.home)
        self.home.command("remote-password", "set", "lab", "--password-stdin", stdin=PASSWORD + "\n")
        pins = ",".join(self.certificates.pin(name) for name in self.certificates.pairs if name != "rekeyed")
        config = self.home.config()
        for way, asked in DATA["ways"].items():
            if "row" in asked:
                row = {name: value.replace("PINS", pins) for name, value in asked["row"].items()}
                config.item_add("TlsPolicy", Peer=f".{label(way)}.{DOMAIN}", Direction="out", **row)
        for cell in CELLS:
            config.item_add("Pop3Account", Name=cell.name, Host=cell.host, User=cell.name, Password="lab", DeliverTo=ANNA,
                            IntervalSeconds="0", LeaveOnServer="1", **DATA["ways"][cell.way]["account"])
        config.write()

    def remotes_start(self, stack):
        for peer, row in DATA["peers"].items():
            server, context = row["server"], self.certificates.context(row["server"].get("tls", {}))
            capabilities = server.get("capabilities", ["USER", "UIDL", "STLS"])
            both = [stack.enter_context(Remote(ADDRESSES[peer], port, {"u1": CONTENT}, context, port == TLS_PORT,
                                               capabilities)) for port in (CLEAR_PORT, TLS_PORT)]
            if "stls" in server:
                both[0].replace("STLS", lambda talk, _, said=server["stls"]: talk.say(said))
            self.remotes[peer] = both

    def fetch(self, cell):
        done = self.home.command("pop3", "run", cell.name, check=False)
        self.runs[cell.name] = done.returncode, " ".join((done.stdout + done.stderr).split())

    def run(self):
        self.configure()
        with ExitStack() as stack:
            stack.enter_context(self.dns)
            self.remotes_start(stack)
            stack.enter_context(Server(self.home))
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(self.fetch, CELLS))
            accounts = json.loads(self.home.command("pop3", "list", "--json").stdout)["accounts"]
            self.last = {one["name"]: one["last"] for one in accounts}
        return self


@pytest.fixture(scope="module")
def lab(workplace, home_template):
    if tools_missing():
        pytest.skip(f"not installed: {tools_missing()}")
    return Pop3Lab(workplace, home_template).run()


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_what_comes_of_it(lab, cell):
    code, said = lab.runs[cell.name]
    is_fetched = cell.expect["result"] == "fetched"
    assert code == (0 if is_fetched else 1), said
    assert lab.last[cell.name]["fetched"] == is_fetched
    for words in cell.expect["words"]:
        pattern = re.escape(words.replace("HOST", cell.host)).replace("LINE", r"\d+")
        assert re.search(pattern, said), said
        assert re.search(pattern, lab.home.log("warning"))
    lines = re.findall(rf"Recv: .*TLS: (.*), Account: {cell.name}$", lab.home.log("mail"), re.M)
    assert len(lines) == is_fetched
    if is_fetched:
        assert lines[0].startswith(cell.expect["tls"])


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_what_the_server_heard(lab, cell):
    """A name and a password only where the mail was fetched."""
    heard = [line for remote in lab.remotes[cell.peer] for line in remote.said]
    assert heard.count(f"USER {cell.name}") == (cell.expect["result"] == "fetched")
