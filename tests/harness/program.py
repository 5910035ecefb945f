# SPDX-License-Identifier: Apache-2.0
"""A foreign program in the foreground: started, awaited until it is ready, its output kept, ended by its process id."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .waiting import PAUSE_SECONDS, SECONDS, until


class Program:
    """A context manager; subclasses make the files in `folder`, and know the command, the log and when it is ready."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.log_path = self.folder / "log"
        self.process = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        """What it has in its environment beside ours."""
        return {}

    def is_ready(self):
        raise NotImplementedError

    def __enter__(self):
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True,
                env={**os.environ, **self.environment()})
        self.ready_wait()
        return self

    def ready_wait(self):
        give_up = time.monotonic() + SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise RuntimeError(f"{self.command()[0]} did not start:\n{self.said()}{self.log()}")
            time.sleep(PAUSE_SECONDS)

    def said(self):
        return (self.folder / "output").read_text(errors="replace")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_wait(self, pattern):
        """Waits for a line of its log, and gives the match; fails with the log when it does not come."""
        return until(lambda: re.search(pattern, self.log(), re.M),
                     lambda: f"no line {pattern!r} in:\n{self.log()[-4000:]}")

    def leader(self):
        """The process that ends the others."""
        return self.process.pid

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            os.kill(self.leader(), signal.SIGTERM)
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def __exit__(self, *_):
        self.stop()
