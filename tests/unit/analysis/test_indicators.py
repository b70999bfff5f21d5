"""Indicators against TA-Lib's own and against literal transcriptions, on real candles."""

import numpy as np
import pytest
import talib
from scipy import signal, stats

from hybridd.analysis import indicators as ours
from hybridd.analysis.windows import rolling_mean
from hybridd.model.candle import Candles
from tests.recorded_candles import recorded


@pytest.fixture(scope="module")
def candles() -> Candles:
    """BTC in whole cents: TA-Lib's directional movement and money flow ask whether two sums are equal, and on
    decimals rounding would answer."""
    c = recorded("BTC/USDT")[:20_000]
    return Candles(
        c.step, c.open_time, *(np.rint(getattr(c, k) * 100) for k in ("open", "high", "low", "close")), c.volume
    )


def same(value, expected, first, tolerance):
    assert np.isnan(value[:first]).all()
    assert not np.isnan(value[first:]).any()
    np.testing.assert_allclose(value[first:], expected[first:], rtol=0, atol=tolerance)


def test_rsi_is_talibs(candles):
    same(ours.rsi(candles.close), talib.RSI(candles.close, 14), 384, 1e-8)


def test_atr_is_talibs(candles):
    same(ours.atr(candles), talib.ATR(candles.high, candles.low, candles.close, 14), 384, 1e-6)


def test_adx_is_talibs(candles):
    same(ours.adx(candles), talib.ADX(candles.high, candles.low, candles.close, 14), 767, 1e-8)


def test_macd_histogram_is_talibs(candles):
    same(ours.macd_histogram(candles.close), talib.MACD(candles.close, 12, 26, 9)[2], 510, 1e-6)


@pytest.mark.parametrize("length", [510, 511, 1300])
def test_macd_histogram_of_the_newest_close_alone_is_that_of_all(candles, length):
    close = candles.close[:length]
    alone, among = ours.macd_histogram(close, 1), ours.macd_histogram(close)[-1:]
    assert alone == pytest.approx(among, abs=1e-10 * close[-1], nan_ok=True)
    assert np.isnan(alone).all() == (length < 511)


def test_stochastic_is_talibs(candles):
    slow, average = ours.stochastic(candles)
    expected = talib.STOCH(candles.high, candles.low, candles.close, 14, 3, 0, 3, 0)
    np.testing.assert_allclose(slow[17:], expected[0][17:], rtol=0, atol=1e-9)
    same(average, expected[1], 17, 1e-9)


def test_money_flow_index_is_talibs(candles):
    same(
        ours.money_flow_index(candles),
        talib.MFI(candles.high, candles.low, candles.close, candles.volume, 14),
        14,
        1e-8,
    )


def test_bollinger_bands_are_talibs(candles):
    middle, width, _ = ours.squeeze(candles)
    upper, mean, _ = talib.BBANDS(candles.close, 20, 2, 2)
    same(middle, mean, 19, 1e-6)
    np.testing.assert_allclose((middle + width)[19:], upper[19:], rtol=1e-9)


def test_keltner_channel_is_one_and_a_half_mean_true_ranges(candles):
    expected = 1.5 * talib.SMA(talib.TRANGE(candles.high, candles.low, candles.close)[1:], 20)
    np.testing.assert_allclose(ours.squeeze(candles)[2][20:], expected[19:], rtol=1e-9)


def test_ema_is_an_exponential_filter_less_its_past(candles):
    decay, n, window = 1 - 2 / 201, 200, 1000
    endless = signal.lfilter([1 - decay], [1, -decay], candles.close)
    expected = (endless[window:] - decay**window * endless[:-window]) / (1 - decay**window)
    np.testing.assert_allclose(ours.ema(candles.close, n)[window:], expected, rtol=1e-10)
    exact = talib.EMA(candles.close, n)[2000:]
    assert np.max(np.abs(ours.ema(candles.close, n)[2000:] / exact - 1)) < 1e-5, "a tenth of a basis point at most"


def test_obv_slope_is_the_regression_on_talibs_obv(candles):
    n = 50
    line = talib.OBV(candles.close, candles.volume)
    expected = talib.LINEARREG_SLOPE(line, n) / rolling_mean(candles.volume, n)
    same(ours.obv_slope(candles, n), expected, n, 1e-8)
    for i in (777, 12_345):
        slope = stats.linregress(np.arange(n), line[i + 1 - n : i + 1]).slope
        assert ours.obv_slope(candles, n)[i] == pytest.approx(slope / candles.volume[i + 1 - n : i + 1].mean())


def test_chaikin_money_flow_by_the_book(candles):
    c = candles[5000:5020]
    span = np.where(c.high > c.low, c.high - c.low, 1.0)
    place = np.where(c.high > c.low, ((c.close - c.low) - (c.high - c.close)) / span, 0.0)
    assert ours.money_flow(c, 20)[19] == pytest.approx(np.sum(place * c.volume) / np.sum(c.volume), abs=1e-12)


def test_vwap_distance_by_the_book(candles):
    c = candles[7000:7096]
    typical = (c.high + c.low + c.close) / 3
    mean = np.average(typical, weights=c.volume)
    sigma = np.sqrt(np.average((typical - mean) ** 2, weights=c.volume))
    assert ours.vwap_distance(c, 96)[95] == pytest.approx((c.close[-1] - mean) / sigma, abs=1e-9)


def test_cutlers_rsi_by_the_book(candles):
    step = np.diff(candles.close[300:315])
    up, down = step[step > 0].sum(), -step[step < 0].sum()
    assert ours.cutler_rsi(candles.close[300:315])[14] == pytest.approx(100 * up / (up + down))


@pytest.mark.parametrize(
    "indicator",
    [
        ours.ema20,
        ours.ema50,
        ours.atr,
        lambda c, last=None: ours.rsi(c.close, last),
        lambda c, last=None: ours.cutler_rsi(c.close, last=last),
        ours.adx,
        lambda c, last=None: ours.macd_histogram(c.close, last),
        lambda c, last=None: ours.stochastic(c, last=last)[0],
        lambda c, last=None: ours.stochastic(c, last=last)[1],
        lambda c, last=None: ours.squeeze(c, last=last)[1],
        lambda c, last=None: ours.squeeze(c, last=last)[2],
        lambda c, last=None: ours.money_flow(c, last=last),
        lambda c, last=None: ours.money_flow_index(c, last=last),
        lambda c, last=None: ours.obv_slope(c, last=last),
        lambda c, last=None: ours.vwap_distance(c, last=last),
    ],
)
@pytest.mark.parametrize("last", [1, 7, 80, 300])
def test_the_newest_values_are_those_of_the_whole_history(candles, indicator, last):
    whole = indicator(candles, len(candles))
    for end in (*range(1_000, 20_000, 977), 5, 60, 400):
        np.testing.assert_allclose(
            indicator(candles[:end], min(last, end)), whole[max(0, end - last) : end], rtol=1e-9, atol=1e-7
        )


def test_a_price_that_never_moves_has_no_indicator():
    flat = np.full(1500, 0.1 + 0.2)
    c = Candles(300_000, np.arange(1500) * 300_000, flat, flat, flat, flat, np.full(1500, 2.0))
    for values in (ours.rsi(flat), ours.adx(c), ours.stochastic(c)[1], ours.money_flow_index(c), ours.vwap_distance(c)):
        assert np.isnan(values).all()
    assert np.nanmax(ours.atr(c)) == 0


def test_without_volume_there_is_no_flow(candles):
    c = candles[:300]
    silent = Candles(c.step, c.open_time, c.open, c.high, c.low, c.close, np.zeros(300))
    for values in (
        ours.money_flow(silent),
        ours.money_flow_index(silent),
        ours.vwap_distance(silent),
        ours.obv_slope(silent),
    ):
        assert np.isnan(values).all()
