# SPDX-License-Identifier: Apache-2.0
"""Certificates of users, from a root of their own, and lists of those that were revoked."""
from pathlib import Path

from .authority import openssl, stamp

CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
crlnumber = {folder}/number
new_certs_dir = {folder}
certificate = {folder}/root.crt
private_key = {folder}/root.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]


class UserAuthority:
    """A root in root.crt that signs certificates of users by itself."""

    def __init__(self, folder, name):
        self.folder = Path(folder) / name
        self.folder.mkdir(parents=True)
        self.config, self.root = self.folder / "config", self.folder / "root.crt"
        self.config.write_text(CONFIG.format(folder=self.folder))
        for file, text in ("index", ""), ("serial", "1000\n"), ("number", "01\n"):
            (self.folder / file).write_text(text)
        openssl("req", "-x509", *EC, "-nodes", "-keyout", self.folder / "root.key", "-out", self.root, "-days", 100,
                "-subj", f"/CN={name}", "-addext", "keyUsage=keyCertSign,cRLSign")

    def issue(self, name, mail=(), days=(-1, 30), usage="clientAuth", digest="sha256", key=None):
        """A certificate and its key in one file; `mail` are the addresses in its subjectAltName."""
        parts = {kind: self.folder / f"{name}.{kind}" for kind in ("key", "csr", "ext", "crt", "pem")}
        openssl("req", *(["-newkey", key] if key else EC), "-nodes", "-keyout", parts["key"], "-out", parts["csr"],
                "-subj", f"/CN={name}")
        lines = ["basicConstraints=CA:FALSE"]
        if mail:
            lines.append("subjectAltName=" + ",".join(f"email:{address}" for address in mail))
        if usage:
            lines.append(f"extendedKeyUsage={usage}")
        parts["ext"].write_text("\n".join(lines) + "\n")
        openssl("ca", "-batch", "-config", self.config, "-in", parts["csr"], "-out", parts["crt"], "-notext", "-md", digest,
                "-startdate", stamp(days[0]), "-enddate", stamp(days[1]), "-extfile", parts["ext"])
        parts["pem"].write_text(parts["crt"].read_text() + parts["key"].read_text())
        return parts["pem"]

    def revoke(self, name):
        openssl("ca", "-config", self.config, "-revoke", self.folder / f"{name}.crt")

    def list_make(self, path, days=30, form="PEM"):
        """Writes the list of what was revoked; `days` may lie in the past."""
        openssl("ca", "-config", self.config, "-gencrl", "-out", self.folder / "list.pem", "-crl_lastupdate",
                stamp(days - 60), "-crl_nextupdate", stamp(days))
        openssl("crl", "-in", self.folder / "list.pem", "-outform", form, "-out", path)
