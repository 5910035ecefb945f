# SPDX-License-Identifier: Apache-2.0
"""What the pages do to a server whose policy stays: one server for all tests of this file. See scenarios/."""


def test_login(browse, shared):
    browse("login", shared)
    assert "HTTP/WebMail: Invalid password for user admin@example.org" in shared.home.log("security")


def test_accounts(browse, shared):
    browse("accounts", shared)


def test_queue(browse, shared):
    browse("queue", shared)


def test_mail_is_brought_along(browse, shared):
    browse("mail", shared)
    assert 'admin@example.org - End Mail Import {Address="anna@example.org", Messages=300}' in shared.home.log("config")


def test_logs_live(browse, shared):
    browse("logs", shared)


def test_an_auditor_changes_nothing(browse, shared):
    browse("auditor", shared)


def test_no_barriers(browse, shared):
    browse("barriers", shared)


def test_the_pictures_of_the_manual(browse, shared):
    browse("pictures", shared)
