# SPDX-License-Identifier: Apache-2.0
"""Files that ask for rounds without end before they open: nobody waits for them but who brought them, and not for long."""
import base64
import os
import threading

from conftest import DOMAIN
from harness.api import logged_in
from harness.authority import Authority
from harness.server import Server

ROOT, ROOT_PASSWORD = f"root@{DOMAIN}", "the administrator's"
ROUNDS_WITHOUT_END = b"\x7f\xff\xff\xff"


def der(tag, *parts):
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x82]) + len(body).to_bytes(2, "big")
    return bytes([tag]) + length + body


def oid(text):
    return bytes.fromhex(text)


def endless_pkcs12():
    """Its MAC asks for 2^31 - 1 rounds."""
    data = oid("06092a864886f70d010701")
    sha256 = der(0x30, oid("0609608648016503040201"), b"\x05\x00")
    content = der(0x30, data, der(0xa0, der(0x04, der(0x30))))
    mac = der(0x30, der(0x30, sha256, der(0x04, os.urandom(32))), der(0x04, os.urandom(8)), der(0x02, ROUNDS_WITHOUT_END))
    return der(0x30, b"\x02\x01\x03", content, mac)


def endless_key():
    """A private key whose PBKDF2 asks for 2^31 - 1 rounds."""
    kdf = der(0x30, oid("06092a864886f70d01050c"), der(0x30, der(0x04, os.urandom(8)), der(0x02, ROUNDS_WITHOUT_END),
                                                      der(0x30, oid("06082a864886f70d0209"), b"\x05\x00")))
    cipher = der(0x30, oid("060960864801650304012a"), der(0x04, os.urandom(16)))
    whole = der(0x30, der(0x30, oid("06092a864886f70d01050d"), der(0x30, kdf, cipher)), der(0x04, os.urandom(160)))
    text = base64.encodebytes(whole).decode()
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{text}-----END ENCRYPTED PRIVATE KEY-----\n"


def written(home):
    return {str(path): path.read_bytes() for path in (home.path / "sslcert").rglob("*") if path.is_file()}


def endless_try(running, crt):
    admin = logged_in(running, ROOT, ROOT_PASSWORD)
    before = written(running.home)
    roles = {role["name"]: role["pid"] for role in running.status()["roles"]}
    answer = admin.post("/certificates/import", {"name": "endless", "password": "x",
                                                 "pkcs12": base64.b64encode(endless_pkcs12()).decode()})
    assert answer.status == 400 and "rounds" in answer.error["text"], answer
    found = []
    body = {"name": "endless", "password": "x", "pem": crt + endless_key()}
    waits = threading.Thread(target=lambda: found.append(admin.post("/certificates/import", body)))
    waits.start()
    # Others are answered meanwhile.
    assert logged_in(running, ROOT, ROOT_PASSWORD).get("/status").status == 200
    waits.join()
    assert (found[0].status, found[0].error["code"]) == (504, "late"), found[0]
    assert {role["name"]: role["pid"] for role in running.status()["roles"]} == roles
    assert written(running.home) == before


def test_rounds_without_end_keep_nobody_waiting(home, folder):
    home.user_add(ROOT, ROOT_PASSWORD, "--admin")
    crt, _ = Authority(folder).issue("endless", "endless.example.org")
    with Server(home) as server:
        endless_try(server, crt.read_text())
