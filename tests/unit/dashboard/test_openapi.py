"""What /openapi.json promises holds: thousands of questions made from it, sent to a real server."""

import importlib.util
import re
import subprocess
import sys

import pytest

from hybridd.dashboard.api_tokens import Scope
from hybridd.pipeline.booking import book_entry
from tests.makers import T0, trade
from tests.unit.dashboard.test_api import token
from tests.unit.dashboard.test_api_lists import candles, fill

CALLS = 40
"""Questions of each kind to each call; what is found by more is kept as a test of its own."""


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed: make dev")
def test_no_question_made_from_the_document_finds_a_fault(web, tmp_path):
    fill(web, 30)
    candles(web)
    web.house.turn()
    book_entry(web.house.store, trade(), "me", T0)
    given = token(web, *Scope)
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{web.url}/openapi.json",
        "--header", f"Authorization: Bearer {given}", "--checks", "all", "--phases", "examples,coverage,fuzzing",
        "--max-examples", str(CALLS), "--seed", "1", "--workers", "1", "--no-color", "--request-timeout", "20",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=400)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    [made] = re.findall(r"(\d+) generated, (\d+) passed", done.stdout)
    assert int(made[0]) > 500
