# SPDX-License-Identifier: Apache-2.0
"""The lab: Postern among mail servers of every kind, in a network of our own.

    /usr/bin/python3 -m pytest tests/lab        with build/postern, or the binary that POSTERN names
"""
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "system")]

from harness.fixtures import (ANNA, BERT, DOMAIN, PASSWORDS, POSTERN, ROOT, folder, home, home_copy,  # noqa: E402, F401
                              home_template, pytest_collection_modifyitems, pytest_configure, server, workplace)
from world import authority, dns, exim, mta_home, mta_server, postfix, sink  # noqa: E402, F401
