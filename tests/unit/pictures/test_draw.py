"""Pictures of a market: drawn by a child, refused in one line."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from hybridd.errors import DataError, UsageError
from hybridd.pictures.draw import Scene, draw
from tests.recorded_candles import walk


def scene(**changes):
    candles = walk(120)
    score = np.linspace(20, 80, 120)
    score[:10] = np.nan
    made = {"layers": {"trend": score, "cycle": np.full(120, np.nan)}, "marks": [(int(candles.open_time[60]), "LONG")]}
    return Scene(title="BTC/USDT 5m", candles=candles, score=score, **{**made, **changes})


def test_an_svg_holds_the_title_the_layers_and_that_it_is_simulated(tmp_path):
    draw(scene(unreal="SIMULATED"), tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    ET.fromstring(text)
    for word in ("SIMULATED", "BTC/USDT 5m", "trend", "cycle", "score"):
        assert f"<!-- {word}" in text or word in text


def test_a_png_is_one_and_two_candles_are_enough(tmp_path):
    candles = walk(2)
    draw(Scene(title="x", candles=candles, score=np.array([50.0, 51.0])), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["a.gif", "a", "nowhere/a.png"])
def test_a_place_that_cannot_be_is_refused_in_one_line(tmp_path, name):
    with pytest.raises(UsageError) as error:
        draw(scene(), tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_child_that_fails_says_why(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match="could not be drawn"):
        draw(scene(), tmp_path / "a.png")


def test_the_drawing_library_never_enters_the_daemon():
    code = "import sys, hybridd.app, hybridd.pictures.draw; print('matplotlib' in sys.modules, 'scipy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == ["False", "False"]
