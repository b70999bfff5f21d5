"""`analyze`, `status`, `history`: what the markets look like and how the daemon is."""

import pytest

from hybridd.clock import ManualClock
from hybridd.pipeline.heartbeat import SERVICE_KEY
from hybridd.store.store import open_store
from tests.cli.conftest import CYCLES, START
from tests.makers import analysis

ANALYSIS_KEYS = {
    "symbol", "time", "candle_close", "price", "score", "signal", "confidence", "odds", "degraded", "layers",
}  # fmt: skip


def test_analyze_answers_for_every_market_of_the_settings(hybridd, fresh):
    answer = hybridd("analyze", "--json", "--config", fresh)
    assert answer.code == 0
    assert [found["symbol"] for found in answer.json] == ["BTC/USDT", "ETH/USDT"]
    for found in answer.json:
        assert found.keys() >= ANALYSIS_KEYS
        assert 0 <= found["score"] <= 100
        assert all({"score", "weight", "reason"} == layer.keys() for layer in found["layers"].values())
    assert not (fresh.parent / "state.db").exists(), "an analysis for somebody who asks stores nothing"


def test_analyze_for_people_shows_each_layer_and_says_simulated(hybridd, fresh):
    answer = hybridd("analyze", "BTCUSDT", "--config", fresh)
    assert answer.code == 0
    assert "SIMULATED" in answer.out
    layers = hybridd("analyze", "BTCUSDT", "--json", "--config", fresh).json[0]["layers"]
    assert all(name in answer.out for name in layers)


@pytest.mark.parametrize("text", ["FOO", "", "BTC/", "../../etc/passwd", "BTC USDT"])
def test_analyze_of_no_market_is_wrong_usage(hybridd, fresh, text):
    answer = hybridd("analyze", text, "--config", fresh)
    assert answer.code == 2
    assert f'"{text}" is not a symbol' in answer.complaint


def test_analyze_says_what_it_can_and_complains_of_the_rest(hybridd, fresh):
    answer = hybridd("analyze", "ETHUSDT", "FOO", "--json", "--config", fresh)
    assert answer.code == 2
    assert [found["symbol"] for found in answer.json] == ["ETH/USDT"]
    assert "FOO" in answer.complaint


def test_status_of_a_state_that_no_daemon_has_served(hybridd, lived):
    answer = hybridd("status", "--config", lived)
    assert answer.code == 3
    assert "the hybridd daemon has never run on this state" in answer.out
    assert "BTC/USDT" in answer.out


def test_status_counts_only_what_there_is(hybridd, lived):
    out = hybridd("status", "--config", lived).out
    assert "delivered" in out
    assert " 0 " not in out.partition("outbox:")[2]


def test_status_shows_square_brackets_as_they_are(hybridd, own):
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    told = {
        "state": "degraded",
        "version": "1",
        "heartbeat_at": 2**52,
        "wrong": ["CHANNEL_DOWN email: check [email] now"],
    }
    store.bot_state.set(SERVICE_KEY, told)
    store.close()
    answer = hybridd("status", "--config", own)
    assert answer.code == 3
    assert "! CHANNEL_DOWN email: check [email] now" in answer.out


def test_status_says_which_channels_prove_nothing(hybridd, own):
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    why = "nobody says what becomes of its messages"
    beat = {"state": "ok", "version": "1", "heartbeat_at": 2**52, "wrong": []}
    store.bot_state.set(SERVICE_KEY, {**beat, "channels": {"phone": ["ntfys://***"]}, "unproven": {"phone": why}})
    store.close()
    shown = hybridd("status", "--json", "--config", own).json
    assert [(channel["name"], channel["unproven"]) for channel in shown["channels"]] == [("phone", why)]
    assert "unproven" in hybridd("status", "--config", own).out


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"source": "binance spot"}, "hybridd 1 is ok"),
        ({"source": "recorded candles of /data"}, "hybridd 1 is ok on a RECORDED market"),
        ({"source": "simulated", "simulated": True}, "hybridd 1 is ok on a SIMULATED market"),
    ],
)
def test_status_says_before_all_else_where_the_market_is_not_one_of_now(hybridd, own, told, words):
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    store.bot_state.set(SERVICE_KEY, {"state": "ok", "version": "1", "heartbeat_at": 2**52, "wrong": [], **told})
    store.close()
    assert hybridd("status", "--config", own).out.splitlines()[0] == words


def test_history_shows_trend_line_and_list(hybridd, lived):
    answer = hybridd("history", "BTCUSDT", "--config", lived)
    assert answer.code == 0
    assert answer.out.startswith("SIMULATED BTC/USDT, last 24 h: ")
    assert f"the last 20 of {CYCLES}" in answer.out
    found = hybridd("history", "BTC/USDT", "--hours", "1", "--json", "--config", lived).json
    assert found["samples"] == len(found["analyses"]) == 13
    assert found["analyses"][-1]["score"] == found["last_score"]


def test_history_knows_the_nearest_market(hybridd, lived):
    answer = hybridd("history", "ETH/USDC", "--config", lived)
    assert answer.code == 2
    assert "did you mean ETH/USDT?" in answer.complaint


def test_history_of_an_empty_state_says_what_to_do(hybridd, fresh):
    open_store(f"sqlite:///{fresh.parent}/state.db", clock=ManualClock(START)).close()
    answer = hybridd("history", "BTC/USDT", "--config", fresh)
    assert answer.code == 2
    assert "start hybridd" in answer.complaint


@pytest.mark.parametrize("hours", ["nan", "0", "-1", "1e300", "inf", "soon"])
def test_history_wants_hours_that_can_be(hybridd, lived, hours):
    answer = hybridd("history", "BTC/USDT", f"--hours={hours}", "--config", lived)
    assert answer.code == 2
    assert "Traceback" not in answer.err


def test_a_huge_history_is_summed_up_in_a_screen(hybridd, fresh):
    store = open_store(f"sqlite:///{fresh.parent}/state.db", clock=ManualClock(START))
    store.analyses.add_many([analysis(float(i % 101), at=START + i * 300_000) for i in range(8_000)])
    store.close()
    answer = hybridd("history", "BTC/USDT", "--hours", "87600", "--config", fresh)
    assert answer.code == 0
    assert "8,000" in answer.out
    assert len(answer.out.splitlines()) < 30
    everything = hybridd("history", "BTC/USDT", "--hours", "87600", "--json", "--config", fresh).json
    assert len(everything["analyses"]) == 8_000
