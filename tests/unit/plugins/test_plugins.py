"""Layers that others add: found, checked, combined; a broken one is named."""

from pathlib import Path

import numpy as np
import pytest

from hybridd.config.schema import Settings
from hybridd.errors import ConfigError
from hybridd.model.reading import Abstain
from hybridd.pipeline.brains import brain_of
from hybridd.pipeline.calibration_file import calibration_in_force
from hybridd.plugins import found_layers
from tests.recorded_candles import live, replayed, walk

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"


def made_brain(settings):
    return brain_of(settings, calibration_in_force(""))


def settings(folder, **weights):
    return Settings.model_validate({"analysis": {"plugins_dir": str(folder), "weights": weights}})


def test_the_example_of_the_page_joins_the_brain_and_speaks():
    brain = made_brain(settings(EXAMPLES, weekend=0.5))
    assert brain.names[-1] == "weekend"
    market = replayed("BTC/USDT", walk(2600))
    scores = brain.score_series(market)
    row = scores.values[-1]
    spoke = np.flatnonzero(~np.isnan(row))
    assert len(spoke)
    assert ((row[spoke] >= 0) & (row[spoke] <= 100)).all()
    assert (scores.abstain[-1][:999] == Abstain.WARM_UP).all()
    reading = brain.readings(market, scores, int(spoke[-1]))[-1]
    assert "weekend candles" in reading.reason


def test_the_example_keeps_the_laws_that_its_page_names():
    (layer,) = found_layers(EXAMPLES)
    market = replayed("BTC/USDT", walk(2600))
    whole = layer.evaluate(market).values
    for i in (1500, 2100, 2599):
        np.testing.assert_allclose(layer.evaluate(live(market, i)).values[-1], whole[i], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("LAYER = 5\n", "is not a layer: it has no name"),
        ("x = 1\n", "holds no LAYER"),
        ("import nothing_of_this_name\n", "cannot be loaded: ModuleNotFoundError"),
        ("def LAYER():\n    raise RuntimeError('no')\n", "cannot be loaded: RuntimeError: no"),
        ("this is no python\n", "cannot be loaded: SyntaxError"),
    ],
)
def test_a_file_that_is_no_layer_is_named_in_one_line(tmp_path, text, words):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ConfigError, match=words) as error:
        made_brain(settings(tmp_path))
    assert "mine.py" in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_begin_with_an_underscore_are_left_alone(tmp_path):
    (tmp_path / "_helpers.py").write_text("raise RuntimeError")
    assert found_layers(tmp_path) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="plugins_dir"):
        made_brain(settings(tmp_path / "nowhere"))


def test_two_layers_of_one_name_are_refused(tmp_path):
    (tmp_path / "trend.py").write_text((EXAMPLES / "weekend.py").read_text().replace('"weekend"', '"trend"'))
    with pytest.raises(ConfigError, match="two layers are called trend"):
        made_brain(settings(tmp_path))


def test_an_installed_package_offers_layers_by_entry_point(tmp_path, monkeypatch):
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hybridd.layers]\nweekend = mine_weekend:Weekend\n")
    (tmp_path / "mine_weekend.py").write_text((EXAMPLES / "weekend.py").read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    (layer,) = found_layers(None)
    assert layer.name == "weekend"
