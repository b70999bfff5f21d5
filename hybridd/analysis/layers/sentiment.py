"""The sentiment layer: against the crowd where it is extreme, with it in between; and who waits in the order book."""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.as_known import UNIFORM, bent, rank, share_below
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.context_layer import ContextFormula, ContextLayer, Parts, Source
from hybridd.analysis.recall import recalled
from hybridd.analysis.spreads import rolling_spread
from hybridd.analysis.view import View
from hybridd.analysis.windows import lagged, newest, ratio, rolling_mean
from hybridd.model.candle import FloatArray
from hybridd.model.context import FEAR_GREED, IMBALANCE
from hybridd.model.reading import Abstain, Input

YEAR = 365
CHANGE, CHANGE_WINDOW = 7, 90
EXTREME = 0.6  # from here on (the outer fifth at either end of a year's values) the crowd begins to count as wrong
AGAINST = 2.0  # what the most extreme value of a year says, in standard deviations
BOOK_MEAN, BOOK_WINDOW = 3, 96

HISTORY: Mapping[str, int] = {FEAR_GREED: YEAR + 1, IMBALANCE: BOOK_MEAN + BOOK_WINDOW}
"""Values that the layer needs of each series."""


def sentiment_layer(calibration: Calibration) -> ContextLayer:
    """Bullish when Fear & Greed is at a year's low or climbs from the middle, and when bids outweigh asks.

    With u from −1 to 1 the rank of Fear & Greed in its last 365 values and e = (|u| − 0.6)/0.4 within [0, 1], it says
    (1 − e)·(change in 7 values, in standard deviations of the last 90 such changes) − e·sign(u)·2. The order book
    says √3·u of its imbalance (mean of 3) in the last 96. raw = sum of the two over the square root of how many
    answer. M. Baker and J. Wurgler, "Investor sentiment in the stock market", Journal of Economic Perspectives 21
    (2007); R. Cont, A. Kukanov and S. Stoikov, "The price impact of order book events", Journal of Financial
    Econometrics 12 (2014).
    """
    return ContextLayer(_FORMULA, calibration)


def fear_greed(values: FloatArray, last: int | None = None) -> FloatArray:
    """What each value of the index says in the light of those before it, shape (n,); NaN for the first 365."""
    last = len(values) if last is None else last
    place = rank(values, YEAR, last)
    change = values - lagged(values, CHANGE)
    _, usual = rolling_spread(change, CHANGE_WINDOW, last)
    wrong = np.clip((np.abs(place) - EXTREME) / (1 - EXTREME), 0.0, 1.0)
    return np.asarray((1 - wrong) * bent(ratio(newest(change, last), usual)) - wrong * np.sign(place) * AGAINST)


def order_book(imbalance: FloatArray, last: int | None = None) -> FloatArray:
    """What each look at the book says, shape (n,); NaN for the first 98."""
    last = len(imbalance) if last is None else last
    mean = rolling_mean(imbalance, BOOK_MEAN, min(len(imbalance), last + BOOK_WINDOW))
    return UNIFORM * rank(mean, BOOK_WINDOW, last)


def _words(view: View, parts: Parts) -> list[str]:
    known = {name: view.market.context[name].values_by(view.candles.last_close) for name in parts}
    said = []
    if FEAR_GREED in known:
        mood = known[FEAR_GREED]
        above = recalled(share_below, mood[-YEAR - 1 :])
        said.append(f"Fear & Greed {mood[-1]:.0f}, above {above:.0%} of its last {YEAR} days")
        said.append(f"{mood[-1] - mood[-1 - CHANGE]:+.0f} in {CHANGE} days")
    if IMBALANCE in known:
        said.append(f"order book {float(np.mean(known[IMBALANCE][-BOOK_MEAN:])):+.0%} to the bids")
    return said


_FORMULA = ContextFormula(
    name="sentiment",
    inputs=frozenset({Input.CANDLES, Input.SENTIMENT, Input.ORDER_BOOK}),
    sources={
        FEAR_GREED: Source(fear_greed, HISTORY[FEAR_GREED]),
        IMBALANCE: Source(order_book, HISTORY[IMBALANCE]),
    },
    silence={
        Abstain.NO_DATA: "has neither Fear & Greed nor an order book",
        Abstain.WARM_UP: f"needs {HISTORY[FEAR_GREED]} days of Fear & Greed or {HISTORY[IMBALANCE]} looks at the order "
        "book",
        Abstain.UNDEFINED: "Fear & Greed did not move, so it has no extremes",
    },
    words=_words,
    verdicts=("a mood to buy", "a mood to sell", "no clear mood"),
)
