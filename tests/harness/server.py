# SPDX-License-Identifier: Apache-2.0
"""A home and a running Postern in it. Ends only the process that it started."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from .config import Config
from .network import free_ports
from .waiting import PAUSE_SECONDS, SECONDS

READY = "postern: ready"
START_SECONDS = COMMAND_SECONDS = 2 * SECONDS
# Nothing that a server prints may hold one of these.
CRASH = re.compile(r"Sanitizer|runtime error:|SUMMARY:|broken assumption|stack smashing")


class CommandFailed(Exception):
    pass


def symbolized(text):
    """Names functions and lines of `(PROGRAM+0xOFFSET)`: a sandboxed role cannot ask a symbolizer itself."""
    def named(match):
        done = subprocess.run(["addr2line", "-f", "-s", "-e", match[1], match[2]], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False)
        return " ".join(done.stdout.split()) or match[0]
    return re.sub(r"\((/[^()+]*/postern)\+(0x[0-9a-f]+)\)", named, text)


def crash_report(text):
    """The part of a server's output that tells of a crash, or ''."""
    found = CRASH.search(text)
    return symbolized(text[max(0, found.start() - 500):][:6000]) if found else ""


class Home:
    """A home folder and the commands that work on it."""

    def __init__(self, postern, path):
        self.postern = str(Path(postern).resolve())
        self.path = Path(path)

    def command(self, *words, stdin="", check=True):
        """Runs `postern WORDS --home HOME`; raises CommandFailed when it does not exit with 0."""
        done = subprocess.run([self.postern, *words, "--home", str(self.path)], input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=COMMAND_SECONDS,
                              check=False, errors="replace")
        if crash_report(done.stderr) or check and done.returncode != 0:
            raise CommandFailed(f"postern {' '.join(map(str, words))}: exit code {done.returncode}\n"
                                f"{done.stdout}{done.stderr}")
        return done

    def init(self, *more):
        self.command("init", "--ports", "unprivileged", "--hostname", "localhost", *more)

    def user_add(self, address, password, *more):
        self.command("user", "add", address, "--password-stdin", *more, stdin=password + "\n")

    def import_message(self, address, content, mailbox="INBOX"):
        """Puts one message (bytes) into a mailbox, through a Maildir."""
        folder = self.path.with_name(self.path.name + ".maildir")
        for name in ("new", "cur", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "new" / "1.message").write_bytes(content)
        try:
            self.command("import", address, str(folder), "--mailbox", mailbox)
        finally:
            shutil.rmtree(folder)

    @property
    def config_path(self):
        return self.path / "mailserver.cfg"

    def config(self):
        return Config(self.config_path)

    def configure(self, **changes):
        """Sets variables, written Table__Variable=value, or by a dict `**{"Limits.LineBytes": "900"}`."""
        config = self.config()
        for place, value in changes.items():
            config.change(place.replace("__", "."), value)
        config.write()

    def list_add(self, list_name, **variables):
        """Appends a record to a list of mailserver.cfg."""
        config = self.config()
        config.item_add(list_name, **variables)
        config.write()

    def ports_move(self):
        """Gives each service a free port: for runs outside a namespace of their own."""
        config = self.config()
        items = config.items("Service")
        for item, port in zip(items, free_ports(len(items))):
            config.put(item, "Port", str(port))
        config.write()

    def ports_shift(self, distance):
        """Moves all services to higher ports: for a server that runs beside another one."""
        config = self.config()
        for item in config.items("Service"):
            config.put(item, "Port", str(int(config.get(item, "Port")) + distance))
        config.write()

    @property
    def certificate(self):
        """A file that a client can trust: both hold the root that signed them."""
        folder = self.path / "sslcert"
        return next(path for path in (folder / "server.crt", folder / "server-ecdsa.crt") if path.exists())

    def log(self, name):
        path = self.path / "store" / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log_match(self, name, pattern, seconds=SECONDS):
        """Waits for a line of a log that matches, and gives the match; None when it does not come."""
        give_up = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log(name), re.M)) and time.monotonic() < give_up:
            time.sleep(PAUSE_SECONDS)
        return found

    def log_wait(self, name, pattern, seconds=SECONDS):
        """The same; fails with the log when the line does not come."""
        found = self.log_match(name, pattern, seconds)
        assert found, f"no line of {name}.log matches {pattern}; it holds:\n{self.log(name)[-4000:]}"
        return found


class Server:
    """`postern serve` in a home; a context manager."""

    def __init__(self, home, environment=None, wrapper=()):
        self.home = home
        self.process = subprocess.Popen(
            [*wrapper, home.postern, "serve", "--home", str(home.path)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**os.environ, **(environment or {})})
        self.output = ""
        self.is_ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.output += line
            if READY in line:
                self.is_ready.set()
        self.is_ready.set()

    def wait_ready(self):
        self.is_ready.wait(START_SECONDS)
        if READY not in self.output:
            code = self.stop(expected=None)
            raise CommandFailed(f"postern serve did not get ready (exit code {code}):\n{self.output}")
        self.ports = self.home.config().services()
        return self

    def wait_exit(self, seconds=SECONDS):
        """Waits until it ends by itself; gives the exit code."""
        code = self.process.wait(seconds)
        self.reader.join(SECONDS)
        return code

    def status(self):
        done = self.home.command("status", "--json", check=False)
        # 1: a role is down at the moment.
        if done.returncode not in (0, 1):
            raise CommandFailed(f"postern status: exit code {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)

    def stop(self, expected=0):
        """SIGTERM; the exit code must be the expected one, and nothing may have crashed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.wait_exit()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.reader.join(SECONDS)
            raise CommandFailed(f"postern did not end within {SECONDS} s of SIGTERM:\n{self.output}") from None
        if expected is not None and code != expected:
            raise CommandFailed(f"postern serve ended with exit code {code}:\n{self.output}")
        if crash_report(self.output):
            raise CommandFailed(f"a role crashed:\n{crash_report(self.output)}")
        return code

    def __enter__(self):
        return self.wait_ready()

    def __exit__(self, kind, value, trace):
        self.stop(expected=0 if kind is None else None)
