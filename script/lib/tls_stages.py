# SPDX-License-Identifier: Apache-2.0
"""The stages of script/test-newer-openssl: what another OpenSSL may change, in one tree that gcc built."""
import sys

import stages

stages.TREES = {"build": ("gcc", ["-Dtests=true"], ["unit"])}
# Words in the names of files and cases under tests/system.
SYSTEM = "tls or apply or evidence or cert or acme or clients or scan"

if __name__ == "__main__":
    sys.exit(stages.stages_run({
        "build": stages.stage_build,
        "unit": lambda: stages.meson_suite("build", "unit"),
        "dialog": lambda: stages.dialog("build", files=["tests/dialog/tls"]),
        "truth": stages.stage_truth,
        "system": lambda: stages.stage_system("-k", SYSTEM),
        "lab": stages.stage_lab,
    }))
