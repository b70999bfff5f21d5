"""`hybridd calibrate` and `hybridd proof`, as a person calls them."""

import json
import sys

import numpy as np
import pytest

from hybridd.cli.main import run
from hybridd.config.load import load
from hybridd.market.recorded import read_candles
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from hybridd.pipeline.analyze import LayerAnalyst
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.calibration_file import load_calibration
from hybridd.replay.run import market_of
from tests.unit.replay.markets import trending


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("candles")
    c = trending()
    columns = np.column_stack([c.open_time, c.open, c.high, c.low, c.close, c.volume])
    np.savetxt(path / "BTCUSDT_1h.csv", columns, delimiter=",", fmt=["%d", *["%.10f"] * 5])
    (path / "hybridd.toml").write_text('[monitor]\ntimeframe = "1h"\n[analysis]\nmin_layers = 1\n')
    return path


@pytest.fixture(scope="module")
def learned(folder):
    out = folder / "learned.json"
    arguments = ["calibrate", str(folder / "BTCUSDT_1h.csv"), "--out", str(out)]
    assert run([*arguments, "--config", str(folder / "hybridd.toml")]) == 0
    return out


def settings(folder, **analysis):
    path = folder / "other.toml"
    lines = [f"{name} = {json.dumps(value)}".replace('"trend":', "trend =") for name, value in analysis.items()]
    path.write_text("\n".join(['[monitor]\ntimeframe = "1h"\n[analysis]', *lines]) + "\n")
    return path


def market(folder) -> Market:
    return market_of(parse_instrument("BTC/USDT"), read_candles(folder / "BTCUSDT_1h.csv").candles)


def last_odds(folder, **analysis):
    analyst = analyst_of(load(settings(folder, **analysis), {}))
    assert isinstance(analyst, LayerAnalyst)
    return list(analyst.opinions(market(folder), 0, explain=False))[-1].odds


def test_what_was_learned_is_written_and_used(folder, learned):
    calibration = load_calibration(learned)
    assert calibration.timeframe == "1h"
    assert calibration.odds is not None
    odds = last_odds(folder, calibration=str(learned), min_layers=1)
    assert odds is not None
    assert odds.low <= odds.probability <= odds.high
    assert odds.n >= 200


def test_settings_that_the_odds_were_not_measured_with_get_none(folder, learned):
    assert last_odds(folder, calibration=str(learned), min_layers=2) is None
    assert last_odds(folder, calibration=str(learned), min_layers=1, horizon=24) is None
    assert last_odds(folder, calibration=str(learned), min_layers=1, weights={"trend": 2.0}) is None
    assert last_odds(folder, min_layers=1) is None


def test_a_calibration_that_is_not_there_is_named(folder, capsys):
    path = settings(folder, calibration="/nowhere/calibration.json")
    assert run(["calibrate", str(folder / "BTCUSDT_1h.csv"), "--check", "--config", str(path)]) == 2
    assert "cannot read the calibration /nowhere/calibration.json" in capsys.readouterr().err


def test_the_check_says_whether_the_constants_fit(folder, learned, capsys):
    path = settings(folder, calibration=str(learned), min_layers=1)
    code = run(["calibrate", str(folder / "BTCUSDT_1h.csv"), "--check", "--json", "--config", str(path)])
    found = json.loads(capsys.readouterr().out)
    assert code == (0 if found["fits"] else 1)
    assert found["odds"] == "measured"
    named = {one["name"]: one for one in found["checks"]}
    assert named["trend: median"]["fits"]
    assert named["share of scores beyond 65 or under 35"]["value"] == pytest.approx(0.175, abs=0.01)


def test_every_market_has_to_fit_and_the_farthest_is_named(folder, learned, tmp_path, capsys):
    """One of two markets only ever rises; beside the other it would not be seen in what all have in common."""
    rising = tmp_path / "ETHUSDT_1h.csv"
    written = np.loadtxt(folder / "BTCUSDT_1h.csv", delimiter=",")
    written[:, 1:5] *= np.exp(0.005 * np.arange(len(written)))[:, None]
    np.savetxt(rising, written, delimiter=",", fmt=["%d", *["%.10f"] * 5])
    path = settings(folder, calibration=str(learned), min_layers=1)
    words = ["calibrate", str(folder / "BTCUSDT_1h.csv"), str(rising), "--check", "--json", "--config", str(path)]
    assert run(words) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    shares = {one["market"]: one for one in checks if one["name"].startswith("share of scores")}
    assert shares["BTC/USDT"]["fits"]
    assert not shares["ETH/USDT"]["fits"]
    assert next(one for one in checks if one["name"] == "trend: median")["market"] == "ETH/USDT"


def test_files_of_two_time_frames_are_not_measured_together(folder, learned, tmp_path, capsys):
    other = tmp_path / "ETHUSDT_2h.csv"
    lines = (folder / "BTCUSDT_1h.csv").read_text().splitlines(keepends=True)
    other.write_text("".join(lines[::2]))
    path = settings(folder, calibration=str(learned), min_layers=1)
    assert run(["calibrate", str(folder / "BTCUSDT_1h.csv"), str(other), "--check", "--config", str(path)]) != 0
    assert "candles of 1h, 2h cannot be measured together" in capsys.readouterr().err


def test_constants_of_another_market_do_not_fit(folder, learned, tmp_path, capsys):
    data = json.loads(learned.read_text())
    data["scales"]["trend"] = [9.0, data["scales"]["trend"][1]]
    (tmp_path / "bent.json").write_text(json.dumps(data))
    path = settings(folder, calibration=str(tmp_path / "bent.json"), min_layers=1)
    assert run(["calibrate", str(folder / "BTCUSDT_1h.csv"), "--check", "--config", str(path)]) == 1
    assert "do not fit" in capsys.readouterr().out


def test_the_page_is_written_and_names_its_command(folder, capsys):
    out = folder / "proof.md"
    arguments = ["proof", str(folder / "BTCUSDT_1h.csv"), "--out", str(out), "--config", str(folder / "hybridd.toml")]
    assert run(arguments) == 0
    assert "    hybridd proof BTCUSDT_1h.csv --final 2025-08-01" in out.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--until", "yesterday"], "is not a moment"),
        (["--until", "2025-02-01"], "too few to calibrate on"),
        (["--context", "/nowhere"], "there is no folder /nowhere"),
        (["--out", "/nowhere/calibration.json"], "no such folder"),
    ],
)
def test_a_mistake_gets_one_line(folder, capsys, words, said):
    config = ["--config", str(folder / "hybridd.toml")]
    assert run(["calibrate", str(folder / "BTCUSDT_1h.csv"), *words, *config]) == 2
    assert said in capsys.readouterr().err


def test_a_proof_needs_something_to_learn_from(folder, capsys):
    config = ["--config", str(folder / "hybridd.toml"), "--out", str(folder / "none.md")]
    assert run(["proof", str(folder / "BTCUSDT_1h.csv"), "--final", "2024-01-01", *config]) == 2
    assert "nothing to learn from" in capsys.readouterr().err


def test_without_scipy_one_line_says_how_to_get_it(folder, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    config = ["--config", str(folder / "hybridd.toml")]
    assert run(["calibrate", str(folder / "BTCUSDT_1h.csv"), *config]) == 1
    assert "pip install 'hybridd[calibrate]'" in capsys.readouterr().err
