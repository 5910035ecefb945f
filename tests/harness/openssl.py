# SPDX-License-Identifier: Apache-2.0
"""What this machine's OpenSSL, which Python and Postern share, can do."""
import ssl

# Before 3.5 there is no such group.
HYBRID_GROUP = "X25519MLKEM768"
HAS_HYBRID = ssl.OPENSSL_VERSION_INFO >= (3, 5)
