# SPDX-License-Identifier: Apache-2.0
"""Forms, and changes of the configuration by more than one: each test with a server of its own. See scenarios/."""
import socket

from harness.fixtures import POSTERN
from harness.server import Home, Server


def test_a_fresh_home_needs_only_a_browser(browse, workplace):
    home = Home(POSTERN, workplace / "home-fresh")
    home.command("init", "--ports", "unprivileged", "--hostname", "localhost", "--administrator", "root@example.org",
                 "--password-stdin", stdin="root-secret\n")
    with Server(home) as server:
        browse("setup", server, admin="root@example.org", secrets={"root@example.org": "root-secret"})


def test_what_is_wrong_stands_beside_its_field(browse, server):
    browse("forms", server)


def is_open(port):
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


def test_services_open_and_close_their_ports(browse, home):
    with Server(home) as server:
        browse("services", server)
        ports = server.ports
    with Server(home):
        assert [port for port in (2777, 4141, *ports.values()) if is_open(port)] == [
            2777, 4141, *(port for name, port in ports.items() if name not in ("POP3S", "IMAPS", "HTTPS", "HTTP"))]


def test_two_administrators(browse, server):
    browse("together", server)
