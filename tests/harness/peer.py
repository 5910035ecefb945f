# SPDX-License-Identifier: Apache-2.0
"""A mail server that says what a test wants it to say, and remembers what it was told."""
import contextlib
import socket
import ssl
import threading

from .waiting import SECONDS

PLAIN = {"greeting": "220 peer ESMTP", "EHLO": "250-peer\r\n250-PIPELINING\r\n250 8BITMIME", "HELO": "250 peer",
         "STARTTLS": "220 go", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", ".": "250 2.0.0 taken", "RSET": "250 ok",
         "QUIT": "221 bye"}


class Session:
    """One connection: from where it came, the commands that came, and the messages."""

    def __init__(self, sock):
        self.sock = sock
        self.peer = sock.getpeername()[0]
        self.input = b""
        self.commands = []
        self.messages = []

    def line(self):
        while b"\n" not in self.input:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError
            self.input += more
        line, self.input = self.input.split(b"\n", 1)
        return line.rstrip(b"\r")

    def content(self):
        lines = []
        while (line := self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"\r\n".join(lines)

    def say(self, reply):
        self.sock.sendall((reply if isinstance(reply, bytes) else reply.encode()) + b"\r\n")


class Peer:
    """
    Listens at an address and answers as `replies` have it: text or bytes, None to close
    instead, or a function of the session and the command's text that gives one of these.
    `tls` is the context of STARTTLS.
    """

    def __init__(self, address, port=25, tls=None, **replies):
        self.replies = {**PLAIN, **replies}
        self.tls = tls
        self.sessions = []
        self.changed = threading.Condition()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family)
        self.threads = [threading.Thread(target=self._accept, daemon=True)]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                sock.settimeout(SECONDS)
                session = Session(sock)
                with self.changed:
                    self.sessions.append(session)
                    self.changed.notify_all()
                thread = threading.Thread(target=self._serve, args=(session,), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _reply(self, session, verb, text=""):
        reply = self.replies.get(verb, "500 what")
        if callable(reply):
            reply = reply(session, text)
        if reply is None:
            raise ConnectionError
        session.say(reply)
        return reply

    def _serve(self, session):
        with contextlib.suppress(OSError), contextlib.closing(session.sock):
            self._reply(session, "greeting")
            while True:
                text = session.line().decode(errors="surrogateescape")
                with self.changed:
                    session.commands.append(text)
                    self.changed.notify_all()
                verb = text.split(" ")[0].upper()
                reply = self._reply(session, verb, text)
                if verb == "DATA" and str(reply).startswith("354"):
                    content = session.content()
                    with self.changed:
                        session.messages.append(content)
                        self.changed.notify_all()
                    self._reply(session, ".", content)
                elif verb == "STARTTLS" and str(reply).startswith("220"):
                    session.sock = self.tls.wrap_socket(session.sock, server_side=True)
                elif verb == "QUIT":
                    return

    def wait(self, condition):
        """Waits until the condition, a function of the peer, gives something true, and returns it."""
        with self.changed:
            found = self.changed.wait_for(lambda: condition(self), SECONDS)
        assert found, "nothing came"
        return found

    @property
    def messages(self):
        return [message for session in self.sessions for message in session.messages]

    @property
    def commands(self):
        return [command for session in self.sessions for command in session.commands]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, kind, value, trace):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for session in self.sessions:
            with contextlib.suppress(OSError):
                session.sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(SECONDS)


def server_tls(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
