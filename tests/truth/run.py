#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the table of truth against the listeners and the clients of a real Postern, in a network of its own.

    run.py --postern build/postern [--report FILE] [--only TEXT]

One server per openssl.cnf; each policy is put in force by `postern reload`. Each case comes from an address of its
own, by which its line in security.log is found. The report is JSON: {"passed": N, "failed": N}.
"""
import argparse
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import client_run  # noqa: E402
import complete  # noqa: E402
import hello  # noqa: E402
from configuration import PORTS, config_text, in_force  # noqa: E402
from harness.network import network_enter  # noqa: E402
from harness.openssl import HAS_HYBRID  # noqa: E402
from harness.server import CommandFailed, Home, Server  # noqa: E402
from harness.waiting import SECONDS  # noqa: E402

WORKERS = 6
GREETINGS = {"SMTP": (b"EHLO client.example\r\n", b"STARTTLS\r\n"),
             "Submission": (b"EHLO client.example\r\n", b"STARTTLS\r\n"),
             "IMAP": (b"a1 STARTTLS\r\n",), "POP3": (b"STLS\r\n",)}
# The last line of a reply.
REPLY_END = re.compile(rb"(?:^|\r\n)(?:[0-9]{3} |\* OK|\+OK|a1 )[^\r\n]*\r\n$")


def line_read(stream):
    said = b""
    while not REPLY_END.search(said):
        more = stream.recv(4096)
        if not more:
            raise hello.Unreadable(f"closed after {said!r}")
        said += more
    return said.decode("ascii", "replace")


def connect(service, address):
    """A connection on which TLS comes next."""
    stream = socket.create_connection(("127.0.0.1", PORTS[service]), SECONDS, source_address=(address, 0))
    for words in GREETINGS.get(service, ()):
        line_read(stream)
        stream.sendall(words)
    if service in GREETINGS:
        line_read(stream)
    return stream


def receiver(stream):
    def receive():
        try:
            return stream.recv(65536)
        except ConnectionResetError:
            return b""
    return receive


def shake(case, peer, address):
    with connect(case["service"], address) as stream:
        stream.sendall(hello.hello(peer))
        return hello.answer(receiver(stream))


def reply(case, address):
    """What the service answers to words in the clear."""
    with socket.create_connection(("127.0.0.1", PORTS[case["service"]]), SECONDS,
                                  source_address=(address, 0)) as stream:
        line_read(stream)
        for words in case["say"]:
            stream.sendall(words.encode() + b"\r\n")
            said = line_read(stream)
    return {"reply": said.strip()}


def differences(expected, got):
    """What was expected and did not come; what is not named may be as it likes, but an alert must be expected."""
    wrong = {key: value for key, value in expected.items() if got.get(key) != value}
    for surprise in ("alert", "retry"):
        if surprise in got and surprise not in expected:
            wrong.setdefault(surprise, None)
    return wrong


class Run:
    """The cases, and what came of them."""

    def __init__(self, postern, folder, data, only):
        self.folder, self.data, self.postern = folder, data, postern
        self.cases = [case for case in data["cases"] if only in case["name"]
                      and case.get("hybrid", HAS_HYBRID) == HAS_HYBRID]
        for number, case in enumerate(self.cases, 1):
            case["address"] = f"127.77.{number // 250}.{number % 250 + 1}"
        self.passed, self.failures = 0, []
        self.only, self.has_hybrid = only, HAS_HYBRID

    def note(self, case, problem):
        if problem:
            self.failures.append(f"{case['name']} (rule {case['rule']})\n      {problem}")
        else:
            self.passed += 1

    def environment_of(self, policy):
        return self.data["policies"][policy].get("openssl_cnf", "")

    def openssl_environment(self, kind):
        """The environment of a server under one of the hostile files; kind is empty for none."""
        if not kind:
            return {}
        path = self.folder / f"openssl-{kind}.cnf"
        path.write_text("openssl_conf = a\n" + self.data["openssl_cnf"][kind])
        return {"OPENSSL_CONF": str(path)}

    # ---- against a running server

    def outcome(self, case):
        peer = self.data["peers"].get(case.get("peer"))
        if peer is None:
            return reply(case, case["address"])
        if "complete" in peer:
            return complete.shake(connect, self.home.certificate, case, peer["complete"], case["address"])
        return shake(case, peer, case["address"])

    def run_one(self, case):
        try:
            got = self.outcome(case)
        except (OSError, hello.Unreadable) as error:
            return f"expected {case['expect']}, got {error!r}"
        if differences(case["expect"], got):
            return f"expected {case['expect']}, got {got}"
        return ""

    def log_line(self, case):
        pattern = rf"^.*\] TLS: {re.escape(case['address'])} .*$"
        found = self.home.log_match("security", pattern)
        return found[0] if found else ""

    def log_problem(self, case):
        if "log" not in case:
            return ""
        text = self.home.config_path.read_text()
        wanted = re.sub(r"(\S+)/(\w+) \(mailserver\.cfg:LINE\)",
                        lambda match: f"{match[1]}/{match[2]} (mailserver.cfg:{in_force(text, match[1], match[2])})",
                        case["log"])
        line = self.log_line(case)
        return "" if wanted in line else f"security.log: expected {wanted!r}, got {line!r}"

    def mail_problem(self, case):
        if "mail" not in case:
            return ""
        wanted = case["mail"].replace("ADDRESS", case["address"])
        found = self.home.log_match("mail", re.escape(wanted))
        return "" if found else f"mail.log: expected {wanted!r}"

    def policy_load(self, policy):
        self.home.config_path.write_text(config_text(self.data["policies"][policy]))
        if self.server is not None:
            self.home.command("reload")

    def run_policy(self, policy, cases):
        try:
            self.policy_load(policy)
        except CommandFailed as error:
            for case in cases:
                self.note(case, f"the policy was not taken: {error}")
            return
        with ThreadPoolExecutor(WORKERS) as pool:
            problems = list(pool.map(self.run_one, cases))
        for case, problem in zip(cases, problems):
            self.note(case, problem or self.log_problem(case) or self.mail_problem(case))

    def run_ticket(self, case):
        """A session made under one policy is offered under the next."""
        peer = self.data["peers"][case["peer"]]["complete"]
        try:
            self.policy_load(case["policy"])
            first = complete.session_make(connect, self.home.certificate, case, peer, case["address"])
            self.policy_load(case["then"])
            got = complete.shake(connect, self.home.certificate, case, peer, case["address"], first)
        except (OSError, CommandFailed) as error:
            self.note(case, f"expected {case['expect']}, got {error!r}")
            return
        wrong = differences(case["expect"], got)
        self.note(case, f"expected {case['expect']}, got {got}" if wrong else "")

    def run_server(self, kind, cases):
        """All cases under one openssl.cnf, by policy."""
        self.server = None
        self.policy_load(cases[0]["policy"])
        try:
            with Server(self.home, self.openssl_environment(kind)) as self.server:
                self.run_policies(cases)
        except CommandFailed as error:
            self.failures.append(f"the server{' under a ' + kind + ' openssl.cnf' if kind else ''}\n      {error}")

    def run_policies(self, cases):
        by_policy = {}
        for case in cases:
            if "then" not in case:
                by_policy.setdefault(case["policy"], []).append(case)
        for policy, chosen in by_policy.items():
            self.run_policy(policy, chosen)
        for case in cases:
            if "then" in case:
                self.run_ticket(case)

    # ---- without a server

    def run_check(self, case):
        """`postern check` on the policy, in a home of its own."""
        home = Home(self.postern, self.folder / f"check-{case['address']}")
        subprocess.run(["cp", "-a", self.home.path, home.path], check=True)
        text = config_text(self.data["policies"][case["policy"]])
        home.config_path.write_text(text)
        done = home.command("check", check=False)
        shutil.rmtree(home.path)
        said = done.stdout + done.stderr
        wanted = re.sub(r"LINE\((\S+)/(\w+)\)", lambda match: str(in_force(text, match[1], match[2])),
                        case["says"])
        if done.returncode != case["expect"]["exit"] or wanted not in said:
            return f"expected exit code {case['expect']['exit']} and {wanted!r}, got {done.returncode} and {said!r}"
        return ""

    def run(self):
        self.home = Home(self.postern, self.folder / "home")
        self.home.init()
        checks = [case for case in self.cases if "says" in case]
        with ThreadPoolExecutor(2) as pool:
            for case, problem in zip(checks, pool.map(self.run_check, checks)):
                self.note(case, problem)
        shakes = [case for case in self.cases if "says" not in case]
        for kind in dict.fromkeys(self.environment_of(case["policy"]) for case in shakes):
            self.run_server(kind, [case for case in shakes if self.environment_of(case["policy"]) == kind])
        client_run.ClientRun(self, self.data).run_all()


def is_up_to_date():
    done = subprocess.run([sys.executable, str(HERE / "generate.py"), "--check"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print(f"FAILED {done.stdout.strip()}")
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postern", default="build/postern")
    parser.add_argument("--report")
    parser.add_argument("--only", default="", help="cases whose name contains this text")
    arguments = parser.parse_args()
    began = time.monotonic()
    network_enter()
    folder = Path(tempfile.mkdtemp(prefix="postern-truth-"))
    folder.chmod(0o755)
    try:
        run = Run(arguments.postern, folder, json.loads((HERE / "cases.json").read_text()), arguments.only)
        run.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    counts = {"passed": run.passed, "failed": len(run.failures)}
    counts["passed" if is_up_to_date() else "failed"] += 1
    for failure in run.failures:
        print(f"FAILED {failure}")
    print(f"{counts['passed']} passed, {counts['failed']} failed in {time.monotonic() - began:.1f} s")
    if arguments.report:
        Path(arguments.report).write_text(json.dumps(counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
