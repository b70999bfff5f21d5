"""The page that tells the proof: words decided by the rule that the page states, numbers as measured."""

from collections.abc import Iterator, Sequence
from math import isnan

from hybridd.clock import as_datetime
from hybridd.replay.odds import ECE_GOAL, GROUPS
from hybridd.replay.proof import AGAINST, COMBINED, NONE, SKILL, Evidence, Opinion, Proof
from hybridd.replay.walk_forward import LEARN_FIRST

_DAY = 86_400_000
_HEAD = "| | n | IC | 95 % of it | hits | 95 % of them | effective n | Brier | base | ECE | by chance | verdict |"
_LINE = "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|"


def page(proof: Proof, command: str) -> str:
    """The whole page in Markdown; the same proof and command give the same page."""
    return (
        "\n".join([*_opening(proof, command), *_summary(proof), *_method(proof), *_tables(proof), *_odds(proof)]) + "\n"
    )


def _opening(proof: Proof, command: str) -> Iterator[str]:
    context = f"SHA-256 of what is around them `{proof.context}`" if proof.context else "nothing but candles"
    yield "# The proof of the brain"
    yield ""
    yield "This page is made by a command from recorded candles, never by hand:"
    yield ""
    yield f"    {command}"
    yield ""
    yield f"Candles: {', '.join(proof.symbols)}, {proof.timeframe}, {_day(proof.first)} to {_day(proof.last)}, SHA-256"
    yield f"`{proof.fingerprint}`; {context}."
    yield ""


def _summary(proof: Proof) -> Iterator[str]:
    yield "## What was found"
    yield ""
    horizons = sorted({one.horizon for one in proof.opinions})
    yield "| | " + " | ".join(_length(ms) for ms in horizons) + " |"
    yield "|---|" + "---|" * len(horizons)
    for name in dict.fromkeys(one.name for one in proof.opinions):
        row = {one.horizon: one.verdict for one in proof.opinions if one.name == name}
        yield f"| {name} | " + " | ".join(row[ms] for ms in horizons) + " |"
    yield ""
    yield from _sentences(proof)


def _sentences(proof: Proof) -> Iterator[str]:
    combined = [one for one in proof.opinions if one.name == COMBINED]
    layers = [one for one in proof.opinions if one.name != COMBINED]
    skilled = sorted({one.name for one in layers if one.verdict == SKILL})
    other = {one.name for one in layers if one.verdict != NONE}
    dumb = sorted({one.name for one in layers} - other)
    against = sorted({one.name for one in layers if one.verdict.startswith(AGAINST)})
    whole = ", ".join(f"{one.verdict} at {_length(one.horizon)}" for one in combined)
    yield f"* The combined score: {whole}."
    yield f"* Layers with skill at some horizon: {', '.join(skilled) or 'none'}."
    yield f"* Layers that point the wrong way at some horizon, confirmed or not: {', '.join(against) or 'none'}."
    yield f"* Layers that show no skill at any horizon: {', '.join(dumb) or 'none'}."
    e = proof.odds
    if e.judged:
        met = "met" if e.ece <= ECE_GOAL else "not met"
        yield (
            f"* Odds {proof.curve_horizon} candles ahead had a calibration error of {e.ece:.4f} in the final months; "
            f"the goal of {ECE_GOAL} is {met}. Chance alone would give perfect odds about {e.chance:.4f} there."
        )
        better = "better" if e.brier < e.base else "no better"
        yield (
            f"* Their Brier score of {e.brier:.5f} is {better} than that of odds which only know how often price rose "
            f"before ({e.base:.5f})."
        )
    tests = len(proof.opinions)
    yield (
        f"* {tests} opinions were tested: were all of them worthless, about {tests * 0.025:.0f} would have an interval "
        "above zero in a block by chance, and few of those in both blocks."
    )
    yield ""


def _method(proof: Proof) -> Iterator[str]:
    walked = proof.folds[:-1]
    span = f"{_day(walked[0].learned)} to {_day(proof.final)}" if walked else "none"
    weights = {name: w for name, w in proof.thinking.weights.items() if w != 1}
    yield "## How it was measured"
    yield ""
    yield (
        f"* Walked months ({span}, {len(walked)} of them): scales, correlations, gain and pattern records are learned "
        f"from all candles that closed before a month, {LEARN_FIRST // _DAY} days at least, and judge that month."
    )
    yield (
        f"* Final months ({_day(proof.final)} to {_day(proof.last)}): judged once with what was learned before them. "
        "No constant, strata or odds are learned from them."
    )
    yield (
        "* An opinion counts from one horizon after the learning ended (embargo), and odds are learned only from "
        "outcomes that were known before the month that they judge (purge)."
    )
    yield (
        f"* Odds: isotonic regression over {GROUPS} equal groups of scores, drawn to the share of all and that to even "
        "odds by what chance explains. One table for all confidences, unless walked months show, with all of a 95 % "
        f"interval, a lower Brier score of two or three with a calibration error of {ECE_GOAL} at most."
    )
    yield (
        "* IC: Spearman's rank correlation of opinion and move. Its interval, and the effective n of hits, count days "
        "(three horizons where longer) over all markets together as the independent units, since outcomes overlap and "
        "markets move together. Hits carry Wilson's interval."
    )
    yield (
        "* Brier and ECE: of odds made from that opinion alone; ECE over ten bins of equal mass. *base*: the Brier "
        "score of the share of rises so far. *by chance*: the ECE that perfect odds would have there on average."
    )
    yield (
        f'* Rule of the words: the 95 % interval of the IC above zero is "{SKILL}", below zero "wrong way", holding '
        f'zero "{NONE}". The table above tells the walked months: "not confirmed" where the final ones show nothing, '
        '"contradicted" where they show the opposite.'
    )
    if weights:
        yield f"* Weights other than 1: {', '.join(f'{name} {w:g}' for name, w in sorted(weights.items()))}."
    yield ""


def _tables(proof: Proof) -> Iterator[str]:
    for horizon in sorted({one.horizon for one in proof.opinions}):
        rows = [one for one in proof.opinions if one.horizon == horizon]
        yield f"## {_length(horizon)} ahead"
        yield ""
        yield from _table("Walked months", [(one, one.walked) for one in rows])
        yield from _table("Final months", [(one, one.final) for one in rows])


def _table(title: str, rows: Sequence[tuple[Opinion, Evidence]]) -> Iterator[str]:
    yield f"{title}:"
    yield ""
    yield _HEAD
    yield _LINE
    for one, e in rows:
        c = e.correlation
        cells = [one.name, f"{e.n:,}", _signed(c.value), _range(c.interval.low, c.interval.high, signed=True)]
        cells += [_percent(e.hit), _range(e.hits.low * 100, e.hits.high * 100) if e.effective else "–"]
        cells += [f"{e.effective:,.0f}", _digits(e.brier, 5), _digits(e.base, 5), _digits(e.ece, 4)]
        yield "| " + " | ".join([*cells, _digits(e.chance, 4), e.verdict]) + " |"
    yield ""


def _odds(proof: Proof) -> Iterator[str]:
    yield f"## Odds {proof.curve_horizon} candles ahead, final months"
    yield ""
    yield "| odds given | price was higher | analyses |"
    yield "|---:|---:|---:|"
    for one in proof.curve:
        yield f"| {_percent(one.forecast)} | {_percent(one.observed)} | {one.n:,} |"


def _day(ms: int) -> str:
    return as_datetime(ms).strftime("%Y-%m-%d")


def _length(ms: int) -> str:
    return f"{ms // _DAY} d" if ms % _DAY == 0 else f"{ms // 3_600_000} h"


def _signed(value: float) -> str:
    return "–" if isnan(value) else f"{value:+.3f}"


def _percent(share: float) -> str:
    return "–" if isnan(share) else f"{share * 100:.1f} %"


def _digits(value: float, digits: int) -> str:
    return "–" if isnan(value) else f"{value:.{digits}f}"


def _range(low: float, high: float, *, signed: bool = False) -> str:
    if isnan(low) or isnan(high):
        return "–"
    return f"{low:+.3f} to {high:+.3f}" if signed else f"{low:.1f} to {high:.1f}"
