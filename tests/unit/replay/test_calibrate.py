"""Learning the constants, and what ships."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from hybridd.analysis.calibration import calibration_from_json
from hybridd.analysis.registry import LAYERS
from hybridd.clock import as_ms
from hybridd.errors import DataError
from hybridd.replay.calibrate import as_text, fingerprint, learn, main, robust_scale
from hybridd.replay.pattern_records import pattern_records
from hybridd.replay.shipped import calibration_from_text, load_calibration, load_shipped
from tests.recorded_candles import SYMBOLS, recorded, replayed, walk

END = as_ms(datetime(2025, 10, 1, tzinfo=UTC))


def market(symbol, n=6000, seed=1):
    return symbol, replayed(symbol, walk(n, seed))


def test_the_same_candles_teach_the_same():
    markets = [market("BTC/USDT", seed=1), market("ETH/USDT", seed=2)]
    one, two = learn(markets), learn(markets)
    assert as_text(one) == as_text(two)
    assert one.candles == 12_000
    assert set(LAYERS) <= set(one.scales)
    assert len(one.correlation) == len(LAYERS) * (len(LAYERS) - 1) // 2


def test_what_is_learned_survives_being_written():
    learned = learn([market("BTC/USDT")])
    assert calibration_from_json(json.loads(as_text(learned))) == learned


def test_the_shipped_constants_are_those_of_the_named_candles():
    shipped = load_shipped()
    markets = [(symbol, replayed(symbol, recorded(symbol).closed_by(END))) for symbol in SYMBOLS]
    assert shipped.symbols == SYMBOLS
    assert shipped.last == END
    assert shipped.candles == sum(len(m.candles) for _, m in markets)
    assert shipped.fingerprint == fingerprint(markets)


def test_one_changed_number_is_another_fingerprint():
    one, other = market("BTC/USDT"), market("BTC/USDT")
    assert fingerprint([one]) == fingerprint([other])
    other[1].candles.volume[17] += 1e-9
    assert fingerprint([one]) != fingerprint([other])


def test_a_robust_scale_forgets_outliers():
    values = np.random.default_rng(1).normal(3, 2, 50_000)
    values[::100] = 1e6
    scale = robust_scale("x", np.r_[values, np.nan])
    assert scale.centre == pytest.approx(3, abs=0.1)
    assert scale.spread == pytest.approx(2, abs=0.1)
    with pytest.raises(DataError, match="never moves"):
        robust_scale("x", np.zeros(10))


def test_on_noise_few_patterns_have_a_record_worth_the_name():
    records = pattern_records([walk(30_000, seed) for seed in (1, 2)])
    assert len(records) > 30
    assert all(record.n >= 100 for record in records)
    assert np.mean([abs(record.t) > 2 for record in records]) < 0.15


@pytest.mark.parametrize(
    ("markets", "said"),
    [
        ([], "no candles"),
        ([market("BTC/USDT", 400)], "too few"),
        ([market("BTC/USDT"), ("ETH/USDT", replayed("ETH/USDT", walk(6000, step=900_000)))], "5m, 15m"),
    ],
)
def test_what_cannot_teach_is_refused(markets, said):
    with pytest.raises(DataError, match=said):
        learn(markets)


def test_the_command_reads_files_up_to_an_end(tmp_path, capsys):
    c = walk(7000)
    columns = np.column_stack([c.open_time, c.open, c.high, c.low, c.close, c.volume])
    path = tmp_path / "BTCUSDT_5m.csv"
    np.savetxt(path, columns, delimiter=",", fmt=["%d", *["%.10f"] * 5])
    end = datetime.fromtimestamp(int(c.close_time[5999]) / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
    assert main([end, str(path)]) == 0
    written = tmp_path / "calibration.json"
    written.write_text(capsys.readouterr().out)
    assert load_calibration(written).candles == 6000
    assert main(["yesterday", str(path)]) == 2
    assert main([]) == 2
    assert main([end, str(tmp_path / "none.csv")]) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "format None"),
        ('{"format": 1}', "KeyError 'version'"),
    ],
)
def test_a_broken_file_is_named(text, said):
    with pytest.raises(DataError, match=said):
        calibration_from_text(text, "here")


@pytest.mark.parametrize(
    ("key", "value"),
    [("scales", {"trend": [0, 0]}), ("scales", {"trend": [1]}), ("gain", 0), ("candles", "many"), ("patterns", [[1]])],
)
def test_a_number_that_cannot_be_is_refused(key, value):
    data = {**load_shipped().to_json(), key: value}
    with pytest.raises(DataError, match="cannot be read"):
        calibration_from_json(data)


def test_a_missing_scale_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(DataError, match='no scale for "mine"'):
        load_shipped().scale("mine")
    with pytest.raises(DataError, match="cannot read"):
        load_calibration(tmp_path / "none.json")
