"""What the cases of the decision journal amount to: the veto, the silence, the waiting, reasons, layers, habits."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from statistics import median

from hybridd.clock import as_datetime
from hybridd.model.outcome import Standing
from hybridd.model.proposal import FEES
from hybridd.reports.chance import Contrast, Sum, contrast, summed
from hybridd.reports.journal import JUDGED, PASSED, VETOED, Case, Fate, is_over

HOURS = ((0, "00–06"), (6, "06–12"), (12, "12–18"), (18, "18–24"))
NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What was not entered: `n` in all, of which some are final. R avoided and missed are both 0 or above.

    `value` is avoided less missed: what saying no was worth.
    """

    n: int
    avoided: float
    missed: float
    right: int
    value: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How long answers took (ms) and by how much price had run away from approvals, in R; None of none."""

    answers: int
    median: float | None
    longest: int | None
    cost: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cases that have something in common: what the rules alone made of them, and what judgement added to that."""

    name: str
    n: int
    rules: Sum
    added: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A layer among the loudest: what the rules made of proposals it spoke for, and of those it spoke against."""

    layer: str
    spoke_for: Sum
    spoke_against: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """All of it. `made` is what trades earned, `rules` what every decided proposal would have, `added` the rest.

    `exits` is the part of the trades alone: their ends against those of the rules. `choice` holds what the rules made
    of what was taken against what they made of the refused: whether the right ones were picked. `fees` in R, of all.
    """

    cases: tuple[Case, ...]
    fates: dict[str, int]
    unfinished: int
    made: Sum
    rules: Sum
    added: Sum
    exits: Sum
    choice: Contrast
    fees: Sum
    veto: Refused
    silence: Refused
    waiting: Waiting
    reasons: tuple[Group, ...]
    layers: tuple[Spoken, ...]
    symbols: tuple[Group, ...]
    sides: tuple[Group, ...]
    hours: tuple[Group, ...]


def journal(cases: Sequence[Case], zone: tzinfo) -> Journal:
    """The journal of these cases; hours are those of the reader's `zone`. A case counts once its outcome is final."""
    known = [case for case in cases if case.added is not None]
    judged = [case for case in cases if case.fate in JUDGED]
    return Journal(
        cases=tuple(cases),
        fates={fate.value: sum(case.fate is fate for case in cases) for fate in Fate},
        unfinished=sum(not is_over(case) for case in judged),
        made=summed([case.made or 0.0 for case in known if case.fate is Fate.TAKEN]),
        rules=_by_rules(known),
        added=_added(known),
        exits=_added([case for case in known if case.fate is Fate.TAKEN]),
        choice=contrast(
            [case.rules.r or 0.0 for case in known if case.fate is Fate.TAKEN],
            [case.rules.r or 0.0 for case in known if case.fate in VETOED],
        ),
        fees=summed([case.rules.fees or 0.0 for case in known]),
        veto=_refused(cases, VETOED),
        silence=_refused(cases, {Fate.EXPIRED}),
        waiting=_waiting(cases),
        reasons=_groups([case for case in cases if case.fate in VETOED], _reason),
        layers=_layers(cases),
        symbols=_groups(judged, lambda case: case.proposal.symbol),
        sides=_groups(judged, lambda case: case.proposal.side.value),
        hours=tuple(sorted(_groups(judged, lambda case: _hour(case, zone)), key=lambda group: group.name)),
    )


def _by_rules(cases: Iterable[Case]) -> Sum:
    return summed([case.rules.r or 0.0 for case in cases if case.rules.standing is Standing.FINAL])


def _added(cases: Iterable[Case]) -> Sum:
    return summed([case.added for case in cases if case.added is not None])


def _refused(cases: Iterable[Case], fates: Collection[Fate]) -> Refused:
    of_these = [case for case in cases if case.fate in fates and case.fate in PASSED]
    worth = [case.added for case in of_these if case.added is not None]
    return Refused(
        n=len(of_these),
        avoided=sum(r for r in worth if r > 0),
        missed=-sum(r for r in worth if r < 0),
        right=sum(r > 0 for r in worth),
        value=summed(worth),
    )


def _waiting(cases: Iterable[Case]) -> Waiting:
    answered = [case for case in cases if case.waited is not None]
    waits = [case.waited or 0 for case in answered]
    costs = [case.waiting_cost for case in answered if case.waiting_cost is not None]
    return Waiting(
        answers=len(waits),
        median=median(waits) if waits else None,
        longest=max(waits, default=None),
        cost=summed(costs),
    )


def _groups(cases: Iterable[Case], name_of: Callable[[Case], str]) -> tuple[Group, ...]:
    """Largest first. Names that differ in case or spaces only are one, as it was written first."""
    found: dict[str, list[Case]] = defaultdict(list)
    written: dict[str, str] = {}
    for case in cases:
        name = " ".join(name_of(case).split())
        found[written.setdefault(name.casefold(), name)].append(case)
    groups = [Group(name=name, n=len(own), rules=_by_rules(own), added=_added(own)) for name, own in found.items()]
    return tuple(sorted(groups, key=lambda group: (-group.n, group.name)))


def _layers(cases: Iterable[Case]) -> tuple[Spoken, ...]:
    """By how often each was heard. A proposal keeps the loudest voices of both sides; the quiet ones are not known."""
    sides: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for case in cases:
        if case.fate in JUDGED and case.rules.standing is Standing.FINAL and case.rules.r is not None:
            for which, said in enumerate((case.proposal.reasons_for, case.proposal.reasons_against)):
                for layer in {text.partition(":")[0] for text in said} - {FEES}:
                    sides[layer][which].append(case.rules.r)
    found = [Spoken(layer=name, spoke_for=summed(a), spoke_against=summed(b)) for name, (a, b) in sides.items()]
    return tuple(sorted(found, key=lambda one: (-one.spoke_for.n - one.spoke_against.n, one.layer)))


def _reason(case: Case) -> str:
    return (case.decision.reason if case.decision else "") or NO_REASON


def _hour(case: Case, zone: tzinfo) -> str:
    hour = as_datetime(case.proposal.created_at).astimezone(zone).hour
    return next(name for start, name in reversed(HOURS) if hour >= start)
