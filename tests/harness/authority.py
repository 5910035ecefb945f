# SPDX-License-Identifier: Apache-2.0
"""A certification authority of our own, made of openssl(1): a root, an intermediate, and leaves of any dates."""
import subprocess
from datetime import datetime, timedelta, timezone

CONFIG = """
[ca]
default_ca = default
[default]
new_certs_dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
copy_extensions = none
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def stamp(days):
    """So many days from now, as openssl ca wants it."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


class Authority:
    """A root in root.pem, an intermediate in issuer.pem; leaves are signed by the intermediate."""

    def __init__(self, folder, name="Test"):
        self.folder = folder
        self.config = folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=folder))
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        self.root, self.issuer = folder / "root.pem", folder / "issuer.pem"
        self.issuer_key = folder / "issuer.key"
        openssl("req", "-x509", *self.key_options(folder / "root.key", "ec"), "-config", self.config, "-extensions",
                "authority", "-subj", f"/CN={name} Root", "-days", 3650, "-out", self.root)
        openssl("req", "-new", *self.key_options(self.issuer_key, "ec"), "-config", self.config, "-subj",
                f"/CN={name} Issuer", "-out", folder / "issuer.csr")
        openssl("x509", "-req", "-in", folder / "issuer.csr", "-CA", self.root, "-CAkey", folder / "root.key",
                "-set_serial", 1, "-days", 3000, "-extfile", self.config, "-extensions", "authority",
                "-out", self.issuer)

    @staticmethod
    def key_options(path, kind):
        how = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"],
               "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
               "p521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
               "rsa1024": ["rsa:1024"], "ed25519": ["ed25519"]}[kind]
        return ["-newkey", *how, "-nodes", "-keyout", path]

    def issue(self, name, *hosts, days=90, begins=-1, kind="ec", extensions=()):
        """Files NAME.crt, with the issuer behind the leaf, and NAME.key, good from `begins` to `days` days from now."""
        crt, key, request = (self.folder / f"{name}.{suffix}" for suffix in ("crt", "key", "csr"))
        more = self.folder / f"{name}.ext"
        names = ",".join(f"DNS:{host}" for host in hosts)
        more.write_text("\n".join([f"subjectAltName = {names}", *extensions]) + "\n")
        openssl("req", "-new", *self.key_options(key, kind), "-config", self.config, "-subj", f"/CN={hosts[0]}", "-out",
                request)
        openssl("ca", "-batch", "-config", self.config, "-in", request, "-cert", self.issuer, "-keyfile",
                self.issuer_key, "-startdate", stamp(begins), "-enddate", stamp(days), "-notext", "-extfile", more,
                "-out", crt)
        crt.write_text(crt.read_text() + self.issuer.read_text())
        return crt, key
