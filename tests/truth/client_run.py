# SPDX-License-Identifier: Apache-2.0
"""Runs the cases where Postern is the client: `postern tls probe` of a running server against servers of every kind."""
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

from client_servers import IMPLICIT_PORT, STARTTLS_PORT, Pairs, Servers
from configuration import config_text, in_force, variable
from harness.openssl import HAS_CCM_8
from harness.server import CommandFailed, Server

# As many as one command line takes.
TARGETS = 60
WORKERS = 4
STARTTLS = ("SMTP", "Submission", "POP3")


def addressed(value, address):
    return json.loads(json.dumps(value).replace("ADDRESS", address))


def row_text(address, row, pin):
    fixed = {"Peer": address, "Direction": "out"}
    return "<listitem>\n" + "".join(variable(name, value.replace("PIN", pin) if name == "Pin" else value)
                                    for name, value in {**fixed, **row}.items()) + "</listitem>\n"


def rows_added(text, cases, pin):
    rows = "".join(row_text(case["address"], case["row"], pin) for case in cases if "row" in case)
    return text.replace("</config>", f'<list name="TlsPolicy">\n{rows}</list>\n</config>') if rows else text


def line_of(text, place, name):
    """The line of a variable: of a table, or of a row, TlsPolicy:ADDRESS."""
    if not place.startswith("TlsPolicy:"):
        return in_force(text, place, name)
    begin = text.find(variable("Peer", place.removeprefix("TlsPolicy:")))
    at = text.find(f'<variable name="{name}">', begin)
    return text.count("\n", 0, at) + 1


class ClientRun:
    def __init__(self, run, data):
        self.run, self.data, self.home = run, data, run.home
        self.cases = [case for case in data["client_cases"] if run.only in case["name"]
                      and case.get("hybrid", run.has_hybrid) == run.has_hybrid]
        for number, case in enumerate(self.cases, 1):
            case["address"] = f"127.88.{number // 250}.{number % 250 + 1}"

    def policy_load(self, policy, cases):
        text = config_text(self.data["policies"][policy])
        self.home.config_path.write_text(rows_added(text, cases, self.pairs.pin()))

    # ---- one case

    def probe(self, service, cases):
        """The reports on some cases, in order."""
        port = STARTTLS_PORT if service in STARTTLS else IMPLICIT_PORT
        done = self.home.command("tls", "probe", "--json", "--service", service,
                                 *(f"{case['address']}:{port}" for case in cases), check=False)
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        if len(reports) != len(cases):
            raise CommandFailed(f"tls probe: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return reports

    def words_of(self, case):
        text = self.home.config_path.read_text()
        return re.sub(r"(\S+)/(\w+) \(mailserver\.cfg:LINE\)",
                      lambda match: f"{match[1]}/{match[2]} (mailserver.cfg:{line_of(text, match[1], match[2])})",
                      addressed(case["log"], case["address"]))

    def outcome_problem(self, case, report):
        got = {"outcome": report.get("outcome"), **report.get("tls", {})}
        for key, value in case["expect"].items():
            found = got.get(key, "")
            # A hybrid group that this OpenSSL lacks leaves the next one.
            if key == "group" and value == "X25519MLKEM768" and not self.run.has_hybrid:
                value = "X25519"
            if found.lower() != value.lower():
                return f"expected {case['expect']}, got {got}, {report.get('failure')}"
        wanted = case.get("certificate")
        names = {"good": "trusted", "elsewhere": "wrong-name", "stranger": "unknown-ca"}
        if wanted and report["certificate"]["result"] != names.get(wanted, wanted):
            return f"expected a certificate that is {wanted}, got {report['certificate']['result']}"
        return ""

    def log_problem(self, case, report):
        if "log" not in case:
            return ""
        wanted = self.words_of(case)
        address = re.escape(case["address"])
        found = self.home.log_match("security", rf"^.*\] TLS to {address} \({address}\): .*$")
        line = found[0] if found else ""
        if wanted not in line:
            return f"security.log: expected {wanted!r}, got {line!r}"
        if "failure" in report and report["failure"]["words"] not in line:
            return f"the report says {report['failure']['words']!r}, the log {line!r}"
        return ""

    def hello_problem(self, case):
        if "offers" not in case:
            return ""
        got = self.servers.seen.get(case["address"], {})
        for key, value in case["offers"].items():
            if key == "groups" and not self.run.has_hybrid:
                value = [name for name in value if name != "X25519MLKEM768"]
            if key == "suites" and not HAS_CCM_8:
                value = [name for name in value if "_CCM_8" not in name]
            if got.get(key) != value:
                return f"offered {key} {got.get(key)} instead of {value}"
        return ""

    # ---- all of them

    def run_service(self, cases):
        """Pairs of a case and what is wrong with it, of cases that go to one service."""
        found = []
        for begin in range(0, len(cases), TARGETS):
            some = cases[begin:begin + TARGETS]
            found += [(case, self.outcome_problem(case, report) or self.log_problem(case, report)
                       or self.hello_problem(case)) for case, report in zip(some, self.probe(some[0]["service"], some))]
        return found

    def run_policy(self, cases):
        by_service = {}
        for case in cases:
            by_service.setdefault(case["service"], []).append(case)
        with ThreadPoolExecutor(WORKERS) as pool:
            for found in pool.map(self.run_service, by_service.values()):
                for case, problem in found:
                    self.run.note(case, problem)

    def run_policies(self, cases):
        for policy in dict.fromkeys(case["policy"] for case in cases):
            chosen = [case for case in cases if case["policy"] == policy]
            try:
                self.policy_load(policy, chosen)
                self.home.command("reload")
                self.run_policy(chosen)
            except CommandFailed as error:
                for case in chosen:
                    self.run.note(case, f"the policy was not taken, or nothing probed: {error}")

    def run_all(self):
        if not self.cases:
            return
        folder = self.run.folder / "servers"
        folder.mkdir()
        self.pairs = Pairs(folder, [case["address"] for case in self.cases if "row" in case or "certificate" in case])
        anchor = self.home.path / "sslca" / "truth.crt"
        shutil.copy(self.pairs.anchor, anchor)
        anchor.chmod(0o644)
        self.servers = Servers(self.pairs)
        for case in self.cases:
            self.servers.by_address[case["address"]] = (case["server"], self.data["servers"][case["server"]],
                                                        case["service"])
        try:
            for kind in dict.fromkeys(self.run.environment_of(case["policy"]) for case in self.cases):
                cases = [case for case in self.cases if self.run.environment_of(case["policy"]) == kind]
                self.policy_load(cases[0]["policy"], [])
                with Server(self.home, self.run.openssl_environment(kind)):
                    self.run_policies(cases)
        finally:
            self.servers.close()
