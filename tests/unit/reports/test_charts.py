"""Charts: nothing is lost by thinning, holes stay holes, and words are escaped."""

import re

import numpy as np
import pytest

from hybridd.reports.charts import HEIGHT, Mark, line_chart

TIMES = np.arange(5) * 300_000


def numbers(pattern, text):
    return [float(found) for found in re.findall(pattern, text)]


def levels(svg):
    return re.findall(r'class="axis" x="6"[^>]*>([^<]+)<', svg)


def test_a_hole_breaks_the_line():
    svg = line_chart(TIMES, np.array([1.0, 2.0, np.nan, 2.0, 1.0]), title="x")
    assert svg.count("<polyline") == 2
    assert "nan" not in svg


def test_nothing_to_draw_is_said():
    assert "no data" in line_chart(TIMES[:0], np.array([]), title="x")
    assert "no data" in line_chart(TIMES, np.full(5, np.nan), title="x")


def test_thinning_keeps_a_spike_of_one_candle():
    values = np.full(50_000, 50.0)
    values[31_234] = 100.0
    svg = line_chart(np.arange(50_000) * 300_000, values, title="x", limits=(0.0, 100.0))
    heights = numbers(r"[\d.]+,([\d.]+)", re.search(r'<polygon points="([^"]+)"', svg)[1])
    assert min(heights) == pytest.approx(26.0), "the top of the chart is reached"
    assert len(svg) < 40_000


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (72_039.9, 128_581.0), (0.000012, 0.000019), (-7.3, 3.1)])
def test_levels_are_few_round_numbers_inside(low, high):
    found = [float(text.replace(",", "")) for text in levels(line_chart(TIMES[:2], np.array([low, high]), title="x"))]
    assert 2 <= len(found) <= 7
    assert all(low - 0.06 * (high - low) <= level <= high + 0.06 * (high - low) for level in found)
    assert all(level == float(f"{level:.3g}") for level in found)


def test_a_price_that_never_moves_has_a_chart():
    svg = line_chart(TIMES, np.full(5, 7.0), title="x")
    heights = numbers(r"[\d.]+,([\d.]+)", re.search(r'<polyline points="([^"]+)"', svg)[1])
    assert all(0 < height < HEIGHT for height in heights)


def test_words_are_escaped():
    mark = Mark(at=0, value=1.0, kind='"><b>', title="<script>")
    svg = line_chart(TIMES, np.ones(5), title="a & <b>", marks=(mark,), labels=("<", ">"))
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "a &amp; &lt;b&gt;" in svg
