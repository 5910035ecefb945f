# SPDX-License-Identifier: Apache-2.0
"""What the measures share: a namespace, accounting of processes, rounds, tables.

A measure runs as root in network and process namespaces of its own: no packet
leaves it, and the kernel ends every server with it. Only the standard library.
"""

import argparse
import fcntl
import json
import mmap
import os
import pathlib
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

INSIDE = "POSTERN_BENCH_INSIDE"
TICKS = os.sysconf("SC_CLK_TCK")
DOMAIN = "bench.example"
PASSWORD = "load-maker-1"


def fail(message):
    sys.exit(f"bench: {message}")


def parse(description, servers, **defaults):
    """Reads the command line, enters the namespaces, makes the work folder."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", default="build", help="Meson tree with -Dbench=true")
    parser.add_argument("--work", required=True,
                        help="folder on a disk, not a tmpfs, for the servers' files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", default=",".join(servers),
                        help=f"of {','.join(servers)}; all by default")
    parser.add_argument("--keep", action="store_true",
                        help="use what an earlier run left in the folder, and leave it there")
    for name, value in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    options = parser.parse_args()
    options.servers = options.servers.split(",")
    if os.geteuid() != 0:
        fail("run it as root: Postfix and Dovecot need their own users")
    if os.environ.get(INSIDE) != "1":
        enter_namespaces()
    loopback_up()
    options.build = pathlib.Path(options.build).resolve()
    options.work = work_folder(pathlib.Path(options.work).resolve(), options.keep)
    return options


def enter_namespaces():
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child",
                          "--mount-proc", sys.executable, *sys.argv])


def loopback_up():
    request = struct.pack("16sh14x", b"lo", 0)
    with socket.socket() as any_socket:
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, 0x8913, request))[1]
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))


def work_folder(path, keep):
    """Gives PATH/MEASURE, empty unless `keep`; refuses a tmpfs, whose flushes cost nothing."""
    path.mkdir(parents=True, exist_ok=True)
    kind = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True,
                          check=True).stdout.strip()
    if kind in ("tmpfs", "ramfs"):
        fail(f"{path} is a {kind}; name a folder on a disk with --work")
    work = path / ("measure-" + pathlib.Path(sys.argv[0]).stem)
    if work.exists() and not keep:
        shutil.rmtree(work)
    work.mkdir(mode=0o755, exist_ok=True)
    os.chmod(work, 0o755)
    return work


def done(options):
    if not options.keep:
        shutil.rmtree(options.work, ignore_errors=True)


class Flushes:
    """The counter that flushes.so shares."""

    def __init__(self, folder):
        self.path = folder / "flushes"
        self.path.write_bytes(bytes(8))
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 8)

    def count(self):
        return struct.unpack("=Q", self.page[:8])[0]


def process_tree(root):
    """Gives the fields of /proc/PID/stat, after the name, of root and all below it, by pid."""
    stats = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = pathlib.Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            stats[int(entry)] = text[text.rindex(")") + 2:].split()
    tree = {}
    wanted = {root}
    while wanted:
        tree.update({pid: stats[pid] for pid in wanted if pid in stats})
        wanted = {pid for pid in stats if int(stats[pid][1]) in wanted and pid not in tree}
    return tree


def process_cpu_seconds(pid, fields):
    """User and system time of a process and of its ended children.

    Living threads are counted in nanoseconds, where the kernel does so; ticks are too coarse
    for a server that shares its work among many processes.
    """
    own, ended = (sum(map(int, fields[at:at + 2])) / TICKS for at in (11, 13))
    threads = 0
    for path in pathlib.Path("/proc", str(pid), "task").glob("*/schedstat"):
        try:
            threads += int(path.read_text().split()[0]) / 1e9
        except OSError:
            continue
    return max(own, threads) + ended


def process_name(pid):
    try:
        return pathlib.Path("/proc", str(pid), "comm").read_text().strip()
    except OSError:
        return ""


class Server:
    """One server in its own folder; a subclass writes its configuration and knows its ports."""

    name = ""
    ports = {}

    def __init__(self, options):
        self.options = options
        self.folder = options.work / self.name.replace(" ", "-")
        self.is_new = not self.folder.exists()
        self.folder.mkdir(mode=0o755, exist_ok=True)
        self.flushes = Flushes(self.folder)
        self.process = None
        self.output = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        preload = self.options.build / "bench" / "flushes.so"
        return {**os.environ, "LD_PRELOAD": str(preload), "FLUSH_COUNTS": str(self.flushes.path)}

    def start(self):
        self.output = open(self.folder / "output", "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.output,
                                        env=self.environment(), cwd=self.folder)
        for port in self.ports.values():
            self.wait_for(port)

    def wait_for(self, port):
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        fail(f"{self.name} does not listen on port {port}; see {self.folder}/output")

    def stop(self):
        if self.process is None:
            return
        tree = process_tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in tree:
            if pid != self.process.pid and pathlib.Path("/proc", str(pid)).exists():
                self.end_left_over(pid)
        self.process = None
        self.output.close()

    @staticmethod
    def end_left_over(pid):
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def cpu_seconds(self, name=""):
        """User and system time of all processes, ended ones too; with a name of those called so."""
        return sum(process_cpu_seconds(pid, fields)
                   for pid, fields in process_tree(self.process.pid).items()
                   if name in ("", process_name(pid)))

    def pss_kib(self):
        """Proportional set size of all processes: shared pages count once."""
        return sum(self.pss_kib_by_name().values())

    def pss_kib_by_name(self):
        """The same for each name of a process."""
        sizes = {}
        for pid in process_tree(self.process.pid):
            try:
                for line in pathlib.Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        name = process_name(pid)
                        sizes[name] = sizes.get(name, 0) + int(line.split()[1])
            except OSError:
                continue
        return sizes


def load(options, name, *arguments):
    """Runs a load maker to its end; gives its JSON."""
    path = options.build / "bench" / name
    done = subprocess.run([path, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"{name} {' '.join(map(str, arguments))} failed")
    return json.loads(done.stdout)


class Fetcher:
    """A logged-in IMAP session of load_fetch that runs its command again and again."""

    def __init__(self, options, port, user, mailbox, command):
        self.process = subprocess.Popen(
            [options.build / "bench" / "load_fetch", str(port), user, PASSWORD, mailbox, command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect()

    def expect(self):
        line = self.process.stdout.readline()
        if not line:
            fail("load_fetch failed")
        return line

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.expect())

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def rounds(options, servers, measure):
    """Runs measure(server) in turn, `rounds` times; gives a list of dicts by server name."""
    results = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in servers:
            server.start()
            try:
                result = measure(server)
            finally:
                server.stop()
            results[server.name].append(result)
            shown = "  ".join(f"{key} {value:.4g}" for key, value in result.items())
            print(f"round {number + 1}  {server.name:16} {shown}", flush=True)
    return results


def median(results, name, key):
    return statistics.median(result[key] for result in results[name])


def table(results, ours, wanted):
    """Prints the medians, and for each (key, word, reach) of `wanted` what ours is to each peer.

    reach: what the issue asks for, as text; ratio is ours / peer.
    """
    print()
    for key, word, reach in wanted:
        print(f"{word} (reach: {reach})")
        for name in results:
            value = median(results, name, key)
            line = f"    {name:16} {value:12.4g}"
            if name != ours and ours in results and value != 0:
                line += f"    {ours}/{name} = {median(results, ours, key) / value:.3g}"
            print(line)


KEY_KINDS = {"ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
             "rsa": ["-newkey", "rsa:2048"]}


def made_certificate(options):
    """Gives (chain, key) of a pair that all servers use, of the kind options.key_kind.

    Signed by an authority that stands in the chain, as a public one's intermediate does.
    """
    folder, kind = options.work, KEY_KINDS[getattr(options, "key_kind", "ecdsa")]
    certificate, key = folder / "server.crt", folder / "server.key"
    issuer, issuer_key = folder / "issuer.crt", folder / "issuer.key"
    make = ["openssl", "req", "-x509", *kind, "-nodes", "-days", "30"]
    if not certificate.exists():
        subprocess.run([*make, "-subj", "/CN=bench issuer", "-keyout", issuer_key, "-out", issuer],
                       check=True, capture_output=True)
        subprocess.run([*make, "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-addext",
                        "basicConstraints=critical,CA:FALSE", "-CA", issuer, "-CAkey", issuer_key,
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        with open(certificate, "a", encoding="ascii") as chain:
            chain.write(issuer.read_text(encoding="ascii"))
    return certificate, key
