"""When figures become public."""

from datetime import UTC, datetime

import numpy as np
import pytest

from hybridd.clock import as_ms
from hybridd.market.release_times import fear_greed_known, funding_known, macro_known, open_interest_known


def ms(text):
    return as_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "known"),
    [
        ("2025-11-24", "2025-11-26"),  # Monday: through Tuesday
        ("2025-11-27", "2025-11-29"),  # Thursday: through Friday
        ("2025-11-28", "2025-12-02"),  # Friday: through Monday
        ("2025-11-29", "2025-12-02"),  # Saturday
        ("2025-11-30", "2025-12-02"),  # Sunday
    ],
)
def test_a_days_macro_value_is_known_at_the_end_of_the_next_business_day(day, known):
    assert macro_known(np.array([ms(day)])).tolist() == [ms(known)]


def test_publication_never_falls_as_days_pass():
    days = ms("2024-01-01") + 86_400_000 * np.arange(400)
    assert (np.diff(macro_known(days)) >= 0).all()
    assert (macro_known(days) >= days + 86_400_000).all()


def test_fear_and_greed_and_open_interest_are_known_minutes_after_their_stamp():
    at = np.array([ms("2025-11-28")])
    assert fear_greed_known(at).tolist() == [ms("2025-11-28T00:15")]
    assert open_interest_known(at).tolist() == [ms("2025-11-28T00:05")]


def test_funding_is_known_to_the_candle_after_its_settlement():
    assert funding_known(np.array([ms("2025-11-28T08:00")])).tolist() == [ms("2025-11-28T08:04")]
