# SPDX-License-Identifier: Apache-2.0
"""What this machine's OpenSSL, which Python and Postern share, can do."""
import ssl

# Before 3.5 there is no such group.
HYBRID_GROUP = "X25519MLKEM768"
HAS_HYBRID = ssl.OPENSSL_VERSION_INFO >= (3, 5)
# Newer releases count the suites whose proof is of eight bytes as 64 bits strong, below any level that we use.
HAS_CCM_8 = ssl.OPENSSL_VERSION_INFO < (3, 2)
