# SPDX-License-Identifier: Apache-2.0
"""What the measures of the queue share: zones, sinks that take mail, and the two servers that send it."""

import importlib.util
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import harness
import peers

ZONE = "sinks.example"
SENDER = peers.user()
DNS = "127.0.0.53"
TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "harness"
PACKAGE = "tests_harness"


def of_tests(name):
    """A module of the tests' harness, whose package has the name of ours."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(PACKAGE, TESTS / "__init__.py", submodule_search_locations=[str(TESTS)])
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.{name}")


def records(domains):
    """Each domain has a mail exchanger with an address of its own."""
    lines = []
    for number in range(domains):
        lines += [f"d{number} MX 10 mx.d{number}",
                  f"mx.d{number} A 127.1.{number // 250}.{number % 250 + 1}"]
    return lines


def zones_serve(options):
    """Starts knot, and makes it this namespace's name server for whoever reads resolv.conf."""
    # Of an earlier run not even the number of its process is over: this namespace has it again.
    shutil.rmtree(options.work / "dns", ignore_errors=True)
    dns = of_tests("dns").Dns(options.work / "dns", {ZONE: records(options.domains)},
                              unsigned=[ZONE], address=DNS)
    dns.__enter__()
    path = options.work / "resolv.conf"
    path.write_text(f"nameserver {DNS}\n")
    subprocess.run(["mount", "--bind", path, "/etc/resolv.conf"], check=True)
    return dns


class Sink:
    """A program that takes mail on port 25 and tells on its output how much."""

    def __init__(self, command, pattern):
        self.pattern = re.compile(pattern.encode())
        self.count = 0
        self.first = self.last = None
        self.told = {}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", 25), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        harness.fail(f"{command[0]} does not listen on port 25")

    def read(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            for found in self.pattern.finditer(chunk):
                self.take({name: int(word) for name, word in found.groupdict().items()})

    def take(self, told):
        self.told = told
        if told["messages"] > self.count:
            self.count, self.last = told["messages"], time.monotonic()
            self.first = self.first or self.last

    def wait(self, count, limit_seconds):
        """Waits for `count` messages; gives the seconds from the first to the last."""
        end = time.monotonic() + limit_seconds
        while self.count < count:
            if time.monotonic() > end or self.process.poll() is not None:
                harness.fail(f"only {self.count} of {count} messages came")
            time.sleep(0.02)
        return self.last - self.first

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


def sink_plain(_options):
    """smtp-sink; -c shows the counters after each message."""
    return Sink(["smtp-sink", "-u", "postfix", "-4", "-c", "-m", "4000", "0.0.0.0:25", "4096"],
                r"sess=(?P<sessions>\d+) quit=\d+ mesg=(?P<messages>\d+)\r")


def sink_tls(options):
    certificate, key = harness.made_certificate(options)
    return Sink([options.build / "bench" / "sink", "25", certificate, key],
                r"(?P<messages>\d+) (?P<sessions>\d+) (?P<handshakes>\d+) (?P<resumed>\d+)\n")


class Held:
    """Port 25 takes connections and never says a word: what is accepted meanwhile stays queued."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("0.0.0.0", 25))
        self.socket.listen(4096)
        self.accepted = None

    def first_connection(self, limit_seconds=60):
        """Waits for somebody to connect; gives when that was."""
        self.socket.settimeout(limit_seconds)
        self.accepted, _ = self.socket.accept()
        return time.monotonic()

    def stop(self):
        self.socket.close()
        if self.accepted is not None:
            self.accepted.close()


class Postern(peers.Postern):
    """As `postern init` makes it; submission without TLS, since that is not what is measured."""

    ports = {"smtp": 2587}
    login = (SENDER, harness.PASSWORD)

    def __init__(self, options):
        super().__init__(options)
        if self.is_new:
            self.home_configure()

    def config(self):
        return of_tests("config").Config(self.home / "mailserver.cfg")

    def home_configure(self):
        # The zones of the tests tell a home whom to ask.
        self.options.dns.configure(self)
        config = self.config()
        for name, value in (("RequireTls", "0"), ("AllowPlainLogin", "1")):
            config.change(f"Service[Submission].{name}", value)
        if self.options.level != "may":
            config.item_add("TlsPolicy", Peer="." + ZONE, Direction="out", Level=self.options.level)
        config.write()

    def start_timed(self):
        """Starts; gives the seconds until it says that it is ready."""
        begin = time.monotonic()
        self.output = open(self.folder / "output", "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.output,
                                        env=self.environment(), cwd=self.folder)
        for line in self.process.stdout:
            if line.strip() == b"postern: ready":
                return begin, time.monotonic() - begin
        harness.fail(f"{self.name} does not start; see {self.folder}/output")


POSTFIX = """
inet_interfaces = 127.0.0.1
smtp_dns_support_level = enabled
smtp_tls_security_level = {level}
smtp_tls_session_cache_database = btree:{folder}/data/smtp_scache
"""

TUNED = """
default_process_limit = 400
initial_destination_concurrency = 20
default_destination_concurrency_limit = 50
smtp_tls_connection_reuse = yes
in_flow_delay = 0
"""

MASTER = """
tlsproxy unix - - n - 0 tlsproxy
"""


class Postfix(peers.Postfix):
    """As an administrator sets it up: with the cache of TLS sessions that its manual names."""

    ports = {"smtp": 10025}
    login = ()
    more = ""

    def __init__(self, options, name="Postfix"):
        super().__init__(options, name)
        with open(self.etc / "main.cf", "a", encoding="ascii") as file:
            file.write(POSTFIX.format(folder=self.folder, level=options.level) + self.more)
        with open(self.etc / "master.cf", "a", encoding="ascii") as file:
            file.write(MASTER)

    def start_timed(self):
        begin = time.monotonic()
        self.start()
        return begin, time.monotonic() - begin


class PostfixTuned(Postfix):
    """With more processes, more of them to a destination at once, and connections used again."""

    more = TUNED

    def __init__(self, options):
        super().__init__(options, "Postfix tuned")


SERVERS = {"postern": Postern, "postfix": Postfix, "postfix-tuned": PostfixTuned}


def made(options):
    return [SERVERS[name](options) for name in options.servers]


def submit(options, server, messages):
    """Sends messages to all domains in turn; gives the seconds to the last 250."""
    answer = harness.load(options, "load_smtp", server.ports["smtp"], options.sessions, messages,
                          options.bytes, ZONE, options.domains, *server.login)
    if answer["each"] * options.sessions != messages:
        harness.fail("the number of messages is to be a multiple of that of sessions")
    return answer["seconds"]


def rest(server):
    """Waits until the server has nothing left to do, as its CPU time tells."""
    used = server.cpu_seconds()
    for _ in range(120):
        time.sleep(0.5)
        before, used = used, server.cpu_seconds()
        if used - before < 0.02:
            return
    print(f"    {server.name} does not come to rest", file=sys.stderr)
