"""The decision journal: what a yes, a no, a silence and a wait were worth, by hand and by their laws."""

from collections import Counter
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.model.outcome import Standing
from hybridd.reports.chance import FEW, Verdict, contrast, summed
from hybridd.reports.journal import Fate, cases
from hybridd.reports.journal_sums import NO_REASON, journal
from hybridd.reports.journal_words import section
from hybridd.reports.text import section_text
from tests.unit.reports.cases import case, final, proposal

UTC = ZoneInfo("UTC")


def told(found):
    return " ".join("\n".join(section_text(section(found, UTC))).split())


def test_a_week_by_hand():
    found = journal(
        [
            case(Fate.TAKEN, 2.0, made=1.5, answer=101, waited=30_000),  # left early: half an R given away
            case(Fate.TAKEN, -1.0, made=-0.4, waited=90_000),  # left early: 0.6 R saved
            case(Fate.REJECTED, -1.0, reason="weekend"),
            case(Fate.REJECTED, 2.0, reason="Weekend "),
            case(Fate.HELD, -1.0, reason="news"),
            case(Fate.EXPIRED, -1.0),
            case(Fate.EXPIRED, final(0.3, Standing.OPEN)),
            case(Fate.SUPERSEDED, 5.0),
            case(Fate.OPEN, final(None, Standing.OPEN)),
            case(Fate.UNRECORDED, 3.0),
            case(Fate.TAKEN, final(None, Standing.UNKNOWN), made=4.0),
        ],
        UTC,
    )
    assert found.fates == {
        "taken": 3, "unrecorded": 1, "rejected": 2, "held": 1, "expired": 2, "superseded": 1, "open": 1,
    }  # fmt: skip
    assert found.made.total == pytest.approx(1.1)
    assert found.rules.total == pytest.approx(2 - 1 - 1 + 2 - 1 - 1)
    assert found.added.total == pytest.approx(-0.5 + 0.6 + 1 - 2 + 1 + 1)
    assert found.exits.total == pytest.approx(0.1)
    assert (found.veto.n, found.veto.avoided, found.veto.missed, found.veto.right) == (3, 2.0, 2.0, 2)
    assert found.veto.value.total == 0
    assert (found.silence.n, found.silence.value.n, found.silence.value.total) == (2, 1, 1.0)
    assert found.waiting.answers == 7
    assert (found.waiting.median, found.waiting.longest) == (60_000, 90_000)
    # Price had run away by 1 of a risk of 10 when the first yes came.
    assert found.waiting.cost.total == pytest.approx(0.1)
    # The one whose rules are still open, and the one whose candles are missing.
    assert found.unfinished == 2
    by_reason = {group.name: (group.n, group.added.total) for group in found.reasons}
    assert by_reason == {"weekend": (2, -1.0), "news": (1, 1.0)}


def test_what_a_trade_made_is_told_in_the_risk_of_its_proposal():
    taken = case(Fate.TAKEN, 1.0, made=2.5)
    assert taken.made == pytest.approx(2.5)
    assert taken.added == pytest.approx(1.5)


def test_an_open_trade_and_an_open_proposal_are_in_no_sum():
    found = journal([case(Fate.TAKEN, 1.0), case(Fate.OPEN, final(None, Standing.OPEN))], UTC)
    assert found.added.n == found.rules.n == 0
    assert "No decision has a final outcome yet" in told(found)


def test_an_approval_without_an_entry_is_not_guessed():
    found = journal([case(Fate.UNRECORDED, 3.0)], UTC)
    assert found.added.n == 0
    assert "1 approved, no entry recorded" in told(found)


def test_a_no_without_a_reason_says_so():
    assert journal([case(Fate.REJECTED)], UTC).reasons[0].name == NO_REASON


def test_layers_are_judged_by_what_they_spoke_for_and_against():
    said = {"reasons_for": ("trend: up", "volume: high"), "reasons_against": ("macro: dollar up",)}
    found = journal([case(Fate.REJECTED, -1.0, **said), case(Fate.EXPIRED, 2.0, reasons_for=("trend: up",))], UTC)
    layers = {one.layer: (one.spoke_for.n, one.spoke_for.total, one.spoke_against.n) for one in found.layers}
    assert layers == {"trend": (2, 1.0, 0), "volume": (1, -1.0, 0), "macro": (0, 0.0, 1)}


def test_hours_are_those_of_the_reader():
    # The proposal of the makers came at 15:10 UTC: in Tokyo that is after midnight.
    names = [journal([case()], zone).hours[0].name for zone in (UTC, ZoneInfo("Asia/Tokyo"))]
    assert names == ["12–18", "00–06"]


def test_nothing_proposed_says_so_in_one_sentence():
    words = told(journal([], UTC))
    assert words == "Your decisions -------------- Nothing was proposed in this period, so there was nothing to decide."


def test_few_cases_claim_nothing():
    found = journal([case(Fate.REJECTED, -1.0)] * (FEW - 1), UTC)
    assert found.veto.value.verdict is Verdict.FEW
    assert "too few cases to tell skill from luck (n = 4)" in told(found)
    assert "more than luck" not in told(found)


def test_refusing_at_random_what_always_loses_is_no_skill_of_choice():
    always = [case(Fate.TAKEN, -1.0, made=-1.0), case(Fate.REJECTED, -1.0)] * 10
    found = journal(always, UTC)
    assert found.added.verdict is Verdict.GAIN
    assert found.choice.verdict is Verdict.CHANCE
    assert "no difference that luck could not make" in told(found)


def test_heavy_fees_are_told():
    found = journal([case(Fate.REJECTED, final(-1.9, fees=0.9))], UTC)
    assert "The fees: 0.90 R of every trade" in told(found)
    assert "The fees" not in told(journal([case(Fate.REJECTED, final(-1.1, fees=0.1))], UTC))


def test_a_bootstrap_interval_is_that_of_a_slow_resampling():
    values = [1.0, -1.0, 2.5, -0.5, 0.3, -1.0, 2.0, 1.1]
    random = np.random.default_rng(1)
    sums = sorted(sum(random.choice(values) for _ in values) for _ in range(20_000))
    found = summed(values)
    assert found.interval.low == pytest.approx(sums[500], abs=0.25)
    assert found.interval.high == pytest.approx(sums[-500], abs=0.25)
    assert summed(values) == found


def test_a_contrast_tells_better_from_worse():
    better, worse = [1.0, 1.2, 0.8, 1.1, 0.9], [-1.0, -0.8, -1.2, -0.9, -1.1]
    assert contrast(better, worse).verdict is Verdict.GAIN
    assert contrast(worse, better).verdict is Verdict.LOSS
    assert contrast(better, better).verdict is Verdict.CHANCE
    assert contrast(better, worse[:4]).verdict is Verdict.FEW
    assert contrast(better, []).verdict is Verdict.NOTHING


rs = st.floats(min_value=-3, max_value=3, allow_nan=False)
outcomes = st.one_of(rs.map(final), st.sampled_from([final(0.2, Standing.OPEN), final(None, Standing.UNKNOWN)]))
made = st.one_of(st.none(), rs)
some_cases = st.lists(
    st.builds(
        lambda fate, rules, made, reason: case(fate, rules, made=made, reason=reason),
        st.sampled_from(list(Fate)), outcomes, made, st.sampled_from(["", "weekend", "news"]),
    ),
    max_size=25,
)  # fmt: skip


@given(some_cases)
def test_every_proposal_is_counted_once_and_sums_agree(given_cases):
    found = journal(given_cases, UTC)
    assert sum(found.fates.values()) == len(found.cases) == len(given_cases)
    # Judgement is what was made less what the rules would have made, case by case and in the sums.
    assert found.added.n == found.rules.n
    assert found.added.total == pytest.approx(found.made.total - found.rules.total, abs=1e-9)
    for refused in (found.veto, found.silence):
        assert refused.value.total == pytest.approx(refused.avoided - refused.missed, abs=1e-9)
        assert min(refused.avoided, refused.missed) >= 0
        assert refused.right <= refused.value.n <= refused.n
    for groups in (found.symbols, found.sides, found.hours):
        assert sum(group.added.total for group in groups) == pytest.approx(found.added.total, abs=1e-9)
    assert sum(group.n for group in found.reasons) == found.veto.n
    for total in (found.added, found.veto.value, found.exits):
        if total.interval is not None:
            assert total.interval.low <= total.interval.high
            assert total.n >= FEW


@given(some_cases)
def test_whatever_happened_can_be_told(given_cases):
    words = told(journal(given_cases, UTC))
    assert "nan" not in words
    assert "None" not in words


def test_each_proposal_meets_its_own_decision_and_trade():
    made = [proposal(id=i, state=case(Fate.REJECTED).proposal.state) for i in (1, 2, 3)]
    decisions = [case(Fate.REJECTED, id=i, reason=str(i)).decision for i in (3, 1)]
    found = cases(made, decisions, [], [final(0.0)] * 3)
    assert [c.decision.reason if c.decision else None for c in found] == ["1", None, "3"]
    assert Counter(c.fate for c in found) == {Fate.REJECTED: 3}
