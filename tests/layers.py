#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds src/LAYERS, and what can be checked cheaply of CONVENTIONS.md.

    tests/layers.py               checks this repository; a finding a line, exit code 1 when there is any
    tests/layers.py --self-test   checks that planted violations are found
"""
import fnmatch
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FUNCTION_LINES_MAX = 100
LINE_COLUMNS_MAX = 120
UMBRELLA_INCLUDES = 5
# Outside base/ their safe counterparts are used: struct str, struct buf, str_parse_u64, struct condition.
BANNED = ["strcpy", "strcat", "strncpy", "strncat", "sprintf", "vsprintf", "strtok", "atoi", "atol",
          "alloca", "gets", "pthread_cond_timedwait"]
# Written in two parts, so that this file does not hold what it looks for.
MARKS = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
MACHINE_PATHS = ["/wo" + "rk/", "/home/" + "[a-z]", "/tmp/" + "b-", "bash_" + "jobs"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]*)"', re.M)


# ---- layers

def layers_read(text):
    """Returns folder -> set of folders it may include, and the findings on the file itself."""
    allowed, findings = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        folder, colon, others = line.partition(":")
        folder = folder.strip()
        if not colon or not folder:
            findings.append(f"src/LAYERS:{number}: expected `folder : folders`")
        elif folder in allowed:
            findings.append(f"src/LAYERS:{number}: {folder} stands twice")
        else:
            allowed[folder] = set(others.split())
    for folder, others in allowed.items():
        for other in sorted(others - {"*"} - set(allowed)):
            findings.append(f"src/LAYERS: {folder} names the unknown folder {other}")
        if "*" in others:
            allowed[folder] = set(allowed)
    findings += cycles(allowed, "src/LAYERS: cycle of folders: ")
    return allowed, findings


def cycles(edges, prefix):
    """Names each cycle of a graph once; an edge to itself is none."""
    found, done = [], set()

    def walk(node, path):
        if node in path:
            found.append(prefix + " -> ".join(path[path.index(node):] + [node]))
            return
        if node in done:
            return
        for other in sorted(edges.get(node, ())):
            if other != node:
                walk(other, path + [node])
        done.add(node)

    for node in sorted(edges):
        walk(node, [])
    return found


def includes_check(root):
    """Each include of src/ names its folder, exists, and is allowed by LAYERS."""
    source = root / "src"
    allowed, findings = layers_read((source / "LAYERS").read_text())
    edges = {}
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        if folder.name not in allowed and any(folder.rglob("*.[ch]")):
            findings.append(f"src/{folder.name}: not in src/LAYERS")
    for path in sorted(source.rglob("*.[ch]")):
        name = path.relative_to(root).as_posix()
        parts = path.relative_to(source).parts
        # src/main.c stands above the folders and may include each.
        folder = parts[0] if len(parts) > 1 else None
        text = path.read_text(errors="replace")
        headers = INCLUDE.findall(text)
        for header in headers:
            findings += include_check(source, allowed, name, folder, header)
        if path.suffix == ".h":
            edges[path.relative_to(source).as_posix()] = set(headers)
            if len(headers) >= UMBRELLA_INCLUDES and not has_declaration(text):
                findings.append(f"{name}: an umbrella header: it includes {len(headers)} and declares nothing")
    return findings + cycles(edges, "src: cycle of headers: ")


def include_check(source, allowed, name, folder, header):
    if "/" not in header or header.startswith("."):
        return [f'{name}: #include "{header}" does not name the folder']
    if not (source / header).is_file() and not is_generated(header):
        return [f'{name}: #include "{header}": there is no such file']
    other = header.split("/")[0]
    if folder is not None and other != folder and other not in allowed.get(folder, ()):
        return [f'{name}: #include "{header}": src/LAYERS does not let {folder} include {other}']
    return []


def is_generated(header):
    return header.endswith(".inc")


def has_declaration(text):
    return re.search(r"[;{]", without_comments(text)) is not None


# ---- style

def without_comments(text):
    """Blanks comments, texts and characters out; lines and columns stay."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def functions(text):
    """Yields (line, lines) of each function body: a `{` in column 0 up to its `}` in column 0."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def style_c(name, text):
    findings = []
    bare = without_comments(text)
    for start, lines in functions(bare):
        if lines > FUNCTION_LINES_MAX:
            findings.append(f"{name}:{start}: a function of {lines} lines; {FUNCTION_LINES_MAX} at most")
    if not name.startswith("src/base/"):
        for match in re.finditer(r"\b(" + "|".join(BANNED) + r")\s*\(", bare):
            findings.append(f"{name}:{line_of(bare, match.start())}: {match.group(1)} is not used outside base/")
    for number, line in enumerate(text.splitlines(), 1):
        if len(line.expandtabs(8)) > LINE_COLUMNS_MAX:
            findings.append(f"{name}:{number}: a line of {len(line.expandtabs(8))} columns")
        if line != line.rstrip():
            findings.append(f"{name}:{number}: blanks at the end of the line")
        if line.startswith("        "):
            findings.append(f"{name}:{number}: indented with blanks")
    return findings


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def needs_spdx(path):
    return path.suffix in (".c", ".h", ".py", ".sh") \
        or path.parent.name in ("script", ".ci") and path.name != "packages"


def style_any(name, path, text, hosts):
    findings = []
    if needs_spdx(path) and "SPDX-License-Identifier: Apache-2.0" not in text[:200]:
        findings.append(f"{name}: no SPDX line at its top")
    for match in re.finditer(r"\b(" + "|".join(MARKS) + r")\b", text):
        findings.append(f"{name}:{line_of(text, match.start())}: a mark {match.group(1)}; do it or file it")
    for match in re.finditer("|".join(MACHINE_PATHS), text):
        findings.append(f"{name}:{line_of(text, match.start())}: a path of one machine")
    for host in hosts:
        if host in text:
            findings.append(f"{name}: names this machine's package archive")
    return findings


def archive_hosts(apt=Path("/etc/apt")):
    """The hosts this machine's packages come from: they belong to the machine, not into the repository."""
    files = [apt / "sources.list", *apt.glob("sources.list.d/*")]
    text = "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
    hosts = set(re.findall(r"https?://([^/\s]+)", text))
    return {host for host in hosts if not host.endswith("debian.org")}


def is_ignored(name, patterns):
    """Enough of gitignore(5) for ours: a name at any depth, or behind a slash one at the root."""
    parts = name.split("/")
    return any(fnmatch.fnmatchcase(part, pattern.strip("/"))
               for pattern in patterns for part in (parts[:1] if pattern.startswith("/") else parts))


def files_of(root):
    """What git holds or would take; where there is no git, what .gitignore does not name."""
    if (root / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "-c", f"safe.directory={root}", "ls-files", "-co", "--exclude-standard"],
                                cwd=root, text=True, stdout=subprocess.PIPE, check=True)
        return sorted({root / line for line in listed.stdout.splitlines() if (root / line).is_file()})
    patterns = (root / ".gitignore").read_text().split() if (root / ".gitignore").exists() else []
    return sorted(path for path in root.rglob("*") if path.is_file()
                  and not is_ignored(path.relative_to(root).as_posix(), patterns))


def style_check(root):
    findings = []
    hosts = archive_hosts()
    for path in files_of(root):
        name = path.relative_to(root).as_posix()
        if name == "LICENSE" or name.startswith("tests/fuzz/corpus/"):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        findings += style_any(name, path, text, hosts)
        if path.suffix in (".c", ".h"):
            findings += style_c(name, text)
    return findings


def check(root):
    return includes_check(root) + style_check(root)


# ---- self-test

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
SOUND = {
    "src/LAYERS": "base :\nproto : base\nproc : *\n",
    "src/main.c": SPDX + '#include "proc/run.h"\n',
    "src/base/str.h": SPDX + "int strcpy(char);\n",
    "src/base/str.c": SPDX + '#include "base/str.h"\n',
    "src/proto/line.h": SPDX + '#include "base/str.h"\n/* sprintf( in a comment is fine */\n',
    "src/proc/run.h": SPDX + '#include "proto/line.h"\nint run(void);\n',
}
# What is planted -> what the finding must say.
PLANTED = [
    ("src/base/str.c", SPDX + '#include "proto/line.h"\n', "does not let base include proto"),
    ("src/base/str.c", SPDX + '#include "str.h"\n', "does not name the folder"),
    ("src/base/str.c", SPDX + '#include "base/none.h"\n', "there is no such file"),
    ("src/other/thing.c", SPDX, "not in src/LAYERS"),
    ("src/LAYERS", "base : proto\nproto : base\nproc : *\n", "cycle of folders"),
    ("src/LAYERS", "base :\nbase :\nproto : base\nproc : *\n", "stands twice"),
    ("src/LAYERS", "base : nowhere\nproto : base\nproc : *\n", "unknown folder nowhere"),
    ("src/base/str.h", SPDX + '#include "base/buf.h"\n', "there is no such file"),
    ("src/proto/all.h", SPDX + '#include "base/str.h"\n' * 5, "umbrella"),
    ("src/proto/a.h", SPDX + '#include "proto/a.h"\nint a;\n', None),
    ("src/proto/line.c", SPDX + "void f(void)\n{\n" + "\tg();\n" * 130 + "}\n", "a function of 132 lines"),
    ("src/proto/line.c", SPDX + "int f(void)\n{\n\treturn at" + "oi(s);\n}\n", "atoi is not used"),
    ("src/proto/line.c", "int a;\n", "no SPDX"),
    ("src/proto/line.c", SPDX + "/* " + MARKS[0] + " later */\n", "a mark"),
    ("src/proto/line.c", SPDX + "int a; \n", "blanks at the end"),
    ("src/proto/line.c", SPDX + "int " + "a" * 130 + ";\n", "columns"),
    ("tests/run.py", "# SPDX-License-Identifier: Apache-2.0\nopen('/wo" + "rk/x')\n", "a path of one machine"),
]


def tree_write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def self_test():
    wrong = []
    with tempfile.TemporaryDirectory(prefix="postern-layers-") as folder:
        tree_write(Path(folder), SOUND)
        wrong += [f"found in a sound tree: {finding}" for finding in check(Path(folder))]
    for name, text, expected in PLANTED:
        with tempfile.TemporaryDirectory(prefix="postern-layers-") as folder:
            tree_write(Path(folder), {**SOUND, name: text})
            findings = check(Path(folder))
            if expected is None and findings:
                wrong.append(f"{name}: found what is sound: {findings}")
            if expected is not None and not any(expected in finding for finding in findings):
                wrong.append(f"{name}: not found: {expected!r}; only {findings}")
    with tempfile.TemporaryDirectory(prefix="postern-layers-") as folder:
        two = {"src/proto/a.h": SPDX + '#include "proto/b.h"\nint a;\n',
               "src/proto/b.h": SPDX + '#include "proto/a.h"\nint b;\n'}
        tree_write(Path(folder), {**SOUND, **two})
        if not any("cycle of headers" in finding for finding in check(Path(folder))):
            wrong.append("a cycle of headers was not found")
    return wrong


def main():
    if "--self-test" in sys.argv[1:]:
        findings = self_test()
        print(f"layers self-test: {len(PLANTED) + 2} trees, {len(findings)} wrong")
    else:
        findings = check(ROOT)
        print(f"layers: {len(findings)} findings")
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
