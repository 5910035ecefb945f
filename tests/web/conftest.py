# SPDX-License-Identifier: Apache-2.0
"""Tests of the administration page: a real Postern, and Debian's Chromium that shows its page.

    script/test web

What a browser does stands in scenarios/*.mjs; what has to be there for it, and what it must have brought
about, stands here. The packages of npm are those of web/package-lock.json, under build/web-tests.
"""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.path.insert(0, str(TESTS / "system"))

from acme import acme_home, authority  # noqa: E402, F401
from harness.fixtures import (ANNA, DOMAIN, PASSWORDS, POSTERN, ROOT, folder, home, home_copy, server,  # noqa: E402, F401
                              workplace, pytest_collection_modifyitems, pytest_configure)
from harness.server import Home, Server  # noqa: E402
from harness.waiting import SECONDS  # noqa: E402

HERE = Path(__file__).resolve().parent
MODULES = Path(os.environ.get("POSTERN_WEB_MODULES", ROOT / "build" / "web-tests"))
SCENARIO_SECONDS = 5 * SECONDS
ADMIN, AUDITOR = f"admin@{DOMAIN}", f"auditor@{DOMAIN}"
SECRETS = {**PASSWORDS, ADMIN: "admin-secret", AUDITOR: "auditor-secret"}


@pytest.fixture(scope="session")
def home_template(workplace):
    """Two users, an administrator, and an auditor."""
    home = Home(POSTERN, workplace / "template")
    home.init()
    home.command("domain", "add", DOMAIN)
    for address, password in PASSWORDS.items():
        home.user_add(address, password)
    home.user_add(ADMIN, SECRETS[ADMIN], "--role", "administrator")
    home.user_add(AUDITOR, SECRETS[AUDITOR], "--role", "auditor")
    return home


@pytest.fixture(scope="module")
def shared(home_template, workplace):
    """A server for the tests that leave its policy alone."""
    home = home_copy(home_template, workplace / "home-shared")
    with Server(home) as running:
        yield running
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture
def browse(tmp_path):
    """Runs a scenario in a browser of its own; what it says is shown when it fails."""
    def run(scenario, server, **facts):
        facts = {"base": f"https://localhost:{server.ports['HTTPS']}", "ports": server.ports,
                 "home": str(server.home.path), "postern": server.home.postern, "admin": ADMIN,
                 "auditor": AUDITOR, "secrets": SECRETS, "user": ANNA, "files": str(tmp_path),
                 "modules": str(MODULES), "pictures": str(ROOT / "build" / "web-pictures"), **facts}
        done = subprocess.run(["node", HERE / "run.mjs", HERE / "scenarios" / f"{scenario}.mjs", json.dumps(facts)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=SCENARIO_SECONDS, check=False)
        assert done.returncode == 0, f"{scenario}:\n{done.stdout[-8000:]}\n{server.home.log('error')[-3000:]}"
        return done.stdout
    return run
