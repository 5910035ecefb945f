# SPDX-License-Identifier: Apache-2.0
"""Zones for tests: a root of our own, the zones below it, signed, served by knot; DNSSEC as in the world.

    with Dns(folder, {"example.org": ["@ MX 10 mx", "mx A 127.0.0.25"],
                      "127.in-addr.arpa": ["25.0.0 PTR mx.example.org."]}) as dns:
        dns.configure(home)          # stub zones and the trust anchor, before the server starts
        ...
        dns.replace("example.org", ["@ MX 0 ."])

Every zone is delegated from the root, with its DS record unless it is named in `unsigned`. One in `bogus` has the
DS record of another key. `ttl`: how long everything lives, also that there is nothing. `Deaf` takes questions and
never answers. To be used in a network of one's own.
"""
import secrets
import shutil
import socket
import subprocess
import time

from .program import Program
from .waiting import SECONDS

ADDRESS = "127.0.0.53"
TTL = 60

SERVER = """server:
    listen: {address}@{port}
    rundir: {folder}
    pidfile: {folder}/knot.pid
database:
    storage: {folder}
control:
    listen: {folder}/knot.sock
log:
  - target: {folder}/log
    any: info
policy:
  - id: tests
    manual: on
    single-type-signing: on
    algorithm: ecdsap256sha256
template:
  - id: default
    storage: {folder}
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    journal-content: all
zone:
"""


def tools_missing():
    """The programs that are not installed, for a test that is skipped without them."""
    return [name for name in ("knotd", "knotc", "keymgr") if shutil.which(name) is None]


class Dns(Program):
    def __init__(self, folder, zones, unsigned=(), bogus=(), address=ADDRESS, port=53, ttl=TTL):
        super().__init__(folder)
        self.zones = {name.rstrip("."): list(records) for name, records in zones.items()}
        self.unsigned, self.bogus = set(unsigned), set(bogus)
        self.address, self.port, self.ttl = address, port, ttl
        self.config = self.folder / "knot.conf"
        self.anchor_path = self.folder / "root.key"

    # ---- files

    def _file(self, zone):
        return self.folder / f"{zone or 'root'}.zone"

    def _is_signed(self, zone):
        return zone not in self.unsigned

    def _config_write(self):
        text = SERVER.format(address=self.address, port=self.port, folder=self.folder)
        for zone in ["", *self.zones]:
            text += f"  - domain: {zone}.\n    file: {self._file(zone)}\n"
            if self._is_signed(zone):
                text += "    dnssec-signing: on\n    dnssec-policy: tests\n"
        self.config.write_text(text, encoding="ascii")

    def _zone_write(self, zone, records):
        origin = f"{zone}." if zone else "."
        server = f"ns.{zone}." if zone else "ns."
        lines = [f"$ORIGIN {origin}", f"$TTL {self.ttl}",
                 f"@ SOA {server} nobody.invalid. {int(time.time() * 10) % 2 ** 31} 3600 600 86400 {self.ttl}",
                 f"@ NS {server}", f"{server} A {self.address}", *records]
        self._file(zone).write_text("\n".join(lines) + "\n", encoding="ascii")

    def _keymgr(self, zone, *words):
        return subprocess.run(["keymgr", "-c", str(self.config), f"{zone}.", *words], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def _ds(self, zone):
        """The DS record with a SHA-256 digest: its data alone."""
        lines = [line.split(None, 2)[2] for line in self._keymgr(zone, "ds").splitlines()]
        data = next(line for line in lines if line.split()[2] == "2")
        if zone in self.bogus:
            words = data.split()
            data = " ".join([*words[:3], secrets.token_hex(32)])
        return data

    def _root_write(self):
        records = []
        for zone in self.zones:
            records += [f"{zone}. NS ns.{zone}.", f"ns.{zone}. A {self.address}"]
            if self._is_signed(zone):
                records.append(f"{zone}. DS {self._ds(zone)}")
        self._zone_write("", records)

    def _prepare(self):
        self._config_write()
        for zone in filter(self._is_signed, ["", *self.zones]):
            self._keymgr(zone, "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes")
        for zone, records in self.zones.items():
            self._zone_write(zone, records)
        self._root_write()
        self.anchor_path.write_text(f". IN DS {self._ds('')}\n", encoding="ascii")
        self.anchor_path.chmod(0o644)

    # ---- the server

    def _control(self, *words):
        return subprocess.run(["knotc", "-s", str(self.folder / "knot.sock"), "-b", *words], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)

    def command(self):
        return ["knotd", "-c", self.config]

    def is_ready(self):
        """Every zone is loaded, and signed: a question for its keys is answered with some."""
        done = self._control("zone-status")
        return done.returncode == 0 and done.stdout.count("serial:") == len(self.zones) + 1 \
            and "serial: -" not in done.stdout and "serial: none" not in done.stdout

    def __enter__(self):
        self._prepare()
        return super().__enter__()

    def replace(self, zone, records):
        """Puts other records into a zone; served when this returns."""
        self.zones[zone] = list(records)
        self._zone_write(zone, records)
        done = self._control("zone-reload", f"{zone}.")
        if done.returncode != 0:
            raise RuntimeError(done.stdout)

    # ---- those who ask

    @property
    def server(self):
        return self.address if self.port == 53 else f"{self.address}@{self.port}"

    def configure(self, home, **more_stubs):
        """Lets a home's server ask these zones and nobody else; `more_stubs`: zone=server, also in place of ours."""
        config = home.config()
        config.change("Resolver.TrustAnchorFile", str(self.anchor_path))
        config.change("Resolver.FromRoot", "1")
        # By name as well: some zones a resolver takes for its own machine's unless it is told who serves them.
        for zone, server in {**dict.fromkeys([".", *self.zones], self.server), **more_stubs}.items():
            config.item_add("StubZone", Name=zone, Servers=server)
        config.write()


class Deaf:
    """Takes questions at an address and answers none."""

    def __init__(self, address="127.0.0.54", port=53):
        self.address, self.port = address, port
        self.sockets = []

    def __enter__(self):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            one = socket.socket(socket.AF_INET, kind)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((self.address, self.port))
            self.sockets.append(one)
        self.sockets[1].listen()
        return self

    def heard(self, seconds=10):
        """Waits for a question; False when none comes."""
        self.sockets[0].settimeout(seconds)
        try:
            return len(self.sockets[0].recv(1500)) > 0
        except TimeoutError:
            return False

    def forget(self):
        """Drops the questions that came so far."""
        while self.heard(0.01):
            pass

    def __exit__(self, *_):
        while self.sockets:
            self.sockets.pop().close()
