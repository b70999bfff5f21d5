"""The daemon under kill -9: nothing is lost and nothing doubled; and books that do not agree are seen to disagree."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybridd.errors import HybriddError
from hybridd.selftest.chaos import chaos
from hybridd.selftest.lanes import LANES
from hybridd.selftest.points import POINTS, plan

UNASKABLE = {lane.name for lane in LANES if not lane.takes_key and not lane.askable}
ROOT = Path(__file__).resolve().parents[3]


def test_a_few_kills_lose_nothing_and_double_nothing(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "hybridd", "selftest", "chaos", "--kills", str(len(POINTS)), "--seed", "1", "--json"],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr + found.stdout
    report = json.loads(found.stdout)
    assert report["ok"] is True
    assert sum(report["kills"].values()) == len(POINTS)
    assert set(report["kills"]) == {point.name for point in POINTS}
    assert report["alerts"] > 0
    assert list(report["channels"]) == [lane.name for lane in LANES]
    for name, lane in report["channels"].items():
        assert (lane["lost"], lane["doubled"]) == (0, 0), name
        assert lane["planned"] == lane["told"] + lane["let_go"] + lane["unsure"]
        assert lane["copies"] >= lane["told"]
        assert lane["most_repeats"] <= 1
    assert not [name for name, lane in report["channels"].items() if lane["unsure"] and name not in UNASKABLE]
    assert list(tmp_path.iterdir()) == []


def test_channels_that_lose_or_double_are_found_out(tmp_path):
    # Patient: the third of these lives tells something before its point, however busy the machine is.
    report = chaos(tmp_path, kills=4, seed=5, lanes="tests.unit.selftest.lanes_that_lie:THAT_LIE", patience_s=60)
    accounts = {account.lane: account for account in report.books.accounts}
    assert not report.ok
    assert accounts["forgets"].lost > 0
    assert accounts["renames"].doubled > 0
    assert accounts["repeats"].doubled > 0
    assert all(accounts[name].ok for name in [lane.name for lane in LANES])
    assert report.books.findings == ()
    assert report.books.alerts > 0


def test_a_daemon_that_breaks_by_itself_is_told_with_its_last_words(tmp_path):
    with pytest.raises(HybriddError, match=r"ended by itself \(70\): .*no attribute 'NOWHERE'") as error:
        chaos(tmp_path, kills=1, seed=1, lanes="tests.unit.selftest.lanes_that_lie:NOWHERE")
    assert str(tmp_path / "daemon.log") in error.value.remedy


def test_a_last_life_that_finds_nothing_to_send_is_up_before_it_is_asked_to_end(tmp_path):
    """Killed before there is a state, as a single kill is: the last life makes it, works, and ends in order."""
    report = chaos(tmp_path, kills=1, seed=3)
    assert report.books.analyses > 0
    assert report.books.findings == ()
    assert (report.books.alerts, report.ok) == (0, False), "books without an alert prove nothing"


def test_the_same_seed_plans_the_same_kills_and_all_points_get_their_share():
    assert plan(50, 3) == plan(50, 3)
    assert plan(50, 3) != plan(50, 4)
    names = [kill.point.name for kill in plan(len(POINTS) * 7, 3)]
    assert {names.count(point.name) for point in POINTS} == {7}
    assert all(1 <= kill.count <= kill.point.most for kill in plan(500, 3))
