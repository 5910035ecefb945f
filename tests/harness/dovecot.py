# SPDX-License-Identifier: Apache-2.0
"""Dovecot as a POP3 server, with mailboxes that a test fills and looks into. To be used in a network of one's own.

    with Dovecot(folder, certificate, key, address="127.0.0.60") as dovecot:
        dovecot.put("anna", b"Subject: x\r\n\r\n...")
        dovecot.messages("anna")
"""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .network import listens
from .program import Program

PASSWORD = "dovecot-secret"
MAIL_ID = 8  # Debian's user and group mail

COMMON = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = {address}
protocols = pop3
ssl = yes
ssl_min_protocol = {oldest}
mail_uid = mail
mail_gid = mail
first_valid_uid = 8
first_valid_gid = 8
service pop3-login {{
  inet_listener pop3 {{
    port = 110
  }}
  inet_listener pop3s {{
    port = 995
    ssl = yes
  }}
}}
"""

# Up to 2.3, Debian 12.
OLDER = """
disable_plaintext_auth = no
ssl_cert = <{certificate}
ssl_key = <{key}
mail_location = maildir:{folder}/mail/%n
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%n
}}
"""

# From 2.4 on, Debian 13; these two lines stand first.
NEWER_FIRST = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"
NEWER = """
auth_allow_cleartext = yes
ssl_server_cert_file = {certificate}
ssl_server_key_file = {key}
mail_driver = maildir
mail_path = {folder}/mail/%{{user|username}}
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = mail
    gid = mail
    home = {folder}/mail/%{{user|username}}
  }}
}}
"""


def tools_missing():
    """What is not installed, for a test that is skipped without it."""
    here = shutil.which("dovecot") and Path("/usr/lib/dovecot/pop3-login").exists()
    return [] if here else ["dovecot-pop3d"]


class Dovecot(Program):
    def __init__(self, folder, certificate, key, address="127.0.0.1", oldest="TLSv1.2"):
        super().__init__(folder)
        self.address = address
        self.file = self.folder / "dovecot.conf"
        self.count = 0
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        os.chown(self.folder / "mail", MAIL_ID, MAIL_ID)
        version = subprocess.run(["dovecot", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        is_newer = tuple(map(int, re.findall(r"\d+", version)[:2])) >= (2, 4)
        text = (NEWER_FIRST + COMMON + NEWER) if is_newer else COMMON + OLDER
        self.file.write_text(text.format(folder=self.folder, address=address, certificate=certificate, key=key,
                                         password=PASSWORD, oldest=oldest))

    # ---- mailboxes

    def _box(self, user):
        box = self.folder / "mail" / user
        for name in ("new", "cur", "tmp"):
            (box / name).mkdir(parents=True, exist_ok=True)
        for path in (box, *box.iterdir()):
            os.chown(path, MAIL_ID, MAIL_ID)
        return box

    def put(self, user, content):
        self.count += 1
        path = self._box(user) / "new" / f"{int(time.time())}.{self.count:06}.test"
        path.write_bytes(content)
        os.chown(path, MAIL_ID, MAIL_ID)

    def messages(self, user):
        """The contents that are there."""
        box = self._box(user)
        return [path.read_bytes() for name in ("new", "cur") for path in sorted((box / name).iterdir())]

    # ---- the server

    def command(self):
        return ["dovecot", "-F", "-c", self.file]

    def is_ready(self):
        return listens(self.address, 110)
