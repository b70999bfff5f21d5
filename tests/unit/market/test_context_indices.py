"""Fear & Greed and macro series by HTTP, from a local server that speaks as theirs do, with every fault."""

import json

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import FeedUnavailable, RateLimited
from hybridd.market import indices
from hybridd.market.indices import FearGreed, MacroSeries
from hybridd.model.context import FEAR_GREED
from tests.fakes.faults import FaultKind
from tests.fakes.indices import DAY_MS, MACRO, SENTIMENT, FakeIndices, fear_greed, macro_value
from tests.unit.market.exchange_parts import NOW

TODAY = NOW // DAY_MS


@pytest.fixture(scope="module")
def fake():
    with FakeIndices(time=ManualClock(NOW).now) as fake:
        yield fake


@pytest.fixture(autouse=True)
def healed(fake):
    yield
    fake.heal()
    fake.asked.clear()


def fng(fake, newest=-1):
    return FearGreed(fake.sentiment_url).fetch("", newest, NOW)


def macro(fake, newest=-1):
    return MacroSeries(fake.macro_url).fetch("", newest, NOW)


def test_all_days_of_sentiment_are_asked_for_once_and_the_newest_later(fake):
    values = fng(fake).values[FEAR_GREED]
    assert values[-1] == (TODAY * DAY_MS, fear_greed(TODAY))
    assert len(values) == fake.days
    later = fng(fake, newest=(TODAY - 2) * DAY_MS).values[FEAR_GREED]
    assert later[-1] == values[-1]
    assert [query["limit"] for _, query in fake.asked] == ["0", "32"]
    assert {query["format"] for _, query in fake.asked} == {"json"}


def test_macro_series_come_in_one_answer_without_the_days_that_have_no_value(fake):
    values = macro(fake).values
    assert set(values) == {"dxy", "vix", "sp500", "us10y"}
    days = [at // DAY_MS for at, _ in values["vix"]]
    assert all((day + 3) % 7 < 5 for day in days)
    assert values["vix"][-1][1] == float(macro_value("VIXCLS", days[-1]))
    ((_, query),) = fake.asked
    assert query["id"] == "DTWEXBGS,VIXCLS,SP500,DGS10"
    assert len(macro(fake, newest=(TODAY - 3) * DAY_MS).values["vix"]) < 30


def test_both_spellings_of_an_absent_value_and_of_the_date_are_understood(fake):
    fake.said[MACRO] = "DATE,VIXCLS,SP500\n2026-09-16,17.5,.\n2026-09-17,,6500.25\n\n"
    assert macro(fake).values == {
        "vix": [(1_789_516_800_000, 17.5)],
        "sp500": [(1_789_603_200_000, 6500.25)],
    }


def test_a_mirror_that_has_gold_is_taken_at_its_word(fake):
    fake.said[MACRO] = "observation_date,GOLDPMGBD228NLBM\n2026-09-16,2611.5\n"
    assert macro(fake).values == {"gold": [(1_789_516_800_000, 2611.5)]}


def test_one_series_gone_wrong_leaves_the_others(fake):
    fake.said[MACRO] = "observation_date,VIXCLS,SP500\n2026-09-16,17.5,many\n"
    given = macro(fake)
    assert given.values == {"vix": [(1_789_516_800_000, 17.5)], "sp500": []}
    assert "macro series gave sp500 'many' for 2026-09-16" in given.refused


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<html><body>busy</body></html>", "another form than FRED's: it begins \"<html><body>busy"),
        ("observation_date,OTHER\n2026-09-16,1\n", "another form than FRED's"),
        ("observation_date,VIXCLS\n", "hold no value"),
        ("observation_date,VIXCLS\n2026-13-45,17.5\n", "a vix with the time '2026-13-45'"),
        ("observation_date,VIXCLS\n2099-01-01,17.5\n", "a vix of the future"),
        ("observation_date,VIXCLS\n2026-09-16\n", "vix 'nothing' for 2026-09-16"),
        (" ", "another form than FRED's: it is empty"),
    ],
)
def test_nonsense_for_macro_is_refused_in_one_line(fake, text, line):
    fake.said[MACRO] = text
    with pytest.raises(FeedUnavailable) as told:
        macro(fake)
    assert line in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ([{"value": "140", "timestamp": str(TODAY * 86_400)}], "fear_greed 140 for"),
        ([{"value": "much", "timestamp": str(TODAY * 86_400)}], "fear_greed 'much' for"),
        ([{"value": "40", "timestamp": str((TODAY + 9) * 86_400)}], "a fear_greed of the future"),
        ([{"value": "40", "timestamp": "02-26-2019"}], "a fear_greed with the time '02-26-2019'"),
        ([{"worth": "40"}], "another form than alternative.me's"),
        ({"no": "list"}, "another form than alternative.me's"),
        ([], "holds no value"),
    ],
)
def test_nonsense_for_sentiment_is_refused_in_one_line(fake, data, line):
    fake.said[SENTIMENT] = json.dumps({"data": data})
    with pytest.raises(FeedUnavailable) as told:
        fng(fake)
    assert line in str(told.value)


@pytest.mark.parametrize("source", [fng, macro])
@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (503, "HTTP 503"),
        (FaultKind.GARBAGE, None),
        (FaultKind.SHAPE, "another form"),
        (FaultKind.HTML, "another form"),
        (FaultKind.DROP, "broke off the connection"),
        (FaultKind.HALF, "broke off the connection"),
    ],
)
def test_a_fault_is_one_clear_line_and_passes(fake, source, kind, line):
    fake.fail(kind, times=1)
    if kind is FaultKind.GARBAGE and source is macro:
        assert source(fake).refused.endswith("left out")  # half a table has whole lines
    else:
        with pytest.raises(FeedUnavailable, match=line) as told:
            source(fake)
        assert "\n" not in str(told.value)
    assert source(fake).values


def test_a_server_that_wants_no_requests_is_obeyed(fake):
    fake.fail(429, retry_after=90, times=1)
    with pytest.raises(RateLimited, match="wants no request for 90 s") as told:
        fng(fake)
    assert told.value.retry_after == 90
    fake.fail(429, times=1)
    with pytest.raises(RateLimited) as told:
        macro(fake)
    assert told.value.retry_after == indices.PAUSE_S


def test_a_server_that_is_not_there_is_told_without_the_addresss_secrets():
    with pytest.raises(FeedUnavailable, match=r"cannot be reached|broke off") as told:
        FearGreed("http://127.0.0.1:9/fng/?key=secret").fetch("", -1, NOW)
    assert "secret" not in str(told.value)


def test_what_the_address_asks_for_itself_stands(fake):
    MacroSeries(fake.macro_url + "?id=VIXCLS&apikey=k").fetch("", -1, NOW)
    ((_, query),) = fake.asked
    assert (query["id"], query["apikey"], "cosd" in query) == ("VIXCLS", "k", True)
