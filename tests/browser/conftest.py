"""The pages in Debian's Chromium: `make test-browser`. A browser takes seconds: only where it is asked for."""

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.visit import Visit
from tests.unit.dashboard.web import Web

ROOT = Path(__file__).resolve().parents[2]
collect_ignore_glob = [] if os.environ.get("HYBRIDD_BROWSER") == "1" else ["test_*.py"]


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium")
    assert found, "make test-browser installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path)
    yield made
    made.close()


@pytest.fixture
def visit(chromium, web):
    """Make visits; at their end the console must be empty."""
    made = []

    def begin(**how):
        made.append(Visit(chromium, web, **how))
        return made[-1]

    yield begin
    for one in made:
        one.close()
