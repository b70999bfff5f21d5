"""Thousands of alerts in one moment: none is lost, none doubled, memory does not grow with them, and nobody drowns.

`make bench` does the same with ten thousand.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments):
    # In a process of its own: what other tests have left behind is no part of the figure.
    command = [sys.executable, "-m", "tests.burst", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_burst_loses_nothing_and_memory_stays_flat():
    found = run("1500")
    assert (found["lost"], found["doubled"], found["missing"]) == (0, 0, 0)
    assert found["told"] == 2 * found["count"]
    assert found["growth"] < 1.1


def test_a_burst_becomes_some_messages_and_one_digest_for_each_address():
    found = run("600", "restrained")
    assert found["digests"] == {"email": 1, "push": 1, "sms": 1}
    assert found["messages"] == {"email": 13, "push": 13, "sms": 13}, "twelve critical ones and the digest"
    assert found["segments"] <= found["budget"]
    assert (found["untold"], found["missing"]) == (0, 0)
    assert found["growth"] < 1.2


def test_a_burst_costs_no_more_than_the_day_may_cost():
    found = run("200", "unhurried")
    assert found["messages"]["email"] >= 200
    assert found["segments"] == found["messages"]["sms"] == found["budget"]
    assert (found["untold"], found["missing"]) == (0, 0)
