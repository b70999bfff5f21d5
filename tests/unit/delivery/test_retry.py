"""When a send is tried again, and what each failure leads to."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hybridd.delivery.retry import CONSEQUENCES, event_of, next_attempt, tells_owner
from hybridd.model.delivery import DELIVERY_TABLE, DeliveryEvent, DeliveryState, Failure, Outcome
from hybridd.model.state import advance

NOW = 1_763_823_300_000


def test_the_ceiling_doubles_up_to_a_minute():
    ceilings = [max(next_attempt(NOW, n, key=str(k)) - NOW for k in range(400)) for n in range(1, 10)]
    assert all(0.95 * wanted < got <= wanted for got, wanted in zip(ceilings, [1000, 2000, 4000, 8000], strict=False))
    assert 57_000 < ceilings[-1] <= 60_000
    assert all(a <= b for a, b in pairwise(c // 3000 for c in ceilings))


def test_the_jitter_is_full_and_spreads_a_crowd():
    delays = sorted(next_attempt(NOW, 7, key=str(k)) - NOW for k in range(1000))
    assert delays[0] < 2_000
    assert 25_000 < delays[500] < 35_000


def test_the_same_past_gives_the_same_plan():
    assert next_attempt(NOW, 3, key="a") == next_attempt(NOW, 3, key="a")
    assert next_attempt(NOW, 3, key="a") != next_attempt(NOW, 4, key="a") != next_attempt(NOW, 4, key="b")


def test_what_the_provider_asks_for_wins():
    assert next_attempt(NOW, 9, key="a", retry_after=3600) == NOW + 3_600_000


@given(attempts=st.integers(-5, 10**6), key=st.text(), base=st.floats(0.1, 10), cap=st.floats(0.1, 600))
def test_it_always_lies_ahead_and_within_the_cap(attempts, key, base, cap):
    assert 0 < next_attempt(NOW, attempts, key=key, base_s=base, cap_s=cap) - NOW <= cap * 1000 + 1


def test_every_outcome_is_a_step_that_a_leased_delivery_can_take():
    outcomes = [Outcome(failure=failure) for failure in Failure] + [Outcome(), Outcome(delivered=True)]
    states = [advance(DELIVERY_TABLE, DeliveryState.LEASED, event_of(outcome)) for outcome in outcomes]
    assert states == [
        "retry_wait",
        "unknown",
        "failed_permanent",
        "failed_permanent",
        "retry_wait",
        "accepted",
        "delivered",
    ]
    assert set(CONSEQUENCES) == set(Failure)


def test_the_owner_hears_of_what_only_a_person_can_mend():
    told = {failure for failure in Failure if tells_owner(Outcome(failure=failure))}
    assert told == {Failure.ADDRESS, Failure.MESSAGE, Failure.ACCOUNT}
    assert not tells_owner(Outcome())
    assert event_of(Outcome()) is DeliveryEvent.ACCEPT
