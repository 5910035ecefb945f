# SPDX-License-Identifier: Apache-2.0
"""Reads a dialogue file (tests/dialog/README.md) into setup steps and dialogue steps. No I/O."""
import re
from dataclasses import dataclass, field

SETUP = {"domain", "user", "alias", "config", "item", "deliver"}
STEPS = {"connect", "tls", "starttls", "tls-refused", "disconnect", "expect-close", "pause", "silent",
         "run", "log", "log-without", "config", "http", "trickle"}
SPEECH = re.compile(r"(S|S\+|C|C\+|C\*): ?(.*)", re.S)
CLIENT = re.compile(r"([A-Z]\w*)> (.*)", re.S)
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


class ScriptError(Exception):
    """A file that is not a dialogue; says the line."""


@dataclass
class Step:
    line: int
    verb: str
    text: str
    client: str = ""
    body: list = field(default_factory=list)


@dataclass
class Script:
    setup: list
    steps: list


def unescape(text):
    """`\\r \\n \\t \\0 \\\\ \\xNN` -> bytes; other text as UTF-8."""
    out, at = b"", 0
    while at < len(text):
        if text[at] != "\\":
            out, at = out + text[at].encode(), at + 1
        elif re.match(r"x[0-9A-Fa-f]{2}", text[at + 1:]):
            out, at = out + bytes([int(text[at + 2:at + 4], 16)]), at + 4
        elif text[at + 1:at + 2] in ESCAPES:
            out, at = out + ESCAPES[text[at + 1]], at + 2
        else:
            raise ValueError(f"no such escape: {text[at:at + 2]}")
    return out


def step_read(number, line):
    client = CLIENT.fullmatch(line)
    name, line = (client[1], client[2]) if client else ("", line)
    speech = SPEECH.fullmatch(line)
    if speech:
        return Step(number, speech[1], speech[2], name)
    verb, _, rest = line.partition(" ")
    if verb in SETUP or verb in STEPS:
        return Step(number, verb, rest.strip(), name)
    raise ScriptError(f"{number}: not understood: {line}")


def script_read(text):
    setup, steps = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            last = (steps or setup or [None])[-1]
            if last is None or last.verb != "deliver":
                raise ScriptError(f"{number}: a line of a message stands behind `deliver`")
            last.body.append(line[2:] if line.startswith("| ") else line[1:])
            continue
        if not line.strip() or line.startswith("#"):
            continue
        step = step_read(number, line)
        if steps and step.verb in SETUP and step.verb != "config":
            raise ScriptError(f"{number}: {step.verb} stands before the first connect")
        is_setup = step.verb in SETUP and not steps
        (setup if is_setup else steps).append(step)
    if not steps:
        raise ScriptError("0: there is no dialogue in it")
    return Script(setup, steps)
