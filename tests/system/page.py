# SPDX-License-Identifier: Apache-2.0
"""What tests of the page's API share: a server for the tests of a file, and its administrator, logged in.

A file that wants other settings than a new home has gives them in a fixture of its own, `api_settings`.
"""
import shutil

import pytest

from harness.api import logged_in
from harness.fixtures import DOMAIN, home_copy
from harness.server import Server

ROOT, ROOT_PASSWORD = f"root@{DOMAIN}", "the administrator's"


@pytest.fixture(scope="module")
def api_settings():
    return {}


@pytest.fixture(scope="module")
def api_home(home_template, workplace, request, api_settings):
    home = home_copy(home_template, workplace / f"home-{request.module.__name__}")
    home.user_add(ROOT, ROOT_PASSWORD, "--admin")
    home.configure(**api_settings)
    yield home
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(scope="module")
def served(api_home):
    with Server(api_home) as server:
        yield server


@pytest.fixture
def admin(served):
    return logged_in(served, ROOT, ROOT_PASSWORD)
