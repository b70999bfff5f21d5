"""The chart of an alert: drawn by a child in a moment, small enough for a mail, and never by the daemon itself."""

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hybridd.errors import DataError
from hybridd.pictures.alert_chart import AlertChart, Mark, draw_alert
from tests.makers import STEP, T0
from tests.recorded_candles import walk

THIS, FALL = (0xFF, 0xC2, 0x47), (0xE4, 0x64, 0x7A)
PATIENT = 60.0


def chart(n=100, **changes) -> AlertChart:
    candles = walk(n)
    rows = zip(
        *(c.tolist() for c in (candles.open_time, candles.open, candles.high, candles.low, candles.close)), strict=True
    )
    made = AlertChart(
        title="BTC/USDT 5m",
        foot="22 Nov 2026, times in CET",
        step=STEP,
        candles=tuple(rows),
        scores=tuple((int(t), 50 + i % 40) for i, t in enumerate(candles.close_time)),
        thresholds=(35.0, 65.0),
        prices=((float(candles.close.mean()), "45,250.00"),),
        times=((int(candles.open_time[n // 2]), "03:00"),),
        price_label="45,250.00",
        score_label="78",
        marks=(Mark(at=candles.last_close, kind="LONG", this=True),),
        unreal="",
    )
    return replace(made, **changes)


def seen(made: AlertChart) -> Image.Image:
    return Image.open(io.BytesIO(draw_alert(made, PATIENT)))


def has(image: Image.Image, colour, box=None) -> bool:
    pixels = np.asarray(image.convert("RGB").crop(box) if box else image.convert("RGB")).astype(int)
    return bool((np.abs(pixels - colour).max(axis=2) < 24).any())


def test_it_is_large_enough_for_a_sharp_screen_and_small_enough_for_a_mail():
    png = draw_alert(chart(), PATIENT)
    assert png.startswith(b"\x89PNG")
    assert len(png) < 60_000
    assert Image.open(io.BytesIO(png)).width == 1120


def test_the_same_chart_is_the_same_picture():
    assert draw_alert(chart(), PATIENT) == draw_alert(chart(), PATIENT)


def test_this_alert_is_marked_and_an_earlier_one_in_the_colour_of_its_signal():
    made = chart()
    first = made.candles[20][0] + STEP
    assert not has(seen(replace(made, marks=())), THIS, (0, 100, 1120, 800))
    assert has(seen(made), THIS, (900, 100, 960, 800))
    rising = tuple((t, low, high, low, high) for t, _, high, low, _ in made.candles)
    quiet = replace(made, candles=rising, marks=())
    sold = replace(quiet, marks=(Mark(at=first, kind="SHORT", this=False),))
    assert not has(seen(quiet), FALL, (0, 100, 955, 560))
    assert has(seen(sold), FALL, (0, 100, 955, 560))


def test_what_is_no_market_of_now_is_written_across_it():
    drawn = {draw_alert(chart(unreal=mark), PATIENT) for mark in ("", "SIMULATED", "RECORDED")}
    assert len(drawn) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 2},
        {"scores": ()},
        {"scores": ((T0, 50.0),)},
        {"prices": (), "times": ()},
        {"title": "A" * 300, "price_label": "0.0000000012345", "score_label": "unknown"},
        {"candles": tuple((T0 + i * STEP, 1.0, 1.0, 1.0, 1.0) for i in range(3))},
        {"candles": ((T0, 1e-9, 2e-9, 1e-9, 2e-9), (T0 + 90 * STEP, 2e-9, 2e-9, 1e-9, 1e-9))},
        {"marks": (Mark(at=1, kind="SHORT", this=False),)},
    ],
)
def test_odd_markets_are_drawn_too(changes):
    assert seen(chart(**changes)).size == seen(chart()).size


def test_a_child_that_takes_too_long_is_ended_with_one_line():
    with pytest.raises(DataError, match=r"took over 0\.01 s"):
        draw_alert(chart(), timeout=0.01)


def test_what_cannot_be_drawn_is_one_line():
    with pytest.raises(DataError) as error:
        draw_alert(chart(candles=()), PATIENT)
    assert "\n" not in str(error.value)


def test_the_child_is_told_no_secret(monkeypatch):
    monkeypatch.setenv("HYBRIDD_EMAIL__PASSWORD", "hunter2")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    given = {}

    def run(command, **options):
        given.update(options["env"])
        return subprocess.CompletedProcess(command, 0, b"png", b"")

    monkeypatch.setattr("hybridd.pictures.children.subprocess.run", run)
    assert draw_alert(chart()) == b"png"
    assert "PATH" in given
    assert not {"HYBRIDD_EMAIL__PASSWORD", "NOTIFY_SOCKET"} & set(given)


def test_the_drawing_library_never_enters_the_daemon():
    code = "import sys, hybridd.app, hybridd.pipeline.charts; print('PIL' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "False"
