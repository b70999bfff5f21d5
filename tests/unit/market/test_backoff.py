"""When a failed source is tried again."""

import pytest

from hybridd.market.backoff import Backoff


def test_a_key_that_never_failed_may_always_be_tried():
    assert Backoff(seed=1).due("BTC/USDT", 0.0)


def test_the_next_try_lies_within_a_ceiling_that_doubles_up_to_the_cap():
    backoff = Backoff(base=1.0, cap=60.0, seed=1)
    for attempt in range(200):
        delay = backoff.failed("BTC/USDT", 1000.0) - 1000.0
        assert 0 <= delay <= min(60.0, 2.0**attempt)


def test_a_key_is_due_at_its_time_and_not_before():
    backoff = Backoff(base=8.0, seed=1)
    at = backoff.failed("BTC/USDT", 100.0, retry_after=5.0)
    assert not backoff.due("BTC/USDT", at - 0.001)
    assert backoff.due("BTC/USDT", at)
    assert backoff.due("ETH/USDT", 100.0)


def test_the_sources_own_wish_is_the_least():
    assert Backoff(seed=1).failed("BTC/USDT", 0.0, retry_after=120.0) >= 120.0


def test_success_forgets():
    backoff = Backoff(seed=1)
    backoff.failed("BTC/USDT", 0.0, retry_after=50.0)
    backoff.succeeded("BTC/USDT")
    assert backoff.due("BTC/USDT", 0.0)
    assert backoff.failed("BTC/USDT", 0.0) <= 1.0


def test_many_symbols_spread_over_the_whole_ceiling():
    backoff = Backoff(base=60.0, seed=1)
    delays = sorted(backoff.failed(f"S{k}/USDT", 0.0) for k in range(200))
    assert delays[20] < 12
    assert delays[100] == pytest.approx(30, abs=8)
    assert delays[180] > 48


def test_the_same_seed_draws_the_same_delays_and_another_draws_others():
    first, again, other = (Backoff(seed=seed).failed("BTC/USDT", 0.0) for seed in ("a", "a", "b"))
    assert first == again != other


def test_a_cap_below_the_base_is_refused():
    with pytest.raises(ValueError, match="cap"):
        Backoff(base=5.0, cap=1.0)
