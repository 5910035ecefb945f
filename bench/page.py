#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure 10: how long each answer of the administration page takes on a server with much in it."""

import http.client
import json
import ssl
import statistics
import subprocess
import time

import harness
import peers

ADMIN = f"admin@{harness.DOMAIN}"
PORT = 4040
LIMIT_MS = 200
LINE = (b"[22/Nov/2026 06:21:43] Recv: Queue-ID: 65ee8b47-%08x, Service: SMTP, From: <a@example.com>, "
        b"To: <b@example.com>, Size: 985\n")
PATHS = ["/status", "/users?limit=50", "/users?limit=50&search=user0999", "/aliases?limit=50", "/domains",
         "/queue?limit=50", "/connections?limit=50", "/tls", "/tls/variables", "/tls/history?limit=50",
         "/certificates", "/services", "/settings", "/lists/TlsPolicy", "/evidence?limit=50", "/logs/mail?lines=200",
         "/logs/mail?lines=50&filter=000f423f", "/metrics/history", "/check", "/openapi.json"]


class Page:
    """Somebody who is logged in, on one connection."""

    def __init__(self):
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=context, timeout=60)
        body = json.dumps({"account": ADMIN, "password": harness.PASSWORD})
        status, fields, answer = self.ask("POST", "/session", body, {"Content-Type": "application/json",
                                                                     "Sec-Fetch-Site": "same-origin"})
        if status != 200:
            harness.fail(f"login: {answer}")
        self.cookie = fields["Set-Cookie"].split(";")[0]

    def ask(self, method, path, body=None, fields=None):
        self.connection.request(method, "/api/v1" + path, body, fields or {"Cookie": self.cookie})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()


def filled(options, server):
    server.run("user", "add", ADMIN, "--password-stdin", "--role", "administrator", text=harness.PASSWORD + "\n")
    tool = next(options.build.glob("**/bench_users"))
    subprocess.run([tool, server.home, str(options.users)], check=True)


def log_fill(server, lines):
    with open(server.home / "store" / "logs" / "mail.log", "ab") as file:
        for first in range(0, lines, 10000):
            file.write(b"".join(LINE % number for number in range(first, min(first + 10000, lines))))


def main():
    options = harness.parse(__doc__, ["postern"], users=10000, lines=1000000)
    server = peers.Postern(options)
    if server.is_new:
        filled(options, server)
    server.start()
    if server.is_new:
        log_fill(server, options.lines)
    page = Page()
    print(f"{'':40} {'bytes':>8} {'median ms':>10} {'worst ms':>9}")
    for path in PATHS:
        taken = []
        for _ in range(options.rounds * 5):
            begin = time.monotonic()
            status, _fields, body = page.ask("GET", path)
            taken.append((time.monotonic() - begin) * 1000)
            if status != 200:
                harness.fail(f"{path}: {status} {body[:200]}")
        median = statistics.median(taken)
        print(f"{path:40} {len(body):8} {median:10.0f} {max(taken):9.0f}{'  over the limit' * (median > LIMIT_MS)}",
              flush=True)
    server.stop()
    harness.done(options)


main()
