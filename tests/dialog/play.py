# SPDX-License-Identifier: Apache-2.0
"""Plays the steps of a dialogue against a running server."""
import base64
import re
import shlex
import socket
import ssl
import time
import warnings

from script import unescape

VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1,
            "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
SILENCE_SECONDS = 0.3
# How long a server may put up with a slow client: longer than any limit of a dialogue.
TRICKLE_SECONDS = 120
TRANSCRIPT_LINES = 60


class Mismatch(Exception):
    """The server did not do what the file says."""


def shown(data):
    return "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in data)


def tls_context(certificate, version):
    context = ssl.create_default_context(cafile=str(certificate))
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = VERSIONS[version]
        # Debian's default level would make the client refuse old versions, not the server.
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


class Peer:
    """One connection of the dialogue."""

    def __init__(self, name, player):
        self.name, self.player = name, player
        self.stream, self.waiting = None, b""

    def note(self, who, data):
        prefix = f"{self.name}> " if self.name else ""
        self.player.transcript.append(f"{prefix}{who}: {data}")

    def connect(self, port, source):
        self.close()
        self.waiting = b""
        self.was_reset = False
        self.stream = socket.create_connection(("127.0.0.1", port), self.player.timeout,
                                               source_address=(source, 0) if source else None)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.note("-", f"connected to port {port}")

    def close(self):
        if self.stream is not None:
            self.stream.close()
        self.stream = None

    def need_stream(self):
        if self.stream is None:
            raise Mismatch("there is no connection")
        return self.stream

    def handshake(self, version):
        if self.waiting:
            raise Mismatch(f"the server sent more before the handshake: {shown(self.waiting)}")
        context = tls_context(self.player.home.certificate, version)
        self.stream = context.wrap_socket(self.need_stream(), server_hostname="localhost")
        self.note("-", f"{self.stream.version()} {self.stream.cipher()[0]}")

    def handshake_refused(self, version):
        try:
            self.handshake(version)
        except (ssl.SSLError, ConnectionError) as error:
            self.note("-", f"handshake refused: {error}")
            self.close()
            return
        raise Mismatch(f"the handshake was not refused: {self.stream.version()}")

    def send(self, data):
        self.note("C", shown(data) if len(data) < 400 else f"{shown(data[:80])}... ({len(data)} bytes)")
        try:
            self.need_stream().sendall(data)
        except (ConnectionError, ssl.SSLError) as error:
            # What the server said before it closed is read by the next steps.
            self.was_reset = isinstance(error, ConnectionError)
            self.note("-", f"sending failed: {error}")

    def receive(self, seconds):
        """More bytes into `waiting`; False at the end of the stream. Raises TimeoutError."""
        stream = self.need_stream()
        stream.settimeout(seconds)
        try:
            data = stream.recv(65536)
        except ConnectionResetError:
            self.was_reset = True
            data = b""
        self.waiting += data
        return data != b""

    def read_line(self):
        while b"\n" not in self.waiting:
            try:
                if not self.receive(self.player.timeout):
                    raise Mismatch(f"the server closed the connection{self.rest()}")
            except TimeoutError:
                raise Mismatch(f"the server said nothing for {self.player.timeout} s{self.rest()}") from None
        line, self.waiting = self.waiting.split(b"\n", 1)
        if not line.endswith(b"\r"):
            self.note("S", shown(line))
            raise Mismatch("the server's line ends with a bare LF")
        self.note("S", shown(line[:-1]) if len(line) < 400 else f"{shown(line[:80])}... ({len(line)} bytes)")
        return line[:-1].decode("utf-8", "surrogateescape")

    def read_bytes(self, count):
        while len(self.waiting) < count:
            try:
                if not self.receive(self.player.timeout):
                    raise Mismatch(f"the server closed the connection within its answer{self.rest()}")
            except TimeoutError:
                raise Mismatch(f"the rest of the answer did not come{self.rest()}") from None
        data, self.waiting = self.waiting[:count], self.waiting[count:]
        self.note("S", shown(data[:400]))
        return data.decode("utf-8", "surrogateescape")

    def read_answer(self):
        """An HTTP response (RFC 9112 section 6.3) with a Content-Length or without a body: its text."""
        lines = [self.read_line()]
        while lines[-1]:
            lines.append(self.read_line())
        fields = dict(line.lower().split(": ", 1) for line in lines[1:-1])
        return "\n".join(lines) + self.read_bytes(int(fields.get("content-length", 0)))

    def trickle(self, seconds, data):
        until, at = time.monotonic() + TRICKLE_SECONDS, 0
        while time.monotonic() < until:
            self.send(data[at % len(data):][:1])
            at += 1
            try:
                while self.receive(seconds):
                    pass
                return
            except TimeoutError:
                continue
        raise Mismatch(f"the server put up with {at} bytes, one every {seconds} s{self.rest()}")

    def rest(self):
        return f" after {shown(self.waiting)}" if self.waiting else ""

    def expect_close(self):
        try:
            while self.receive(self.player.timeout):
                pass
        except TimeoutError:
            raise Mismatch(f"the server keeps the connection open{self.rest()}") from None
        if self.was_reset:
            raise Mismatch("the server reset the connection: what it said before may be lost")
        if self.waiting:
            raise Mismatch(f"the server said more before it closed: {shown(self.waiting)}")
        self.note("-", "closed by the server")
        self.close()

    def expect_silence(self, seconds):
        try:
            if not self.waiting and not self.receive(seconds):
                raise Mismatch("the server closed the connection")
        except TimeoutError:
            return
        raise Mismatch(f"the server spoke: {shown(self.waiting)}")


class Player:
    """Plays a script's steps; `transcript` holds what was said."""

    def __init__(self, server, timeout):
        self.server, self.home, self.timeout = server, server.home, timeout
        self.peers, self.values, self.transcript = {}, {}, []

    def play(self, script):
        verbs = {"S": self.hear, "S+": self.hear_until, "C": self.say_line, "C+": self.say_bytes,
                 "C*": self.say_many, "connect": self.connect, "tls": self.tls, "starttls": self.tls,
                 "tls-refused": self.tls_refused, "disconnect": self.disconnect,
                 "expect-close": self.expect_close, "pause": self.pause, "silent": self.silent,
                 "run": self.run, "log": self.log, "log-without": self.log_without,
                 "config": self.config, "http": self.http, "trickle": self.trickle}
        try:
            for step in script.steps:
                self.step = step
                verbs[step.verb](step)
        finally:
            for peer in self.peers.values():
                peer.close()

    def peer(self, step):
        return self.peers.setdefault(step.client, Peer(step.client, self))

    def fill(self, text):
        """Puts in `${name}` of an earlier match and `${base64 TEXT}`."""
        def value(match):
            if match[1].startswith("base64 "):
                return base64.b64encode(unescape(match[1][7:])).decode()
            if match[1] not in self.values:
                raise Mismatch(f"nothing was matched yet as {match[1]}")
            return self.values[match[1]]
        return re.sub(r"\$\{([^}]*)\}", value, text)

    def matches(self, wanted, line):
        if len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/"):
            found = re.fullmatch(self.fill(wanted[1:-1]), line)
            self.values.update(found.groupdict() if found else {})
            return found is not None
        return self.fill(wanted) == line

    # One method a verb.

    def hear(self, step):
        line = self.peer(step).read_line()
        if not self.matches(step.text, line):
            raise Mismatch(f"expected: {step.text}\n     got: {line}")

    def hear_until(self, step):
        skipped = []
        while True:
            try:
                line = self.peer(step).read_line()
            except Mismatch as mismatch:
                raise Mismatch(f"expected some time: {step.text}\nafter {len(skipped)} other lines: {mismatch}") from None
            if self.matches(step.text, line):
                return
            skipped.append(line)

    def say_line(self, step):
        self.peer(step).send(unescape(self.fill(step.text)) + b"\r\n")

    def say_bytes(self, step):
        self.peer(step).send(unescape(self.fill(step.text)))

    def say_many(self, step):
        count, _, what = step.text.partition(" ")
        if what == "bytes":
            data = b"x" * int(count)
        elif what.startswith("lines of "):
            data = (unescape(what[len("lines of "):]) + b"\r\n") * int(count)
        else:
            raise Mismatch("expected `N bytes` or `N lines of TEXT`")
        self.peer(step).send(data)

    def http(self, step):
        status, _, wanted = step.text.partition(" ")
        text = self.peer(step).read_answer()
        if not re.fullmatch(status, text.split()[1]):
            raise Mismatch(f"expected: {status}\n     got: {text}")
        found = re.search(self.fill(wanted[1:-1]), text, re.S)
        if found is None:
            raise Mismatch(f"expected in the answer: {wanted}\n     got: {text}")
        self.values.update(found.groupdict())

    def trickle(self, step):
        seconds, _, text = step.text.partition(" ")
        self.peer(step).trickle(float(seconds), unescape(text))

    def connect(self, step):
        service, _, source = step.text.partition(" from ")
        if service not in self.server.ports:
            raise Mismatch(f"there is no service {service}, only {', '.join(self.server.ports)}")
        self.peer(step).connect(self.server.ports[service], source.strip())

    def tls(self, step):
        try:
            self.peer(step).handshake(step.text)
        except (ssl.SSLError, ConnectionError, TimeoutError) as error:
            raise Mismatch(f"the handshake failed: {error}") from None

    def tls_refused(self, step):
        self.peer(step).handshake_refused(step.text)

    def disconnect(self, step):
        self.peer(step).close()

    def expect_close(self, step):
        self.peer(step).expect_close()

    def pause(self, step):
        time.sleep(float(step.text))

    def silent(self, step):
        self.peer(step).expect_silence(float(step.text or SILENCE_SECONDS))

    def run(self, step):
        done = self.home.command(*shlex.split(self.fill(step.text)))
        self.transcript.append(f"-: postern {step.text}: {done.stdout.strip()[:400]}")

    def log(self, step):
        name, _, wanted = step.text.partition(" ")
        pattern = self.fill(wanted[1:-1]) if wanted.startswith("/") else re.escape(self.fill(wanted))
        if not self.home.log_match(name, pattern, self.timeout):
            raise Mismatch(f"no line of {name}.log matches {wanted}; it holds:\n{self.home.log(name)[-2000:]}")

    def log_without(self, step):
        name, _, wanted = step.text.partition(" ")
        if re.search(self.fill(wanted[1:-1]), self.home.log(name), re.M):
            raise Mismatch(f"a line of {name}.log matches {wanted}; it holds:\n{self.home.log(name)[-2000:]}")

    def config(self, step):
        place, _, value = step.text.partition("=")
        self.home.configure(**{place: value})
