"""How good probabilities and forecasts were: Brier score, calibration error, rank correlation, and their intervals."""

from dataclasses import dataclass

import numpy as np

from hybridd.model.candle import BoolArray, FloatArray, IntArray

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: half of a two-sided 95 % interval."""
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether all of it is above 0."""
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether all of it is below 0."""
        return self.high < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """`n` forecasts of about the same probability: their mean, and the share that came true."""

    forecast: float
    observed: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """A rank correlation with its 95 % interval, over `n` pairs."""

    value: float
    interval: Interval
    n: int


def brier_score(forecast: FloatArray, happened: BoolArray) -> float:
    """Mean of (probability − outcome)², 0 is perfect (G. Brier, Monthly Weather Review 78 (1950), p. 1)."""
    return float(np.mean((forecast - happened) ** 2)) if len(forecast) else float("nan")


def reliability(forecast: FloatArray, happened: BoolArray, bins: int = BINS) -> tuple[Bin, ...]:
    """The reliability curve: at most `bins` bins that hold as many forecasts each, equal forecasts never parted.

    Bins of equal mass, since forecasts that stay near 0.5 would share one or two bins of equal width (K. Nguyen and
    B. O'Connor, EMNLP 2015, sec. 3.2; J. Nixon et al., CVPR workshops 2019, "adaptive calibration error").
    """
    if not len(forecast):
        return ()
    edges = np.unique(np.quantile(forecast, np.arange(1, bins) / bins, method="inverted_cdf"))
    which = np.searchsorted(edges, forecast, side="left")
    n = np.bincount(which, minlength=len(edges) + 1)
    said = np.bincount(which, weights=forecast, minlength=len(n))
    true = np.bincount(which, weights=happened.astype(np.float64), minlength=len(n))
    return tuple(
        Bin(forecast=float(said[i] / n[i]), observed=float(true[i] / n[i]), n=int(n[i])) for i in np.flatnonzero(n)
    )


def expected_calibration_error(forecast: FloatArray, happened: BoolArray, bins: int = BINS) -> float:
    """Σ n_b/n·|observed − forecast| over the bins of `reliability` (M. Naeini et al., AAAI 2015, p. 2903)."""
    curve = reliability(forecast, happened, bins)
    total = sum(one.n for one in curve)
    return sum(one.n * abs(one.observed - one.forecast) for one in curve) / total if total else float("nan")


def expected_chance_error(forecast: FloatArray, happened: BoolArray, cluster: IntArray, bins: int = BINS) -> float:
    """The calibration error that chance alone would give perfectly calibrated forecasts, on average; NaN of none.

    E|x| = √(2/π)·σ of a normal error, σ² = p(1 − p)/n with the effective n of each bin of `reliability`.
    """
    if not len(forecast):
        return float("nan")
    edges = np.unique(np.quantile(forecast, np.arange(1, bins) / bins, method="inverted_cdf"))
    which = np.searchsorted(edges, forecast, side="left")
    total = 0.0
    for one in np.unique(which).tolist():
        chosen = which == one
        p = float(np.clip(forecast[chosen].mean(), 0.01, 0.99))
        n = effective_n(happened[chosen], cluster[chosen])
        total += np.count_nonzero(chosen) * float(np.sqrt(2 / np.pi * p * (1 - p) / n))
    return float(total / len(forecast))


def wilson_interval(share: float, n: float) -> Interval:
    """The 95 % interval of a share seen in `n` independent cases (E. Wilson, JASA 22 (1927), p. 209).

    `n` need not be whole; of no case at all it is 0 to 1.
    """
    if not n > 0:
        return Interval(low=0.0, high=1.0)
    z = Z95**2 / n
    middle = (share + z / 2) / (1 + z)
    half = Z95 / (1 + z) * float(np.sqrt(share * (1 - share) / n + z / (4 * n)))
    return Interval(low=max(0.0, middle - half), high=min(1.0, middle + half))


def cluster_error(values: FloatArray, cluster: IntArray) -> float:
    """Standard error of the mean when the values of one `cluster` go together; infinite of fewer than two clusters.

    √(G/(G − 1)·Σ_g(Σ residuals)²)/n (K.-Y. Liang and S. Zeger, Biometrika 73 (1986), p. 13, for a mean).
    """
    which = np.unique(cluster, return_inverse=True)[1]
    return float(np.sqrt(_variance(values, which))) if len(values) and which.max() > 0 else float("inf")


def _variance(values: FloatArray | BoolArray, which: IntArray) -> float:
    """Of the mean, by clusters numbered from 0."""
    sums = np.bincount(which, weights=values - np.mean(values))
    return float(np.sum(sums**2)) / len(values) ** 2 * len(sums) / (len(sums) - 1)


def effective_n(hits: BoolArray, cluster: IntArray) -> float:
    """How many independent cases `hits` are worth, when those of one `cluster` go together: at most len(hits).

    p(1 − p)/V, with V the variance of the share by clusters, as in `cluster_error`. 0 of none; of cases that all agree,
    the number of clusters.
    """
    n = len(hits)
    if n == 0:
        return 0.0
    which = np.unique(cluster, return_inverse=True)[1]
    groups = int(which.max()) + 1
    share = float(np.mean(hits))
    if groups == 1 or share in {0.0, 1.0}:
        return float(groups)
    variance = _variance(hits, which)
    return min(float(n), share * (1 - share) / variance) if variance > 0 else float(n)


def ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1, equal values sharing the mean of theirs, shape (n,)."""
    _, which, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[which], dtype=np.float64)


def information_coefficient(opinion: FloatArray, move: FloatArray, cluster: IntArray) -> Correlation:
    """Spearman's rank correlation of opinion and move (C. Spearman, Am. J. Psychology 15 (1904), p. 72).

    The 95 % interval is by the delta method, clusters being the independent units: a pair's influence is
    x·y − ρ(x² + y²)/2 of its standardised ranks. NaN where one side never moves or fewer than two clusters are there.
    """
    n = len(opinion)
    which = np.unique(cluster, return_inverse=True)[1] if n else np.zeros(0, dtype=np.int64)
    groups = int(which.max()) + 1 if n else 0
    x, y = (_standardised(ranks(side)) for side in (opinion, move))
    value = float(np.mean(x * y)) if n else float("nan")
    if groups < 2 or np.isnan(value):
        return Correlation(value=value, interval=Interval(low=float("nan"), high=float("nan")), n=n)
    influence = x * y - value * (x**2 + y**2) / 2
    sums = np.bincount(which, weights=influence)
    half = Z95 * float(np.sqrt(np.sum(sums**2) * groups / (groups - 1))) / n
    return Correlation(value=value, interval=Interval(low=value - half, high=value + half), n=n)


def _standardised(values: FloatArray) -> FloatArray:
    spread = float(values.std()) if len(values) else 0.0
    return (values - values.mean()) / spread if spread > 0 else np.full(len(values), np.nan)
