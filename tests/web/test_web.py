# SPDX-License-Identifier: Apache-2.0
"""The administration page in a browser: see scenarios/."""
from acme import NAME, PORTS
from harness.server import Server


def test_login(browse, server):
    browse("login", server)
    assert "HTTP/WebMail: Invalid password for user admin@example.org" in server.home.log("security")


def test_the_minimum_is_raised_undone_kept_and_reset(browse, server):
    browse("policy", server)
    assert "admin@example.org - Update Security" in server.home.log("config")
    server.home.command("evidence", "verify")


def test_variables_suites_overrides_and_the_way_back(browse, server):
    browse("advanced", server)


def test_accounts(browse, server):
    browse("accounts", server)


def test_queue(browse, server):
    browse("queue", server)


def test_two_administrators(browse, server):
    browse("together", server)


def test_an_auditor_changes_nothing(browse, server):
    browse("auditor", server)


def test_a_certificate_of_a_ca_is_served_without_a_restart(browse, acme_home, authority):
    with authority.run(PORTS), Server(acme_home) as server:
        browse("certificates", server, name=NAME)


def test_no_barriers(browse, server):
    browse("barriers", server)
