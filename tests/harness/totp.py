# SPDX-License-Identifier: Apache-2.0
"""Codes of a second factor, as a telephone makes them (RFC 6238)."""
import base64
import hashlib
import hmac
import time

STEP_SECONDS = 30


def step_now():
    return int(time.time()) // STEP_SECONDS


def code_of(secret, step):
    """From the base32 that the server gave."""
    mac = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at:at + 4], 'big') & 0x7fffffff) % 1000000:06}"
