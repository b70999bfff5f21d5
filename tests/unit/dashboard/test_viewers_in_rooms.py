"""Whoever may only look: sees every room, finds no button in it, and changes nothing by sending a form all the same."""

from contextlib import closing

import httpx
import pytest

from hybridd.config.schema import Settings
from hybridd.pipeline.overrides import tell
from tests.makers import T0
from tests.unit.dashboard.test_login import HASHES, LOOKER, csrf_of, log_in
from tests.unit.dashboard.web import Web

ROOMS = (
    "/",
    "/proposals",
    "/proposals/1",
    "/proposals/1/approve",
    "/trades",
    "/alerts",
    "/alerts/1",
    "/system",
    "/settings",
)
ACTIONS = (
    "/proposals/1/approve", "/proposals/1/hold", "/proposals/1/reject", "/alerts/1", "/silences", "/silences/1/end",
    "/settings", "/settings/undo",
)  # fmt: skip


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, hashes=HASHES)
    made.house.turn()
    tell(made.house.store, Settings(), T0)
    yield made
    made.close()


def test_a_viewer_sees_everything_and_finds_no_button(web):
    with closing(httpx.Client(base_url=web.url, timeout=20)) as viewer:
        log_in(viewer, LOOKER)
        for path in ROOMS:
            page = viewer.get(path)
            assert page.status_code == 200, path
            main = page.text.partition("<main")[2]
            assert 'method="post"' not in main or path == "/settings", path
            assert 'class="yes"' not in main, path
            assert 'class="button yes" href="../proposals/1/approve"' not in main, path


def test_what_a_viewer_sends_all_the_same_counts_for_nothing(web):
    with closing(httpx.Client(base_url=web.url, timeout=20)) as viewer:
        log_in(viewer, LOOKER)
        csrf = csrf_of(viewer)
        before = {name: rows for name, rows in web.dump().items() if name not in {"sessions", "audit", "bot_state"}}
        for path in ACTIONS:
            answer = viewer.post(path, data={"csrf": csrf, "length": "60", "analysis.long_threshold": "70"})
            assert answer.status_code == 403, path
        assert {name: rows for name, rows in web.dump().items() if name in before} == before
