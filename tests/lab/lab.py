# SPDX-License-Identifier: Apache-2.0
"""Runs all cells of the table side by side: one Postern, one message a cell, and what became of each.

1. Every message is sent and tried once: the line of mail.log, and what waits in the queue and why.
2. A second attempt is ordered of what waits, under a lifetime that is over: what does not come through now comes
   back to its sender, whose notices are read.
"""
import email.policy
import json
import re
import smtplib
import time
from collections import defaultdict

import cases
from clients import imap_login, imap_ok, message, tls_context
from harness.dns import Dns
from harness.fixtures import ANNA, PASSWORDS, home_copy
from harness.server import Server
from harness.waiting import SECONDS
from peers import Certificates, Peer

LINE = re.compile(r"Sent: Queue-ID: (?P<id>\S+), Recipient: <[^@>]*@(?P<domain>[^>]*)>, Result: (?P<result>\w+), "
                  r"Status: (?P<status>\S+) (?P<text>.*), Remote-Host: (?P<host>.*), Msg-Id: <[^>]*>"
                  r"(?:, TLS: (?P<tls>.*?))?(?:, Widened-By: (?P<widened>\S+))?$", re.M)


class Lab:
    def __init__(self, workplace, template, data):
        self.data, self.cells = data, cases.cells(data)
        self.certificates = Certificates(workplace / "lab-certificates")
        self.home = home_copy(template, workplace / "home-lab")
        self.dns = Dns(workplace / "lab-dns", {cases.DOMAIN: cases.records(data)}, unsigned=[cases.DOMAIN])
        self.peers = {name: Peer(data["peers"][name]["server"], address, self.certificates)
                      for name, address in cases.addresses(data).items()}
        # Domain -> its lines of mail.log, its entry of the queue after the first attempt, the notice.
        self.lines, self.waiting, self.notices = defaultdict(list), {}, {}

    def configure(self):
        (self.home.path / "sslca").mkdir(exist_ok=True)
        (self.home.path / "sslca" / "lab.pem").write_text(self.certificates.anchor.read_text())
        self.dns.configure(self.home, **self.data["stubs"])
        pins = ",".join(self.certificates.pin(name) for name in self.certificates.pairs if name != "rekeyed")
        for row in cases.rows(self.data, pins):
            self.home.list_add("TlsPolicy", **row)
        self.home.configure(**{f"Queue.{name}": value for name, value in self.data["queue"].items()})

    def send_all(self, server):
        with smtplib.SMTP_SSL("127.0.0.1", server.ports["SMTPS"], context=tls_context(server), timeout=SECONDS) as smtp:
            smtp.login(ANNA, PASSWORDS[ANNA])
            for cell in self.cells:
                to = f"x@{cell.domain}"
                smtp.sendmail(ANNA, [to], message(cell.domain, ANNA, to).as_bytes(policy=email.policy.SMTP))

    def log_read(self):
        """Every line of mail.log about a cell."""
        self.lines.clear()
        for found in LINE.finditer(self.home.log("mail")):
            self.lines[found["domain"]].append(found.groupdict())

    def lines_wait(self, wanted):
        """Waits until each of these domains has so many lines."""
        give_up = time.monotonic() + SECONDS
        while True:
            self.log_read()
            missing = [domain for domain, count in wanted.items() if len(self.lines[domain]) < count]
            if not missing:
                return
            assert time.monotonic() < give_up, f"nothing became of {missing[:10]} ({len(missing)} in all)"
            time.sleep(0.1)

    def queue_read(self):
        for entry in json.loads(self.home.command("queue", "list", "--json").stdout)["queue"]:
            for recipient in entry["recipients"]:
                self.waiting[recipient["address"].partition("@")[2]] = recipient

    def notices_read(self, server):
        imap = imap_login(server, ANNA, PASSWORDS[ANNA])
        imap.select("INBOX", readonly=True)
        for number in imap_ok(imap.search(None, "ALL"))[0].split():
            raw = imap_ok(imap.fetch(number, "(BODY.PEEK[])"))[0][1]
            made = cases.notice_of(raw)
            if made is not None:
                self.notices[made["domain"]] = made
        imap.logout()

    def end_all(self, server):
        """The second attempt is the last."""
        self.home.configure(**{"Queue.LifetimeSeconds": "1"})
        self.home.command("reload")
        self.home.command("queue", "retry", "all")
        self.lines_wait({domain: 2 for domain in self.waiting})
        self.notices_read(server)

    def run(self):
        self.configure()
        with self.dns, Server(self.home) as server:
            self.send_all(server)
            self.lines_wait({cell.domain: 1 for cell in self.cells})
            self.queue_read()
            self.end_all(server)
        for peer in self.peers.values():
            peer.close()
        return self
