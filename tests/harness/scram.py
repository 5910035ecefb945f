# SPDX-License-Identifier: Apache-2.0
"""The client's side of SCRAM-SHA-256 (RFC 5802, 7677), with channel bindings that Python's TLS can give."""
import base64
import hashlib
import hmac
import os
import ssl
import subprocess


def _mac(key, text):
    return hmac.digest(key, text, "sha256")


def certificate_digest(connection):
    """tls-server-end-point (RFC 5929 section 4) of a certificate signed with SHA-256 or older."""
    return hashlib.sha256(connection.getpeercert(binary_form=True)).digest()


def certificate_signature(connection):
    """The signature algorithm of the server's certificate, as openssl names it."""
    pem = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))
    said = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    return said.split("Signature Algorithm:")[1].split()[0]


class Scram:
    """One exchange: first(), then last(CHALLENGE), then verify(ANSWER)."""

    def __init__(self, user, password, header="n,,", binding=b"", nonce=None):
        self.password, self.header, self.binding = password.encode(), header, binding
        self.nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"
        self.signature = None

    def first(self):
        return (self.header + self.bare).encode()

    def last(self, challenge, nonce=None):
        fields = dict(item.split("=", 1) for item in challenge.decode().split(","))
        assert fields["r"].startswith(self.nonce) and len(fields["r"]) > len(self.nonce) + 16
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        bound = base64.b64encode(self.header.encode() + self.binding).decode()
        without_proof = f"c={bound},r={nonce or fields['r']}"
        signed = ",".join([self.bare, challenge.decode(), without_proof]).encode()
        client_key = _mac(salted, b"Client Key")
        signature = _mac(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(one ^ other for one, other in zip(client_key, signature))
        self.signature = _mac(_mac(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, answer):
        assert answer == b"v=" + base64.b64encode(self.signature), "the server did not prove itself"
