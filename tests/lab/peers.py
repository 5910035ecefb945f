# SPDX-License-Identifier: Apache-2.0
"""Mail servers of every kind, good and bad, as cases.json describes them. A server is a dict:

    tls          {"versions": from old to new, "ciphers": an OpenSSL string, in its order, "dh": bits of its group,
                 "certificate": see Certificates}
    extensions   what EHLO lists instead of STARTTLS, PIPELINING and 8BITMIME; without STARTTLS there is no TLS
    turns        what it does instead of what is usual: greeting, ehlo, starttls, handshake, ehlo over TLS, mail,
                 rcpt, data, content, quit

What it does in a turn is a text to say, or a dict with any of `say`, `slow` (seconds between two bytes of it),
`endless` (a text that it says without end), `stall` (waits until the client goes), `raw` (a text in place of a
handshake) and `close`; or, from rcpt on, a list of such: for the first attempt of a domain, the second, ...; the
last one stays.
"""
import socket
import ssl
import threading
import time
import warnings
from base64 import b64decode, b64encode
from collections import defaultdict
from hashlib import sha256

from harness.authority import Authority, openssl
from harness.dh import dh_file
from harness.waiting import SECONDS

PORT = 25
DOMAIN = "lab.example"
EXTENSIONS = ["PIPELINING", "8BITMIME", "STARTTLS"]
OTHERS = ("HELO", "RSET", "QUIT")
USUAL = {"greeting": "220 peer ESMTP", "helo": "250 peer", "starttls": "220 go ahead", "mail": "250 2.1.0 fine",
         "rcpt": "250 2.1.5 fine", "data": "354 go ahead", "content": "250 2.0.0 taken", "rset": "250 2.0.0 fine",
         "quit": {"say": "221 2.0.0 bye", "close": True}}
VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1, "TLSv1.2": ssl.TLSVersion.TLSv1_2,
            "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class Certificates:
    """A CA that Postern trusts, one that it does not, and what servers show:

    good, rsa (good, too), expired, future, elsewhere (made for another name), domain (for that of the recipient),
    stranger (of the other CA), self-signed, rekeyed (good, but of a key that nobody has pinned).
    """

    def __init__(self, folder, names=(f"*.{DOMAIN}",)):
        (folder / "strange").mkdir(parents=True)
        trusted, strange = Authority(folder, "Lab"), Authority(folder / "strange", "Strange")
        self.folder, self.anchor = folder, trusted.root
        self.pairs = {"good": trusted.issue("good", *names), "rekeyed": trusted.issue("rekeyed", *names),
                      "expired": trusted.issue("expired", *names, days=-1, begins=-30),
                      "elsewhere": trusted.issue("elsewhere", "mx.elsewhere.example"),
                      "future": trusted.issue("future", *names, begins=10, days=90),
                      "rsa": trusted.issue("rsa", *names, kind="rsa"),
                      "domain": trusted.issue("domain", f"domain-name.verify.{DOMAIN}"),
                      "stranger": strange.issue("stranger", *names)}
        self.pairs["self-signed"] = crt, key = folder / "self-signed.crt", folder / "self-signed.key"
        openssl("req", "-x509", *Authority.key_options(key, "ec"), "-subj", "/CN=self", "-days", 30, "-addext",
                "subjectAltName=" + ",".join(f"DNS:{name}" for name in names), "-out", crt)

    def pin(self, name):
        """As TlsPolicy/Pin wants it."""
        lines = openssl("pkey", "-in", self.pairs[name][1], "-pubout").splitlines()
        der = b64decode("".join(line for line in lines if not line.startswith("-")))
        return b64encode(sha256(der).digest()).decode()

    def context(self, tls):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        versions = tls.get("versions", ["TLSv1.2", "TLSv1.3"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = VERSIONS[versions[0]], VERSIONS[versions[-1]]
        context.set_ciphers(tls.get("ciphers", "ALL:!aNULL") + ":@SECLEVEL=0")
        context.load_cert_chain(*self.pairs[tls.get("certificate", "good")])
        if "dh" in tls:
            context.load_dh_params(dh_file(self.folder, tls["dh"]))
        return context


class Gone(Exception):
    """The client has closed, or it is time to."""


class Session:
    """One connection, in a thread of its own."""

    def __init__(self, peer, stream):
        self.peer, self.stream = peer, stream
        self.input, self.version, self.has_sender, self.recipients = b"", None, False, []
        self.domain = ""

    def turn(self, name):
        """Carries out what the server does in a turn; True when the client was told to go on (2xx, 3xx)."""
        action = self.peer.turns.get(name, USUAL.get(name))
        if isinstance(action, list):
            attempts = len(self.peer.commands[self.domain])
            action = action[min(attempts, len(action)) - 1]
        action = action if isinstance(action, dict) else {"say": action}
        said = action.get("say", "")
        if said:
            self.say(said.replace("\n", "\r\n").encode() + b"\r\n", action.get("slow", 0))
        while "endless" in action:
            endless = action["endless"].replace("\n", "\r\n").encode()
            self.say(endless * (1 if "slow" in action else 100), action.get("slow", 0))
        while "stall" in action:
            self.receive()
        if "raw" in action:
            self.stream.sendall(action["raw"].encode())
        if "close" in action:
            raise Gone
        return said[:1] in ("2", "3")

    def say(self, data, pause):
        if not pause:
            self.stream.sendall(data)
            return
        for at in range(len(data)):
            self.stream.sendall(data[at:at + 1])
            time.sleep(pause)

    def receive(self):
        got = self.stream.recv(65536)
        if not got:
            raise Gone
        return got

    def line(self):
        while b"\n" not in self.input:
            self.input += self.receive()
        line, _, self.input = self.input.partition(b"\n")
        return line.decode(errors="replace").strip()

    def content(self):
        """The message as it came, with its dots, up to the line that ends it."""
        while not self.input.startswith(b".\r\n") and b"\r\n.\r\n" not in self.input:
            self.input += self.receive()
        content, _, self.input = (b"\r\n" + self.input).partition(b"\r\n.\r\n")
        return content[2:] + b"\r\n"

    def ehlo(self):
        if self.version and "ehlo over TLS" in self.peer.turns:
            self.turn("ehlo over TLS")
        elif "ehlo" in self.peer.turns and not self.version:
            self.turn("ehlo")
        else:
            listed = [one for one in self.peer.extensions if not (self.version and one == "STARTTLS")]
            self.say("".join(f"250-{one}\r\n" for one in ["peer", *listed[:-1]]).encode()
                     + f"250 {listed[-1] if listed else 'HELP'}\r\n".encode(), 0)

    def starttls(self):
        if not self.turn("starttls"):
            return
        if "handshake" in self.peer.turns:
            # A connection with something unread is not closed but reset.
            self.receive()
            self.turn("handshake")
        self.input = b""
        self.stream = self.peer.context.wrap_socket(self.stream, server_side=True)
        self.version = self.stream.version()

    def mail(self):
        self.recipients = []
        self.has_sender = self.turn("mail")

    def rcpt(self, line):
        if not self.has_sender:
            self.say(b"503 5.5.1 MAIL first\r\n", 0)
            return
        self.domain = line.partition("@")[2].partition(">")[0]
        self.peer.heard(self)
        if self.turn("rcpt"):
            self.recipients.append(self.domain)

    def data(self):
        if not self.recipients and "data" not in self.peer.turns:
            self.say(b"503 5.5.1 RCPT first\r\n", 0)
        elif self.turn("data"):
            content = self.content()
            if self.turn("content"):
                self.peer.took(self, content)

    def command(self, line):
        verb = line.split(" ")[0].upper()
        if verb == "EHLO":
            self.ehlo()
        elif verb == "STARTTLS":
            self.starttls()
        elif verb == "MAIL":
            self.mail()
        elif verb == "RCPT":
            self.rcpt(line)
        elif verb == "DATA":
            self.data()
        elif verb in OTHERS:
            self.turn(verb.lower())
        else:
            self.say(b"500 5.5.1 what?\r\n", 0)

    def run(self):
        try:
            self.turn("greeting")
            while True:
                self.command(self.line())
        except (OSError, Gone):
            # What came of it is the client's to tell.
            pass
        finally:
            self.stream.close()


class Peer:
    """A server at an address of its own."""

    def __init__(self, server, address, certificates):
        self.turns = server.get("turns", {})
        self.extensions = server.get("extensions", EXTENSIONS)
        self.context = certificates.context(server.get("tls", {}))
        self.lock = threading.Lock()
        # Domain -> the version of TLS, or None, of each RCPT for it; and of each message, with the message.
        self.commands = defaultdict(list)
        self.messages = defaultdict(list)
        self.listener = socket.create_server((address, PORT), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            stream.settimeout(SECONDS)
            threading.Thread(target=Session(self, stream).run, daemon=True).start()

    def heard(self, session):
        with self.lock:
            self.commands[session.domain].append(session.version)

    def took(self, session, content):
        with self.lock:
            for domain in session.recipients:
                self.messages[domain].append((session.version, content))
        session.recipients = []

    def close(self):
        self.listener.close()
