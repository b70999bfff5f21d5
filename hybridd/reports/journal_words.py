"""The decision journal in words: what your yes, your no and your waiting were worth."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from hybridd.model.outcome import Standing
from hybridd.reports.chance import Sum, Verdict
from hybridd.reports.document import Block, Figures, Grid, Section, Words
from hybridd.reports.journal import VETOED, Case, Fate
from hybridd.reports.journal_sums import Group, Journal, Refused, Spoken
from hybridd.reports.plots import course, outcomes
from hybridd.reports.words import NONE, counted, foremost, listed, moment, risks, span

SHOWN = 15
"""Proposals in the table, and voices in that of the layers; the JSON has all of them."""
VOICES = 8
TRUST = {
    Verdict.NOTHING: "",
    Verdict.FEW: "too few cases to tell skill from luck",
    Verdict.CHANCE: "which cannot be told from luck",
    Verdict.GAIN: "more than luck explains",
    Verdict.LOSS: "worse than luck explains",
}
FATES = {
    Fate.TAKEN: "taken",
    Fate.UNRECORDED: "approved, no entry recorded",
    Fate.REJECTED: "rejected",
    Fate.HELD: "held",
    Fate.EXPIRED: "not answered",
    Fate.SUPERSEDED: "overtaken by newer news",
    Fate.OPEN: "waiting for your answer",
}
SHORT = {
    **{fate: fate.value for fate in Fate},
    Fate.UNRECORDED: "approved",
    Fate.EXPIRED: "no answer",
    Fate.SUPERSEDED: "overtaken",
}
HEAVY_FEES = 0.3
"""Of R, a trade: beyond it the stop is so near that the fees decide."""


def section(found: Journal, zone: tzinfo) -> Section:
    """The journal as a part of a report; an empty one says so."""
    return Section(title="Your decisions", blocks=tuple(_blocks(found, zone)))


def _blocks(found: Journal, zone: tzinfo) -> Iterator[Block]:
    if not found.cases:
        yield Words(text="Nothing was proposed in this period, so there was nothing to decide.")
        return
    yield Words(text=_summary(found))
    yield from _heart(found)
    if len(found.cases) > 1:
        yield from (drawing for drawing in (course(found.cases), outcomes(found.cases)) if drawing)
    yield from _sentences(found)
    yield from _tables(found)
    yield _list(found.cases, zone)
    yield Words(
        text="R is the distance from entry to stop: +1 R earned once what the stop would have cost. What the rules "
        "would have made is walked through the candles that followed: entry at the price proposed, stop and targets as "
        "proposed, both fees; where a candle met both, the stop. Only finished cases are summed up.",
        tone="quiet",
    )


def _summary(found: Journal) -> str:
    parts = [f"{n} {FATES[Fate(name)]}" for name, n in found.fates.items() if n]
    unfinished = f" {_left(found.unfinished)}" if found.unfinished else ""
    return f"{counted(len(found.cases), 'proposal').capitalize()}: {listed(parts)}.{unfinished}"


def _left(n: int) -> str:
    return "The outcome of one is still open." if n == 1 else f"The outcomes of {n} are still open."


def _heart(found: Journal) -> Iterator[Block]:
    if not found.added.n:
        yield Words(text="No decision has a final outcome yet: the sums come when stop or target has been met.")
        return
    yield Figures(
        items=(
            ("You made", risks(found.made.total), _of(found.made.n, "trade")),
            ("The rules alone", risks(found.rules.total), _of(found.rules.n, "proposal")),
            ("Your judgement", risks(found.added.total), _range(found.added)),
        )
    )
    yield Words(text=_judgement(found.added), tone="strong")


def _of(n: int, what: str) -> str:
    return f"of {counted(n, what)}"


def _range(total: Sum) -> str:
    if total.interval is None:
        return f"n = {total.n}"
    return f"95 %: {risks(total.interval.low)} to {risks(total.interval.high)}"


def _judgement(added: Sum) -> str:
    if added.verdict is Verdict.GAIN:
        return f"Your decisions beat taking everything by {risks(added.total)}, {TRUST[Verdict.GAIN]}."
    if added.verdict is Verdict.LOSS:
        return f"Taking everything by the rules would have made {risks(-added.total)} more; that is no chance."
    better = "beat" if added.total >= 0 else "trail"
    return f"Your decisions {better} taking everything by {_size(added.total)}: {_trust(added)}."


def _size(value: float) -> str:
    return f"{abs(value):.2f} R"


def _trust(total: Sum) -> str:
    words = TRUST[total.verdict]
    return f"{words} (n = {total.n})" if words else f"n = {total.n}"


def _sentences(found: Journal) -> Iterator[Block]:
    if found.choice.n and found.choice.other_n:
        yield Words(text=f"Your choice: {_choice(found)}")
    if found.veto.value.n:
        yield Words(text=f"Your no: {_worth(found.veto)}")
    if found.silence.value.n:
        yield Words(text=f"Your silence: {_worth(found.silence)}")
    if found.exits.n:
        way = "better" if found.exits.total >= 0 else "worse"
        yield Words(
            text=f"Your exits: what you closed did {_size(found.exits.total)} {way} than stop and targets alone would "
            f"have, {_trust(found.exits)}."
        )
    if found.waiting.answers:
        yield Words(text=f"Your waiting: {_waiting(found)}")
    if (found.fees.mean or 0.0) > HEAVY_FEES:
        yield Words(
            text=f"The fees: {risks(found.fees.mean).lstrip('+')} of every trade. Stops this near to the entry leave "
            "little to earn: a longer time frame or a larger [trading] stop_atr makes R larger than its fees.",
            tone="strong",
        )


def _choice(found: Journal) -> str:
    choice = found.choice
    words = {
        Verdict.GAIN: "you pick the better ones, more than luck explains",
        Verdict.LOSS: "the ones you refuse are the better ones, more than luck explains",
        Verdict.CHANCE: "no difference that luck could not make",
    }.get(choice.verdict, "too few of them to tell skill from luck")
    return (
        f"by the rules alone, what you took would have made {risks(choice.mean)} each (n = {choice.n}), what you "
        f"refused {risks(choice.other_mean)} each (n = {choice.other_n}): {words}."
    )


def _worth(refused: Refused) -> str:
    value = refused.value
    word = "worth" if value.total >= 0 else "a cost of"
    return (
        f"{counted(value.n, 'case')}, {refused.right} of them rightly. Losses avoided {_size(refused.avoided)}, gains "
        f"missed {_size(refused.missed)}: {word} {_size(value.total)}, {_trust(value)}."
    )


def _waiting(found: Journal) -> str:
    waiting = found.waiting
    text = f"{counted(waiting.answers, 'answer')}, half of them within {span(waiting.median)}"
    text += f", the slowest after {span(waiting.longest)}."
    if not waiting.cost.n:
        return text
    way = "cost" if waiting.cost.total >= 0 else "gained"
    return f"{text} Price moved meanwhile: {counted(waiting.cost.n, 'approval')} {way} {_size(waiting.cost.total)}."


def _tables(found: Journal) -> Iterator[Block]:
    if found.reasons:
        yield Grid(
            title="Why you said no, and what it saved",
            columns=("reason", " cases", " saved", ""),
            rows=tuple(
                (g.name, str(g.n), risks(g.added.total) if g.added.n else NONE, _word(g)) for g in found.reasons
            ),
        )
    symbols = foremost(found.symbols, lambda group: abs(group.added.total))
    groups = [part for part in (symbols, found.sides, found.hours) if len(part) > 1]
    if groups:
        yield Grid(
            title="Where your judgement adds to the rules: market, side, hour",
            columns=("", " cases", " rules alone", " added", ""),
            rows=tuple(_group(group) for part in groups for group in part),
        )
    if len(found.symbols) > len(symbols):
        yield Words(
            text=f"Of {len(found.symbols)} markets the {len(symbols)} where it made the largest difference. Among so "
            "many some pay or cost by luck alone: one in twenty looks as if it were none.",
            tone="quiet",
        )
    if found.layers:
        yield Grid(
            title="The loudest layers: mean R by the rules when they spoke for a proposal, and against it",
            columns=("layer", " for", " mean", " against", " mean"),
            rows=tuple(_spoken(one) for one in found.layers[:VOICES]),
        )


def _group(group: Group) -> tuple[str, ...]:
    rules, added = (risks(part.total) if part.n else NONE for part in (group.rules, group.added))
    return (group.name, str(group.n), rules, added, _word(group))


def _word(group: Group) -> str:
    """What the sum of a row shows, in a few words."""
    return {
        Verdict.NOTHING: "still open",
        Verdict.FEW: "too few to tell",
        Verdict.CHANCE: "may be luck",
        Verdict.GAIN: "paid",
        Verdict.LOSS: "cost you",
    }[group.added.verdict]


def _spoken(one: Spoken) -> tuple[str, ...]:
    return (
        one.layer,
        str(one.spoke_for.n),
        risks(one.spoke_for.mean),
        str(one.spoke_against.n),
        risks(one.spoke_against.mean),
    )


def _list(cases: Sequence[Case], zone: tzinfo) -> Grid:
    shown = list(cases)[-SHOWN:][::-1]
    more = f", the last {SHOWN} of {len(cases)}" if len(cases) > SHOWN else ""
    return Grid(
        title=f"Every proposal, newest first{more}",
        columns=("", "when", "market", "", "you", " made R", " rules R", "end", "why"),
        rows=tuple(_row(case, zone) for case in shown),
    )


def _row(case: Case, zone: tzinfo) -> tuple[str, ...]:
    p = case.proposal
    spoke = case.decision is not None and case.fate in VETOED | {Fate.TAKEN}
    return (
        f"#{p.id}",
        moment(p.created_at, zone)[5:],
        p.symbol,
        p.side.value,
        SHORT[case.fate],
        _made(case),
        risks(case.rules.r).removesuffix(" R"),
        _end(case),
        case.decision.reason if case.decision and spoke else "",
    )


def _made(case: Case) -> str:
    if case.fate is not Fate.TAKEN:
        return NONE
    return "open" if case.made is None else risks(case.made).removesuffix(" R")


def _end(case: Case) -> str:
    """How the rules alone ended it, or why nobody knows."""
    if case.rules.standing is Standing.FINAL:
        return ", ".join(dict.fromkeys(case.rules.exits))
    return "so far" if case.rules.standing is Standing.OPEN else "no candles"
