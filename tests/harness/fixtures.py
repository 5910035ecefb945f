# SPDX-License-Identifier: Apache-2.0
"""What pytest's tests share: a network of our own, homes, servers. With build/postern, or the binary that POSTERN names."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .network import mounts_enter, network_enter
from .server import Home, Server

ROOT = Path(__file__).resolve().parents[2]
POSTERN = os.environ.get("POSTERN", str(ROOT / "build" / "postern"))
DOMAIN = "example.org"
PASSWORDS = {f"anna@{DOMAIN}": "anna-secret", f"bert@{DOMAIN}": "bert-secret"}
ANNA, BERT = PASSWORDS


def pytest_configure(config):
    config.no_network = config.no_mounts = None
    try:
        network_enter()
    except OSError as error:
        config.no_network = f"no network namespace of our own here ({error}); run as root"
    try:
        mounts_enter()
    except OSError as error:
        config.no_mounts = f"no mounts of our own here ({error}); run as root"


def pytest_collection_modifyitems(config, items):
    if config.no_network:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=config.no_network))


@pytest.fixture(scope="session")
def workplace():
    """A folder that a server which gave up root can reach, too."""
    path = Path(tempfile.mkdtemp(prefix="postern-system-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def home_template(workplace):
    home = Home(POSTERN, workplace / "template")
    home.init()
    home.command("domain", "add", DOMAIN)
    for address, password in PASSWORDS.items():
        home.user_add(address, password)
    return home


def home_copy(template, path):
    # cp keeps owners, which copytree would not.
    subprocess.run(["cp", "-a", template.path, path], check=True)
    return Home(template.postern, path)


def name_of(request):
    return re.sub(r"\W+", "-", request.node.name)[:60]


@pytest.fixture
def home(home_template, workplace, request):
    """A home with two accounts, for this test alone; no server runs in it."""
    copy = home_copy(home_template, workplace / f"home-{name_of(request)}")
    yield copy
    shutil.rmtree(copy.path, ignore_errors=True)


@pytest.fixture
def server(home):
    """A server with two empty mailboxes, for this test alone."""
    with Server(home) as running:
        yield running


@pytest.fixture
def folder(workplace, request):
    """An empty folder for the files of a client."""
    path = workplace / f"files-{name_of(request)}"
    path.mkdir()
    yield path
    shutil.rmtree(path, ignore_errors=True)
