# SPDX-License-Identifier: Apache-2.0
"""System tests: a real Postern, real clients, in a network of our own.

    /usr/bin/python3 -m pytest tests/system        with build/postern, or the binary that POSTERN names
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.fixtures import (ANNA, BERT, DOMAIN, PASSWORDS, POSTERN, ROOT, folder, home, home_copy,  # noqa: E402, F401
                              home_template, pytest_collection_modifyitems, pytest_configure, server, workplace)
