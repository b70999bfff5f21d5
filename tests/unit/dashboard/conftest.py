"""The web, started and ended."""

import pytest

from tests.unit.dashboard.web import Web


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path)
    yield made
    made.close()
