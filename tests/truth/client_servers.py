# SPDX-License-Identifier: Apache-2.0
"""Servers of every kind for Postern as the client. A server is a dict, as it stands in cases.json:

    versions     finishes the handshake: what it speaks, from old to new, without a hole
    suites       IANA names of TLS 1.2 and older, in its order, which decides
    dh           bits of its DHE group: 1024 (Oakley group 2), 2048, 4096 (RFC 7919)
    certificate  "good" (the default), "expired", "elsewhere", "self-signed", "stranger"
    raw          looks at the hello, answers with bytes of its own, and closes:
                 {"alert": N}, {"hello": {...}}, {"say": TEXT}, {"bytes": HEX}, {"reset": true} or {}; a hello may
                 ask for a group again ("retry") or bring a share of one ("share"), and have bytes behind it ("then")

One port for STARTTLS and one for TLS at once serve them all: the address that a connection comes to tells which
case it belongs to.
"""
import base64
import hashlib
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import warnings
from pathlib import Path

import complete
from hello import (GROUP_NAMES, GROUPS, RECORD_ALERT, RECORD_HANDSHAKE, RETRY_RANDOM, VERSIONS, VERSION_NAMES, Reader,
                   Unreadable, extension, messages, records, share_of, vector)
from harness.dh import dh_file
from harness.waiting import SECONDS
from suites import NUMBERS, SUITES

STARTTLS_PORT, IMPLICIT_PORT = 5525, 5465
NAMES_BY_NUMBER = {suite.number: suite.iana for suite in SUITES.values()}
SENTINEL = b"DOWNGRD\x01"
# What a server says before TLS, turn by turn, and behind it, to whatever comes.
SMTP_CLEAR = (b"220 truth ESMTP\r\n", b"250-truth\r\n250 STARTTLS\r\n", b"220 go\r\n")
POP3_CLEAR = (b"+OK truth\r\n", b"+OK\r\nSTLS\r\n.\r\n", b"+OK go\r\n")
SMTP_GREETING, SMTP_ANSWER = b"220 truth ESMTP\r\n", b"250 truth\r\n"
POP3_GREETING, POP3_ANSWER = b"+OK truth\r\n", b"+OK\r\nUIDL\r\n.\r\n"


# ---- what a client says

def client_hello(content):
    """A ClientHello in the words of cases.json; what nobody knows, and signals, are left out."""
    reader = Reader(content)
    found = {"at most": VERSION_NAMES[reader.number(2)], "groups": []}
    reader.take(32)
    found["session"] = reader.vector(1)
    numbers = struct.iter_unpack(">H", reader.vector(2))
    found["suites"] = [NAMES_BY_NUMBER[number] for number, in numbers if number in NAMES_BY_NUMBER]
    reader.vector(1)
    extensions = Reader(reader.vector(2)) if reader.rest else Reader(b"")
    while extensions.rest:
        number, body = extensions.number(2), Reader(extensions.vector(2))
        if number == 43:
            found["versions"] = [VERSION_NAMES[one] for one, in struct.iter_unpack(">H", body.vector(1))][::-1]
            del found["at most"]
        elif number == 10:
            found["groups"] = [GROUP_NAMES.get(one, str(one)) for one, in struct.iter_unpack(">H", body.vector(2))]
    return found


def hello_read(stream):
    waiting = b""
    for kind, content in records(lambda: stream.recv(65536)):
        found, waiting = messages(waiting + content)
        if kind == RECORD_HANDSHAKE and found:
            return client_hello(found[0][1])
    raise Unreadable("no ClientHello came")


# ---- what a raw server answers

def record(kind, content):
    return struct.pack(">BH", kind, 0x0303) + vector(2, content)


def server_random(hello):
    if "retry" in hello:
        return RETRY_RANDOM
    return os.urandom(24) + (SENTINEL if hello.get("sentinel") else os.urandom(8))


def server_extensions(hello):
    if hello["version"] != "TLSv1.3":
        return b"" if hello.get("renegotiation") == "none" else extension(0xff01, b"\x00")
    group = struct.pack(">H", GROUPS[hello.get("retry") or hello["share"]])
    share = b"" if "retry" in hello else vector(2, share_of(hello["share"]))
    return extension(43, struct.pack(">H", VERSIONS["TLSv1.3"])) + extension(51, group + share)


def server_hello(hello, session):
    suite = NUMBERS.get(hello["suite"], 0x0005)
    version = min(VERSIONS[hello["version"]], VERSIONS["TLSv1.2"])
    extensions = server_extensions(hello)
    body = (struct.pack(">H", version) + server_random(hello)
            + vector(1, session if hello["version"] == "TLSv1.3" else b"") + struct.pack(">H", suite) + b"\x00"
            + (vector(2, extensions) if extensions else b""))
    return record(RECORD_HANDSHAKE, b"\x02" + vector(3, body)) + bytes.fromhex(hello.get("then", ""))


def raw_answer(raw, session):
    if "alert" in raw:
        return record(RECORD_ALERT, bytes((2, raw["alert"])))
    if "hello" in raw:
        return server_hello(raw["hello"], session)
    return bytes.fromhex(raw["bytes"]) if "bytes" in raw else raw.get("say", "").encode()


# ---- keys and certificates

def openssl(*words, stdin=None):
    return subprocess.run(["openssl", *map(str, words)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=True, env={**os.environ, "OPENSSL_CONF": "/dev/null"}).stdout


class Pairs:
    """A CA that Postern trusts, one that it does not, and what both have signed for these addresses."""

    def __init__(self, folder, addresses):
        self.folder = Path(folder)
        self.key = self.folder / "server.key"
        self.names = "subjectAltName=" + ",".join(f"IP:{address}" for address in addresses or ["127.0.0.1"])
        self.key.write_bytes(openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"))
        self.anchor = self.root("ca")
        self.root("strange")
        self.leaf("good", "ca", self.names, 30)
        self.leaf("stranger", "strange", self.names, 30)
        self.leaf("elsewhere", "ca", "subjectAltName=DNS:elsewhere.example", 30)
        self.leaf("expired", "ca", self.names, 0)
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=self", "-days", "30", "-addext", self.names,
                "-out", self.path("self-signed"))

    def path(self, name):
        return self.folder / f"{name}.crt"

    def root(self, name):
        key = self.folder / f"{name}.key"
        key.write_bytes(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN=Truth {name}", "-days", "30", "-addext",
                "basicConstraints=critical,CA:TRUE", "-out", self.path(name))
        return self.path(name)

    def leaf(self, name, issuer, names, days):
        request = openssl("req", "-new", "-key", self.key, "-subj", "/CN=server")
        more = self.folder / f"{name}.ext"
        more.write_text(names + "\n")
        openssl("x509", "-req", "-CA", self.path(issuer), "-CAkey", self.folder / f"{issuer}.key", "-days", days,
                "-extfile", more, "-out", self.path(name), stdin=request)

    def pin(self):
        public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def context(self, server):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = complete.VERSIONS[server["versions"][0]]
            context.maximum_version = complete.VERSIONS[server["versions"][-1]]
        names = [SUITES[name].openssl for name in server.get("suites", [])]
        context.set_ciphers(":".join(names or ["ALL:!aNULL"]) + ":@SECLEVEL=0")
        context.load_cert_chain(self.path(server.get("certificate", "good")), self.key)
        context.load_dh_params(dh_file(self.folder, server.get("dh", 2048)))
        return context


# ---- the servers

class Servers:
    """Listens for all cases; `seen` holds the hello that came to an address."""

    def __init__(self, pairs):
        self.pairs, self.by_address, self.contexts, self.seen = pairs, {}, {}, {}
        self.lock = threading.Lock()
        self.listeners = []
        for port, is_implicit in ((STARTTLS_PORT, False), (IMPLICIT_PORT, True)):
            listener = socket.create_server(("0.0.0.0", port), backlog=64)
            self.listeners.append(listener)
            threading.Thread(target=self._serve, args=(listener, is_implicit), daemon=True).start()

    def close(self):
        for listener in self.listeners:
            listener.close()

    def context(self, name, server):
        with self.lock:
            if name not in self.contexts:
                self.contexts[name] = self.pairs.context(server)
            return self.contexts[name]

    def _serve(self, listener, is_implicit):
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(stream, is_implicit), daemon=True).start()

    def _connection(self, stream, is_implicit):
        with stream:
            stream.settimeout(SECONDS)
            try:
                self._talk(stream, is_implicit)
            except (OSError, Unreadable):
                # What came of it is the client's to tell.
                return

    def _talk(self, stream, is_implicit):
        address = stream.getsockname()[0]
        name, server, service = self.by_address[address]
        is_pop3 = service.startswith("POP3")
        if not is_implicit:
            *turns, consent = POP3_CLEAR if is_pop3 else SMTP_CLEAR
            for words in turns:
                stream.sendall(words)
                stream.recv(4096)
            stream.sendall(consent)
        if "raw" in server:
            self.seen[address] = hello_read(stream)
            if "reset" in server["raw"]:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            stream.sendall(raw_answer(server["raw"], self.seen[address]["session"]))
            stream.shutdown(socket.SHUT_WR)
            stream.recv(4096)
            return
        with self.context(name, server).wrap_socket(stream, server_side=True) as tls:
            if is_implicit:
                tls.sendall(POP3_GREETING if is_pop3 else SMTP_GREETING)
            while True:
                line = tls.recv(4096)
                if not line or re.match(rb"QUIT", line):
                    return
                tls.sendall(POP3_ANSWER if is_pop3 else SMTP_ANSWER)
