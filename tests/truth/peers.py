# SPDX-License-Identifier: Apache-2.0
"""The peers that the generated cases use: see hello.py for what a peer is."""

AEAD = ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]
CBC = ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
       "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
       "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"]
DHE = ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
       "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"]
STATIC = ["TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA"]
LOST = ["TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_EXPORT_WITH_RC4_40_MD5"]
ANONYMOUS = ["TLS_DH_anon_WITH_AES_256_GCM_SHA384", "TLS_DH_anon_WITH_AES_128_CBC_SHA256",
             "TLS_DH_anon_WITH_AES_256_CBC_SHA", "TLS_ECDH_anon_WITH_AES_256_CBC_SHA"]
NULL = ["TLS_RSA_WITH_NULL_SHA256", "TLS_RSA_WITH_NULL_SHA", "TLS_ECDHE_RSA_WITH_NULL_SHA"]
SUITES13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
EVERY_SIGNATURE = ["ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha256", "rsa_pkcs1_sha384",
                   "rsa_pkcs1_sha512", "rsa_pkcs1_sha1"]
GROUPS = ["X25519", "P-256", "P-384"]


def old(version, suites=(), **more):
    """A peer whose hello tells only its highest version."""
    peer = {"version": version, "suites": list(suites or CBC), "groups": ["P-256", "P-384"]}
    if version == "TLSv1.2":
        peer = {"version": version, "suites": list(suites or AEAD + CBC), "groups": GROUPS,
                "signatures": EVERY_SIGNATURE}
    return {**peer, **more}


def new(versions=("TLSv1.3", "TLSv1.2"), suites=(), group="X25519", **more):
    """A peer with supported_versions and a key share."""
    return {"version": "TLSv1.2", "versions": list(versions), "suites": list(suites or SUITES13 + AEAD),
            "groups": GROUPS, "shares": [group], "signatures": EVERY_SIGNATURE, **more}


def only(suite, version="TLSv1.2", **more):
    return old(version, [suite], **more)


def group13(name, **more):
    return new(["TLSv1.3"], SUITES13, name, **{"groups": [name], **more})


PEERS = {
    # What versions a peer can.
    "at most SSLv3": {"version": "SSLv3", "suites": CBC[4:] + LOST},
    "at most TLSv1": old("TLSv1"),
    "at most TLSv1.1": old("TLSv1.1"),
    "at most TLSv1.2": old("TLSv1.2"),
    "TLSv1.3 only": new(["TLSv1.3"], SUITES13),
    "today's": new(),
    "lists all four": new(["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"], SUITES13 + AEAD + CBC),
    "lists TLSv1 and TLSv1.1": new(["TLSv1.1", "TLSv1"], CBC),
    # One kind of suite.
    "DHE only": old("TLSv1.2", DHE),
    "DHE only, TLSv1": old("TLSv1", DHE[2:]),
    "ECDHE only": old("TLSv1.2", AEAD),
    "ECDHE only, TLSv1": old("TLSv1", CBC[:2]),
    "static RSA only": old("TLSv1.2", STATIC),
    "static RSA only, TLSv1": old("TLSv1", CBC[4:]),
    "ECDHE and DHE": old("TLSv1.2", AEAD[:4] + DHE),
    "DHE before ECDHE": old("TLSv1.2", DHE + AEAD[:4]),
    "CBC only": old("TLSv1.2", CBC),
    "AES-256 of ECDHE-RSA, CBC-SHA384": only("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    "ChaCha20 only": old("TLSv1.2", AEAD[4:]),
    "AES-128-GCM only": old("TLSv1.2", AEAD[:2]),
    "AES-256-GCM only": old("TLSv1.2", AEAD[2:4]),
    "CCM only": only("TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
    "Camellia only": only("TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"),
    "ARIA only": only("TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"),
    "RC4, 3DES and export": old("TLSv1.2", LOST),
    "RC4, 3DES and export, TLSv1": old("TLSv1", LOST),
    "a pre-shared key": only("TLS_PSK_WITH_AES_128_GCM_SHA256"),
    "anonymous": old("TLSv1.2", ANONYMOUS),
    "anonymous, TLSv1": old("TLSv1", ANONYMOUS[2:]),
    "anonymous first, then CBC": old("TLSv1.1", ANONYMOUS[2:] + CBC),
    "NULL encryption": old("TLSv1.2", NULL),
    "NULL encryption, TLSv1": old("TLSv1", NULL[1:]),
    # TLS 1.3 suites.
    "TLS_AES_128_GCM_SHA256 only": new(["TLSv1.3"], SUITES13[:1]),
    "TLS_AES_256_GCM_SHA384 only": new(["TLSv1.3"], SUITES13[1:2]),
    "TLS_CHACHA20_POLY1305_SHA256 only": new(["TLSv1.3"], SUITES13[2:]),
    "TLS_AES_128_CCM_SHA256 only": new(["TLSv1.3"], ["TLS_AES_128_CCM_SHA256"]),
    "TLS 1.3, ChaCha20 first": new(["TLSv1.3"], SUITES13[::-1]),
    # Groups.
    **{f"TLS 1.3 with {name}": group13(name) for name in
       ("X25519", "P-256", "P-384", "P-521", "X448", "ffdhe2048", "ffdhe3072", "ffdhe4096")},
    "TLS 1.3 with ffdhe2048, X25519 without a share": group13("ffdhe2048", groups=["ffdhe2048", "X25519"]),
    "TLS 1.3 with brainpool's share, P-256 without one":
        new(["TLSv1.3"], SUITES13, groups=["P-521", "P-256"], shares=[]),
    "TLS 1.3 with secp256k1": new(["TLSv1.3"], SUITES13, groups=["secp256k1"], shares=[]),
    "P-384 before P-256": old("TLSv1.2", AEAD, groups=["P-384", "P-256"]),
    "X25519 alone, ECDHE-RSA": old("TLSv1.2", ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"], groups=["X25519"]),
    "X25519 alone, ECDHE-ECDSA": old("TLSv1.2", ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"], groups=["X25519"]),
    "secp256k1 alone": old("TLSv1.2", AEAD, groups=["secp256k1"]),
    "secp256k1 alone, with static RSA": old("TLSv1.2", AEAD + STATIC, groups=["secp256k1"]),
    # Signatures.
    "RSA signatures only": old("TLSv1.2", AEAD, signatures=["rsa_pss_rsae_sha256", "rsa_pkcs1_sha256"]),
    "ECDSA signatures only": old("TLSv1.2", AEAD, signatures=["ecdsa_secp256r1_sha256"]),
    "SHA-1 signatures only": old("TLSv1.2", AEAD + DHE, signatures=["rsa_pkcs1_sha1", "ecdsa_sha1"]),
    "SHA-1 and MD5 signatures before SHA-256": old(
        "TLSv1.2", signatures=["rsa_pkcs1_md5", "rsa_pkcs1_sha1", "ecdsa_sha1", "rsa_pkcs1_sha256"]),
    "SHA-1 signatures only, TLSv1.1": old("TLSv1.1", signatures=["rsa_pkcs1_sha1"]),
    # What means nothing.
    "today's, with GREASE": new(["GREASE", "TLSv1.3", "TLSv1.2"], ["GREASE"] + SUITES13 + AEAD, "X25519",
                                groups=["GREASE"] + GROUPS, shares=["GREASE", "X25519"],
                                signatures=["GREASE"] + EVERY_SIGNATURE),
    "lists GREASE and TLSv1.1": new(["GREASE", "TLSv1.1"], ["GREASE"] + CBC),
    "a version of the future, unlisted": old("TLSv1.2", legacy=0x0305),
    # The form of SSL 2.0, in which peers of the 1990s begin.
    **{f"{name} in SSL 2.0's form": {"format": "SSLv2", "version": name,
                                     "suites": AEAD + CBC if name == "TLSv1.2" else CBC}
       for name in ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")},
    "SSL 2.0": {"format": "SSLv2", "version": "SSLv2", "suites": CBC},
    # Signals.
    "fell back to TLSv1": old("TLSv1", fallback=True),
    "fell back to TLSv1.1": old("TLSv1.1", fallback=True),
    "fell back to TLSv1.2": old("TLSv1.2", fallback=True),
    "fallback signal in a full hello": new(fallback=True),
    "secure renegotiation by signal": old("TLSv1.2", renegotiation="signal"),
    "secure renegotiation by signal, TLSv1": old("TLSv1", renegotiation="signal"),
    "no secure renegotiation": old("TLSv1.2", renegotiation="none"),
    "asks for an unknown name": new(name="nobody.example"),
    "asks for an unknown name, TLSv1": old("TLSv1", name="nobody.example"),
    "asks for localhost": new(name="localhost"),
}
