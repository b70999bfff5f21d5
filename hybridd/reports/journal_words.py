"""The decision journal in words: what your yes, your no and your waiting were worth."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from hybridd.model.outcome import Standing
from hybridd.reports.chance import Sum, Verdict
from hybridd.reports.document import Block, Figures, Grid, Section, Words
from hybridd.reports.journal import VETOED, Case, Fate
from hybridd.reports.journal_sums import Group, Journal, Refused, Spoken
from hybridd.reports.plots import course, outcomes
from hybridd.reports.words import NONE, counted, listed, moment, risks, span

SHOWN = 25
"""Proposals in the table of a report; the JSON has all of them."""
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
    if found.layers:
        yield Grid(
            title="What the loudest layers were worth: mean R of proposals they spoke for, and against",
            columns=("layer", " for", " mean", " against", " mean"),
            rows=tuple(_spoken(one) for one in found.layers),
        )
    for title, groups in (("By market", found.symbols), ("By side", found.sides), ("By hour", found.hours)):
        if len(groups) > 1:
            yield Grid(
                title=f"{title}: where your judgement adds",
                columns=("", " cases", " rules", " added", ""),
                rows=tuple(
                    (g.name, str(g.n), *(risks(s.total) if s.n else NONE for s in (g.rules, g.added)), _word(g))
                    for g in groups
                ),
            )


def _word(group: Group) -> str:
    """What the sum of a row shows, in a few words."""
    return {
        Verdict.NOTHING: "still open",
        Verdict.FEW: "too few to tell",
        Verdict.CHANCE: "may be luck",
        Verdict.GAIN: "you are good at this",
        Verdict.LOSS: "the rules do better",
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
        columns=("", "when", "market", "", "you", " made", " rules alone", "why"),
        rows=tuple(_row(case, zone) for case in shown),
    )


def _row(case: Case, zone: tzinfo) -> tuple[str, ...]:
    p = case.proposal
    made = risks(case.made) if case.fate is Fate.TAKEN and case.made is not None else _pending(case)
    return (
        f"#{p.id}",
        moment(p.created_at, zone)[5:],
        p.symbol,
        p.side.value,
        FATES[case.fate],
        made,
        _rules(case),
        (case.decision.reason if case.decision and case.fate in VETOED | {Fate.TAKEN} else "") or "",
    )


def _pending(case: Case) -> str:
    return "open" if case.fate is Fate.TAKEN else NONE


def _rules(case: Case) -> str:
    outcome = case.rules
    if outcome.standing is Standing.UNKNOWN:
        return "candles missing"
    if outcome.standing is Standing.OPEN:
        return f"{risks(outcome.r)} so far" if outcome.r is not None else "open"
    return f"{risks(outcome.r)} ({listed(list(dict.fromkeys(outcome.exits)))})"
