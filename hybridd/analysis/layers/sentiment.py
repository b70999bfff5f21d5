"""The sentiment layer: against the crowd where it is extreme, with it in between; and who waits in the order book."""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.as_known import UNIFORM, Part, as_known, bent, newest, rank, seen_at, stacked
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.scoring import Raw, leaning, scored, why_not
from hybridd.analysis.windows import lagged, ratio, rolling_mean, rolling_spread
from hybridd.model.candle import FloatArray
from hybridd.model.context import FEAR_GREED, IMBALANCE
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

YEAR = 365
CHANGE, CHANGE_WINDOW = 7, 90
EXTREME = 0.6  # from here on (the outer fifth at either end of a year's values) the crowd begins to count as wrong
AGAINST = 2.0  # what the most extreme value of a year says, in standard deviations
BOOK_MEAN, BOOK_WINDOW = 3, 96

HISTORY: Mapping[str, int] = {FEAR_GREED: YEAR + 1, IMBALANCE: BOOK_MEAN + BOOK_WINDOW}
"""Values that the layer needs of each series."""


class Sentiment:
    """Bullish when Fear & Greed is at a year's low or climbs from the middle, and when bids outweigh asks.

    With u from −1 to 1 the rank of Fear & Greed in its last 365 values and e = (|u| − 0.6)/0.4 within [0, 1], it says
    (1 − e)·(change in 7 values, in standard deviations of the last 90 such changes) − e·sign(u)·2. The order book
    says √3·u of its imbalance (mean of 3) in the last 96. raw = sum of the two over the square root of how many
    answer. M. Baker and J. Wurgler, "Investor sentiment in the stock market", Journal of Economic Perspectives 21
    (2007); R. Cont, A. Kukanov and S. Stoikov, "The price impact of order book events", Journal of Financial
    Econometrics 12 (2014).
    """

    name = "sentiment"
    inputs = frozenset({Input.CANDLES, Input.SENTIMENT, Input.ORDER_BOOK})
    lookback = 1

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - both are in their own spreads already
        return {}

    def raw(self, market: Market) -> Raw:
        return stacked(list(_parts(market).values()))

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        here = seen_at(market, i)
        series = self.evaluate(here)
        code = Abstain(series.abstain[-1])
        if code is Abstain.NO_DATA:
            return "has neither Fear & Greed nor an order book"
        if code is Abstain.WARM_UP:
            return f"needs {HISTORY[FEAR_GREED]} days of Fear & Greed or {HISTORY[IMBALANCE]} looks at the order book"
        if code is Abstain.UNDEFINED:
            return "Fear & Greed did not move, so it has no extremes"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, i + 1)
        parts = _parts(here)
        said = [words for name, words in _words(here).items() if name in parts and not parts[name].abstain[-1]]
        verdict = leaning(float(series.values[-1]), "a mood to buy", "a mood to sell", "no clear mood")
        return f"{', '.join(said)}: {verdict}"


def fear_greed(values: FloatArray) -> FloatArray:
    """What each value of the index says in the light of those before it, shape (n,); NaN for the first 365."""
    place = rank(values, YEAR)
    change = values - lagged(values, CHANGE)
    _, usual = rolling_spread(change, CHANGE_WINDOW)
    wrong = np.clip((np.abs(place) - EXTREME) / (1 - EXTREME), 0.0, 1.0)
    return np.asarray((1 - wrong) * bent(ratio(change, usual)) - wrong * np.sign(place) * AGAINST)


def order_book(imbalance: FloatArray) -> FloatArray:
    """What each look at the book says, shape (n,); NaN for the first 98."""
    return UNIFORM * rank(rolling_mean(imbalance, BOOK_MEAN), BOOK_WINDOW)


def _parts(market: Market) -> dict[str, Part]:
    now, context = market.candles.close_time, market.context
    return {
        FEAR_GREED: as_known(context.get(FEAR_GREED), fear_greed, HISTORY[FEAR_GREED], now),
        IMBALANCE: as_known(context.get(IMBALANCE), order_book, HISTORY[IMBALANCE], now),
    }


def _words(here: Market) -> dict[str, str]:
    mood, book = here.context.get(FEAR_GREED), here.context.get(IMBALANCE)
    said = {}
    if mood is not None and len(mood) > YEAR:
        above = (1 + float(rank(mood.values[-YEAR - 1 :], YEAR)[-1])) / 2
        said[FEAR_GREED] = f"Fear & Greed {newest(mood):.0f}, above {above:.0%} of its last {YEAR} days"
        said[FEAR_GREED] += f", {mood.values[-1] - mood.values[-1 - CHANGE]:+.0f} in {CHANGE} days"
    if book is not None and len(book) >= BOOK_MEAN:
        said[IMBALANCE] = f"order book {float(np.mean(book.values[-BOOK_MEAN:])):+.0%} to the bids"
    return said
