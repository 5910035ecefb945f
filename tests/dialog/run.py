#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plays dialogue files (tests/dialog/README.md) against a real Postern, each in
a home and a network of its own, several at a time.

    tests/dialog/run.py [--postern build/postern] [--verbose] [FILE or FOLDER...]
"""
import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from harness.network import network_enter  # noqa: E402
from harness.server import CommandFailed, Home, Server  # noqa: E402
from harness.waiting import SECONDS  # noqa: E402
from play import Mismatch, Player, TRANSCRIPT_LINES  # noqa: E402
from script import ScriptError, script_read  # noqa: E402

PLAY_SECONDS = 5 * SECONDS
# A limit of time in a file's set-up; longer ones do not run out in it.
LIMIT = re.compile(r"Seconds=(\d+)$")
LONGEST_WAIT_SECONDS = 30
SERVICE = re.compile(r"Service\[(\w+)\]")


# ---- homes

def apply(home, step):
    """One line of a file's set-up."""
    words = step.text.split()
    if step.verb == "domain":
        home.command("domain", "add", *words)
    elif step.verb == "user":
        home.user_add(words[0], words[1], *words[2:])
    elif step.verb == "alias":
        home.command("alias", "add", *words)
    elif step.verb == "config":
        place, _, value = step.text.partition("=")
        home.configure(**{place: value})
    elif step.verb == "item":
        name, *variables = shlex.split(step.text)
        home.list_add(name, **dict(variable.split("=", 1) for variable in variables))
    elif step.verb == "deliver":
        home.import_message(words[0], deliver_bytes(step, words), *words[1:2])


def deliver_bytes(step, words):
    """The message behind `deliver ADDRESS [MAILBOX [FILE]]`: its lines, or the file beside the dialogues."""
    if step.body:
        return b"".join(line.encode() + b"\r\n" for line in step.body)
    return (HERE / words[2]).read_bytes()


class Template:
    """A home that is made when the first test wants it."""

    def __init__(self, path):
        self.path, self.lock, self.is_made = path, threading.Lock(), False


class Homes:
    """Makes each distinct set-up once; a test gets a copy."""

    def __init__(self, postern, folder):
        self.postern, self.folder = postern, Path(folder)
        self.lock, self.templates = threading.Lock(), {}

    def template(self, setup):
        key = tuple((step.verb, step.text, tuple(step.body)) for step in setup)
        with self.lock:
            path = self.folder / f"template-{len(self.templates)}"
            template = self.templates.setdefault(key, Template(path))
        with template.lock:
            if not template.is_made:
                self.build(setup, template.path)
                template.is_made = True
        return template.path

    def build(self, setup, path):
        shutil.rmtree(path, ignore_errors=True)
        home = Home(self.postern, path)
        if not setup:
            home.init()
            return
        subprocess.run(["cp", "-a", self.template([]), path], check=True)
        for step in setup:
            try:
                apply(home, step)
            except (CommandFailed, KeyError, ValueError, OSError, IndexError) as error:
                raise ScriptError(f"{step.line}: {error}") from error

    def copy(self, setup, number):
        path = self.folder / f"home-{number}"
        # cp keeps owners, which copytree would not.
        subprocess.run(["cp", "-a", self.template(setup), path], check=True)
        return path


def services_close(home, script):
    """Leaves the services that the file names: a server checks its handshakes on each, which takes its time."""
    wanted = {step.text.partition(" ")[0] for step in script.steps if step.verb == "connect"}
    wanted |= {found[1] for step in script.setup if (found := SERVICE.match(step.text)) and step.verb == "config"}
    config = home.config()
    for item in config.items("Service"):
        if config.get(item, "Name") not in wanted:
            config.put(item, "Enabled", "0")
    config.write()


# ---- one file, inside its own network

def play_one(arguments):
    """The inner process: serves the home, plays the file, prints what went wrong."""
    path = Path(arguments.files[0])
    script = script_read(path.read_text())
    home = Home(arguments.postern, arguments.home)
    try:
        network_enter()
    except OSError:
        home.ports_move()
    player = None
    try:
        with Server(home) as server:
            player = Player(server, arguments.timeout)
            player.play(script)
    except (Mismatch, CommandFailed, OSError, ValueError, KeyError) as error:
        line = player.step.line if player is not None else 1
        print(f"{path}:{line}: {error}")
        print_circumstances(player, home, error)
        return 1
    if arguments.verbose:
        print("\n".join("    " + said for said in player.transcript))
    return 0


def print_circumstances(player, home, error):
    if player is not None:
        print("\n".join("    " + said for said in player.transcript[-TRANSCRIPT_LINES:]))
        if not isinstance(error, CommandFailed):
            print("  server: " + player.server.output[-3000:].strip())
    print("  error.log: " + home.log("error")[-2000:].strip())


# ---- all files

def play_file(arguments, homes, number, path):
    began = time.monotonic()
    try:
        script = script_read(path.read_text())
        home = homes.copy(script.setup, number)
        services_close(Home(arguments.postern, home), script)
        command = [sys.executable, __file__, "--inner", "--postern", arguments.postern,
                   "--home", str(home), "--timeout", str(arguments.timeout)]
        command += ["--verbose"] if arguments.verbose else []
        done = subprocess.run([*command, str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=PLAY_SECONDS, check=False)
        code, said = done.returncode, done.stdout
        shutil.rmtree(home, ignore_errors=True)
    except ScriptError as error:
        code, said = 1, f"{path}:{error}\n"
    except CommandFailed as error:
        code, said = 1, f"{path}: the home could not be made: {error}\n"
    except subprocess.TimeoutExpired as error:
        code, said = 1, f"{path}: not done within {PLAY_SECONDS} s\n{error.stdout or ''}\n"
    seconds = time.monotonic() - began
    print(f"{'ok' if code == 0 else 'FAILED'} {os.path.relpath(path, HERE)} ({seconds:.1f} s)\n{said}", end="",
          flush=True)
    return code


def waits_of(path):
    """About how long a dialogue waits for times to run out, in seconds."""
    try:
        script = script_read(path.read_text())
    except ScriptError:
        return 0
    spoken = [float(step.text or 0) for step in script.steps if step.verb in ("pause", "silent")]
    limits = [int(found[1]) for step in script.setup if (found := LIMIT.search(step.text)) and step.verb == "config"]
    return sum(spoken) + max((limit for limit in limits if limit <= LONGEST_WAIT_SECONDS), default=0)


def files_chosen(given):
    """Those that wait longest come first, so that the others run meanwhile."""
    chosen = []
    for path in [Path(name).resolve() for name in given] or [HERE]:
        chosen += sorted(path.rglob("*.dialog")) if path.is_dir() else [path]
    return sorted(chosen, key=waits_of, reverse=True)


def play_all(arguments):
    files = files_chosen(arguments.files)
    with tempfile.TemporaryDirectory(prefix="postern-dialog-") as folder:
        # A server that gives up root must reach its home.
        os.chmod(folder, 0o755)
        homes = Homes(arguments.postern, folder)
        with ThreadPoolExecutor(arguments.jobs) as pool:
            codes = list(pool.map(lambda pair: play_file(arguments, homes, *pair), enumerate(files)))
    failed = sum(code != 0 for code in codes)
    print(f"{len(codes) - failed} passed, {failed} failed")
    if arguments.report:
        Path(arguments.report).write_text(json.dumps({"passed": len(codes) - failed, "failed": failed}))
    return 1 if failed or not codes else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postern", default=str(HERE.parents[1] / "build" / "postern"))
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--timeout", type=float, default=SECONDS, help="seconds to wait for a line")
    parser.add_argument("--verbose", action="store_true", help="print each transcript")
    parser.add_argument("--report", help="where to write the counts, as JSON")
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    arguments.postern = str(Path(arguments.postern).resolve())
    return play_one(arguments) if arguments.inner else play_all(arguments)


if __name__ == "__main__":
    sys.exit(main())
