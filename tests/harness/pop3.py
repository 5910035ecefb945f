# SPDX-License-Identifier: Apache-2.0
"""A POP3 server that does what a test tells it, right or wrong, and notes what it was told.

    with Remote("127.0.0.61", 110, messages={"u1": b"Subject: a\r\n\r\n"}) as remote:
        remote.replace("UIDL", lambda talk, words: talk.say("-ERR no"))
        ...
        remote.said          # every line of every client
        remote.messages      # what is left
"""
import socket
import ssl
import threading
import warnings

PASSWORD = "remote-secret"


def tls_context(certificate, key, version=None):
    """A server's; with `version` it speaks that one and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if version is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            # That it is old is why it is asked for.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = version, version
    return context


class Talk:
    """One connection."""

    def __init__(self, remote, connection):
        self.remote, self.connection = remote, connection
        self.input = b""
        self.listed = []
        self.deleted = set()
        self.is_over = False

    def send(self, data):
        self.connection.sendall(data)

    def say(self, line):
        self.send(line.encode("latin-1") + b"\r\n")

    def line(self):
        while b"\n" not in self.input:
            got = self.connection.recv(65536)
            if not got:
                return None
            self.input += got
        line, _, self.input = self.input.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def present(self):
        return [(number, uidl) for number, uidl in enumerate(self.listed, 1) if uidl not in self.deleted]

    def uidl(self, number):
        return self.listed[int(number) - 1]

    # ---- commands

    def do_capa(self, _):
        self.say("+OK")
        for word in self.remote.capabilities:
            self.say(word)
        self.say(".")

    def do_stls(self, _):
        self.say("+OK begin")
        self.connection = self.remote.context.wrap_socket(self.connection, server_side=True)

    def do_user(self, _):
        self.say("+OK")

    def do_pass(self, words):
        if words[1:] != [PASSWORD]:
            self.say("-ERR [AUTH] no such login")
            return
        self.listed = list(self.remote.messages)
        self.say("+OK")

    def do_uidl(self, _):
        self.say("+OK")
        self.send(b"".join(f"{number} {uidl}\r\n".encode() for number, uidl in self.present()))
        self.say(".")

    def do_list(self, _):
        self.say("+OK")
        self.send(b"".join(f"{number} {len(self.remote.messages[uidl])}\r\n".encode()
                           for number, uidl in self.present()))
        self.say(".")

    def do_retr(self, words):
        uidl = self.uidl(words[1])
        content = self.remote.messages[uidl]
        if content.startswith(b"."):
            content = b"." + content
        self.remote.retrieved.append(uidl)
        self.send(b"+OK\r\n" + content.replace(b"\n.", b"\n..") + b".\r\n")

    def do_dele(self, words):
        self.deleted.add(self.uidl(words[1]))
        self.say("+OK")

    def do_quit(self, _):
        for uidl in self.deleted:
            self.remote.messages.pop(uidl, None)
        self.say("+OK")
        self.is_over = True

    def run(self):
        if self.remote.is_implicit:
            self.connection = self.remote.context.wrap_socket(self.connection, server_side=True)
        self.say("+OK POP3")
        while not self.is_over and (line := self.line()) is not None:
            self.remote.said.append(line)
            words = line.split(" ")
            verb = words[0].upper()
            replaced = self.remote.replaced.get(verb)
            if replaced is not None:
                replaced(self, words)
            else:
                getattr(self, "do_" + verb.lower())(words)


class Remote:
    def __init__(self, address, port, messages=None, context=None, is_implicit=False,
                 capabilities=("USER", "UIDL", "TOP")):
        self.messages = dict(messages or {})
        self.context, self.is_implicit, self.capabilities = context, is_implicit, list(capabilities)
        self.said, self.retrieved, self.replaced = [], [], {}
        self.peers = []  # the addresses that connected
        self.listener = socket.create_server((address, port))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def replace(self, verb, function):
        self.replaced[verb] = function

    def _serve(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        talk = Talk(self, connection)
        try:
            talk.run()
        except OSError:
            # The client went away, or refused the handshake, which is its right.
            pass
        finally:
            talk.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A thread that waits in accept() holds the port: closing alone does not wake it.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
