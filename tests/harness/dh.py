# SPDX-License-Identifier: Apache-2.0
"""DH groups for servers of tests: of 1024 bits, which is too small, and the usual ones."""
import base64
import struct

from .authority import openssl

# RFC 2409 section 6.2.
OAKLEY_2 = ("ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
            "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
            "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff")


def der_integer(value):
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    size = bytes((len(content),)) if len(content) < 128 else b"\x82" + struct.pack(">H", len(content))
    return b"\x02" + size + content


def dh_file(folder, bits):
    """A file with the group: 1024 (Oakley group 2), 2048, 4096 (RFC 7919)."""
    path = folder / f"dh{bits}.pem"
    if path.exists():
        return path
    if bits == 1024:
        body = der_integer(int(OAKLEY_2, 16)) + der_integer(2)
        text = base64.encodebytes(b"\x30\x81" + bytes((len(body),)) + body).decode()
        path.write_text(f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n")
    else:
        openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:ffdhe{bits}", "-out", path)
    return path
