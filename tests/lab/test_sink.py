# SPDX-License-Identifier: Apache-2.0
"""Many messages to many domains of one host, which takes them all."""
import re
import smtplib
from collections import Counter

from clients import queue, tls_context
from harness.fixtures import ANNA, PASSWORDS
from harness.waiting import SECONDS, until
from world import SINK_DOMAIN

MESSAGES, DOMAINS = 400, 40


def test_each_of_many_messages_comes_once(mta_server, sink):
    with smtplib.SMTP_SSL("127.0.0.1", mta_server.ports["SMTPS"], context=tls_context(mta_server), timeout=SECONDS) as smtp:
        smtp.login(ANNA, PASSWORDS[ANNA])
        for number in range(MESSAGES):
            smtp.sendmail(ANNA, [f"x{number}@d{number % DOMAINS}.{SINK_DOMAIN}"], f"Subject: {number}\r\n\r\nHello.\r\n")
    until(lambda: queue(mta_server) == [])
    raws = sink.received()
    subjects = Counter(re.search(rb"^Subject: (\d+)", raw, re.M)[1] for raw in raws)
    assert len(subjects) == MESSAGES and set(subjects.values()) == {1}
    for raw in raws:
        number = re.search(rb"^Subject: (\d+)", raw, re.M)[1].decode()
        assert f"X-Rcpt-Args: <x{number}@d{int(number) % DOMAINS}.{SINK_DOMAIN}>".encode() in raw
    lines = re.findall(rf"Recipient: <x\d+@d\d+\.{SINK_DOMAIN}>, Result: (\w+), .*TLS: (\S+)", mta_server.home.log("mail"))
    assert Counter(lines) == {("relayed", "may:none"): MESSAGES}
