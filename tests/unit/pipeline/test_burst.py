"""Thousands of alerts in one moment: none is lost, none doubled, and memory does not grow with them."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_a_burst_loses_nothing_and_memory_stays_flat():
    # In a process of its own: what other tests have left behind is no part of the figure.
    ran = subprocess.run(
        [sys.executable, "-m", "tests.burst", "1500"], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["lost"], found["doubled"], found["missing"]) == (0, 0, 0)
    assert found["told"] == 2 * found["count"]
    assert found["growth"] < 1.1
