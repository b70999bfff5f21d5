"""The breaker of a channel."""

from hybridd.delivery.breaker import Breaker, BreakerRules, BreakerState, after, ask
from hybridd.model.delivery import Failure, Outcome

RULES = BreakerRules(failures=3, pause_ms=60_000, longest_pause_ms=240_000)
OK, BUSY, BAD = Outcome(), Outcome(failure=Failure.RETRY), Outcome(failure=Failure.ACCOUNT)


def after_all(outcomes, now=0, breaker=None):
    breaker = breaker or Breaker()
    for outcome in outcomes:
        breaker = after(breaker, outcome, now, RULES)
    return breaker


def probing(breaker, now):
    passes, breaker = ask(breaker, now)
    assert passes
    assert breaker.state is BreakerState.HALF_OPEN
    return breaker


def test_it_opens_at_the_third_failure_in_a_row():
    assert after_all([BUSY, BUSY]).state is BreakerState.CLOSED
    assert after_all([BUSY, BUSY, OK, BUSY, BUSY]).state is BreakerState.CLOSED
    assert after_all([BUSY, Outcome(failure=Failure.UNKNOWN), BUSY]).state is BreakerState.OPEN


def test_a_bad_account_opens_it_at_once():
    assert after_all([BAD]).state is BreakerState.OPEN


def test_a_bad_address_or_message_says_nothing_against_the_channel():
    said = [Outcome(failure=Failure.ADDRESS), Outcome(failure=Failure.MESSAGE)]
    assert after_all([BUSY, BUSY, *said, BUSY, BUSY]).state is BreakerState.CLOSED


def test_nothing_passes_until_the_pause_is_over_then_one_probe():
    breaker = after_all([BAD], now=1000)
    assert ask(breaker, 60_999) == (False, breaker)
    probing(breaker, 61_000)


def test_a_probe_that_works_closes_it_and_forgets():
    assert after(probing(after_all([BAD]), 60_000), OK, 60_000, RULES) == Breaker()


def test_a_probe_that_fails_doubles_the_pause_up_to_the_longest():
    breaker, pauses, now = after_all([BAD]), [], 0
    for _ in range(4):
        pauses.append(breaker.probe_at - now)
        now = breaker.probe_at
        breaker = after(probing(breaker, now), BUSY, now, RULES)
    assert pauses == [60_000, 120_000, 240_000, 240_000]


def test_a_provider_that_asks_for_longer_gets_it():
    busy = Outcome(failure=Failure.RETRY, retry_after=3600)
    assert after_all([busy] * 3).probe_at == 3_600_000


def test_a_clock_that_was_set_back_does_not_keep_it_open():
    breaker = after_all([BAD], now=7_200_000)
    assert ask(breaker, 7_200_000) == (False, breaker)
    probing(breaker, 7_199_999)
    probing(breaker, 0)


def test_an_answer_that_comes_late_does_not_reopen_or_close_an_open_one():
    breaker = after_all([BAD])
    assert after(breaker, OK, 10, RULES) == breaker
    assert after(breaker, BUSY, 10, RULES).probe_at == breaker.probe_at
