"""Recorded context: files become series that are known when they were public."""

import gzip
from datetime import UTC, datetime

import numpy as np
import pytest

from hybridd.clock import as_ms
from hybridd.errors import DataError
from hybridd.model.context import BASIS, FEAR_GREED, FUNDING, OPEN_INTEREST
from hybridd.model.instrument import parse_instrument
from hybridd.replay.recorded_context import implied_yield, read_benchmarks, read_context
from tests.recorded_candles import FOLDER, recorded, recorded_file, walk
from tests.recorded_context import informed_market

SOL = parse_instrument("SOL/USDT")


def ms(text):
    return as_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def write(folder, name, *lines):
    text = "\n".join(lines) + "\n"
    (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


def write_candles(folder, name, candles):
    columns = (candles.open_time, candles.open, candles.high, candles.low, candles.close, candles.volume)
    rows = [",".join(repr(cell) for cell in row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    write(folder, name, "ts,open,high,low,close,volume", *rows)


def test_every_recorded_kind_is_read_with_its_publication():
    context = informed_market("BTC/USDT").context
    assert set(context) == {FUNDING, OPEN_INTEREST, BASIS, FEAR_GREED, "dxy", "vix", "sp500", "gold", "us10y"}
    for series in context.values():
        assert (series.known_at >= series.at).all()
        assert (np.diff(series.known_at) >= 0).all()
        assert series.stale_after > 0
    assert context[FUNDING].known_at[0] - 4 * 60_000 == context[FUNDING].at[0] == ms("2024-12-31")
    assert context[FEAR_GREED].values[-1] == 28.0
    assert context["sp500"].values[-1] == 5221.419921875
    assert context["sp500"].at[-1] < ms("2024-06-01")


def test_no_daily_value_is_known_before_its_day_has_ended():
    context = informed_market("BTC/USDT").context
    for name in ("dxy", "vix", "sp500", "gold", "us10y"):
        series = context[name]
        assert (series.known_at >= series.at + 86_400_000).all()
        friday = (series.at // 86_400_000 + 3) % 7 == 4
        assert (series.known_at[friday] == series.at[friday] + 4 * 86_400_000).all()


def test_fear_and_greed_speaks_of_the_day_before_its_stamp():
    """The rule of publication rests on this: its change goes with yesterday's return and not with today's."""
    recorded_file("BTC/USDT", "1h")
    hours, mood = recorded("BTC/USDT", "1h"), informed_market("BTC/USDT").context[FEAR_GREED]
    days = np.unique(mood.at)
    place = np.searchsorted(hours.close_time, days, side="right") - 1
    change = mood.values[1:] - mood.values[:-1]
    price = np.log(hours.close[place])
    before, after = price[1:] - price[:-1], np.r_[price[2:] - price[1:-1], np.nan]
    good = np.diff(mood.at) == 86_400_000
    assert np.corrcoef(change[good], before[good])[0, 1] > 0.5
    good[-1] = False
    assert abs(np.corrcoef(change[good], after[good])[0, 1]) < 0.1


def test_the_premium_is_the_perpetual_over_spot():
    market = informed_market("BTC/USDT")
    premium = market.context[BASIS]
    assert len(premium) == len(market.candles)
    assert np.array_equal(premium.known_at, market.candles.close_time + market.candles.step)
    assert np.abs(premium.values).max() < 0.02


def test_benchmarks_come_in_the_markets_own_time_frame():
    recorded_file("PAXG/USDT", "1h")
    hourly = read_benchmarks(FOLDER, 3_600_000)
    assert set(hourly) == {"BTC/USDT", "ETH/USDT", "PAXG/USDT"}
    assert {candles.step for candles in hourly.values()} == {3_600_000}


def test_a_longer_time_frame_is_drawn_from_a_shorter_one(tmp_path):
    write_candles(tmp_path, "BTCUSDT_5m.csv", walk(100, start=1_750_003_200_000))
    benchmarks = read_benchmarks(tmp_path, 900_000)
    assert list(benchmarks) == ["BTC/USDT"]
    assert benchmarks["BTC/USDT"].step == 900_000
    assert read_benchmarks(tmp_path, 60_000) == {}


def test_a_folder_with_nothing_of_the_kind_gives_nothing(tmp_path):
    assert read_context(tmp_path, SOL, walk(10)) == {}
    assert read_benchmarks(tmp_path, 300_000) == {}


def test_files_are_found_by_their_names(tmp_path):
    write(tmp_path, "binance_usdm_SOLUSDT_funding8h.csv.gz", "ts,funding_rate", "1000,0.0001", "2000,-0.0002")
    write(tmp_path, "binance_usdm_BTCUSDT_funding8h.csv", "ts,funding_rate", "1000,0.5")
    write(tmp_path, "open_interest_daily.csv", "ts,btc_oi_usd,sol_oi_usd", "1000,5,7")
    write(tmp_path, "macro_VIX_1d.csv", "ts,vix", "0,20", "86400000,", "172800000,nan", "259200000,21")
    context = read_context(tmp_path, SOL, walk(10))
    assert context[FUNDING].values.tolist() == [0.0001, -0.0002]
    assert context[OPEN_INTEREST].values.tolist() == [7.0]
    assert context["vix"].values.tolist() == [20.0, 21.0]
    assert set(context) == {FUNDING, OPEN_INTEREST, "vix"}


def test_rows_out_of_order_are_put_in_order(tmp_path):
    write(tmp_path, "fear_greed.csv", "ts,fng", "172800000,30", "86400000,20")
    assert read_context(tmp_path, SOL, walk(10))[FEAR_GREED].values.tolist() == [20.0, 30.0]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("ts,fng", "1000,20", "2000,high"), "fear_greed.csv, line 3 is no row of numbers: 2000,high"),
        (("ts,fng", "soon,20"), "fear_greed.csv, line 2 is no row of numbers: soon,20"),
        (("ts,mood", "1000,20"), "fear_greed.csv, line 1: there is no column fng"),
        (("day,fng", "1000,20"), "fear_greed.csv, line 1: there is no column ts"),
        (("ts,fng", "1000"), "fear_greed.csv, line 2 is no row of numbers: 1000"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path, lines, told):
    write(tmp_path, "fear_greed.csv", *lines)
    with pytest.raises(DataError) as error:
        read_context(tmp_path, SOL, walk(10))
    assert error.value.message == told
    assert error.value.remedy


def test_a_damaged_archive_and_a_missing_folder_are_told(tmp_path):
    (tmp_path / "fear_greed.csv.gz").write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(DataError, match=r"fear_greed\.csv\.gz is damaged"):
        read_context(tmp_path, SOL, walk(10))
    with pytest.raises(DataError, match="there is no folder"):
        read_benchmarks(tmp_path / "absent", 300_000)


def test_a_note_future_at_par_yields_its_coupon_and_a_dearer_one_less():
    yields = implied_yield(np.array([100.0, 110.0, 90.0]))
    assert yields[0] == pytest.approx(6.0, abs=1e-9)
    assert yields[1] < 6.0 < yields[2]
    half = 1 + yields[1] / 200
    assert sum(3 / half**k for k in range(1, 21)) + 100 / half**20 == pytest.approx(110.0, abs=1e-9)
