"""`hybridd trades`: the ledger by hand, from the entry to the statistics."""

import csv
import io

import pytest


@pytest.fixture
def trades(hybridd, own):
    return lambda *words: hybridd("trades", *words, "--config", own)


def opened(trades, *more):
    return trades("open", "BTCUSDT", "long", "$45,250", *more, "--json").json


def test_the_guides_own_words(trades):
    said = trades("open", "BTC/USDT", "LONG", "45,250").out
    assert said == "Trade ID #1, LONG BTC/USDT, Entry @ 45,250.00\n"


def test_a_trade_leaves_in_parts_and_money_is_exact(trades):
    trade = opened(trades, "--quantity", "0.3", "--stop", "44000")
    assert (trade["entry_price"], trade["remaining"], trade["fees"]) == (45250.0, "1", "13.575")
    part = trades("close", trade["id"], "46250", "--quantity", "0.1", "--json").json
    assert (part["status"], part["pnl_percent"]) == ("open", None)
    assert part["realised"] == "81.8"  # 0.1 · 1,000 − 13.575 − 4.625
    whole = trades("close", trade["id"], "45250", "--reason", "enough", "--json").json
    assert (whole["status"], whole["remaining"], whole["exit_reason"]) == ("closed", "0", "enough")
    assert whole["realised"] == "72.75"
    assert whole["pnl_percent"] == pytest.approx(72.75 / (0.3 * 45_250) * 100)


def test_a_trade_of_unknown_size_leaves_in_shares(trades):
    trade = opened(trades)
    assert "50 % of it is left" in trades("close", trade["id"], "46000", "--percent", "50").out
    assert "+" in trades("close", trade["id"], "47000").out
    found = trades("list", "--json").json[0]
    assert (found["realised"], found["status"], found["exit_price"]) == (None, "closed", 46_500.0)


def test_an_open_trade_says_what_it_earns_now(trades):
    trade = opened(trades, "--quantity", "1")
    now = trades("list", "--open", "--json").json[0]
    assert now["running_percent"] is not None
    assert float(now["running_money"]) == pytest.approx(now["running_percent"] / 100 * trade["entry_price"])
    assert "% now" in trades("list").out


def test_the_stop_moves_and_goes(trades):
    trade = opened(trades)
    assert trades("stop", trade["id"], "45300").out == f"trade {trade['id']} has its stop at 45,300.00\n"
    assert trades("stop", trade["id"], "none", "--json").json["stop_price"] is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("open", "BTC/USDT", "UP", "1"), '"UP" is not a side'),
        (("open", "BTC/USDT", "LONG", "45,5"), 'the price "45,5" is not a number'),
        (("open", "BTC/USDT", "LONG", "0"), "the entry price is 0"),
        (("open", "BTC/USDT", "LONG", "10", "--stop", "11"), "the stop of a LONG trade"),
        (("open", "BTC/USDT", "LONG", "10", "--at", "2999-01-01"), "has not come yet"),
        (("open", "nonsense!", "LONG", "10"), "nonsense!"),
        (("close", "99", "10"), "there is no trade 99"),
        (("stop", "99", "10"), "there is no trade 99"),
        (("close", "1", "10", "--quantity", "2"), "cannot leave trade 1"),
        (("close", "1", "10", "--quantity", "1", "--percent", "5"), "say it twice"),
        (("close", "1", "10", "--at", "2001-01-01"), "cannot end before it began"),
    ],
)
def test_what_cannot_be_gets_one_clear_line_and_changes_nothing(trades, words, complaint):
    opened(trades, "--quantity", "1")
    before = trades("list", "--json").json
    answer = trades(*words)
    assert answer.code == 2
    assert complaint in answer.complaint
    assert trades("list", "--json").json == before


def test_a_trade_is_closed_once(trades):
    trade = opened(trades)
    trades("close", trade["id"], "46000")
    assert "is closed already" in trades("close", trade["id"], "46000").complaint


def test_statistics_by_side_and_market(trades):
    for side, left in (("LONG", "110"), ("LONG", "90"), ("SHORT", "90")):
        made = trades("open", "BTC/USDT", side, "100", "--json").json
        trades("close", made["id"], left)
    opened(trades)
    everything = trades("stats", "--json").json
    assert (everything["total_trades"], everything["winning_trades"], everything["open_trades"]) == (3, 2, 1)
    assert trades("stats", "--side", "short", "--json").json["win_rate"] == 100
    assert trades("stats", "--symbol", "ETHUSDT", "--json").json["total_trades"] == 0
    assert "win_rate" in trades("stats", "--days", "1").out


def test_export_has_every_trade_in_both_forms(trades):
    for quantity in ("0", "0.5"):
        opened(trades, "--quantity", quantity)
    rows = list(csv.DictReader(io.StringIO(trades("export").out)))
    same = trades("export", "--format", "json").json
    assert [row["id"] for row in rows] == [str(trade["id"]) for trade in same] == ["1", "2"]
    assert rows[1]["fees"] == same[1]["fees"] == "22.625"


def test_each_step_is_audited_and_the_state_is_sound(hybridd, own, trades):
    trade = opened(trades)
    trades("close", trade["id"], "46000")
    assert hybridd("db", "verify", "--config", own).code == 0


def closed(trades, side, entry, left, at, gone):
    trade = trades("open", "BTC/USDT", side, entry, "--at", at, "--json").json
    trades("close", trade["id"], left, "--at", gone)


def test_statistics_of_any_period_symbol_and_side(trades):
    closed(trades, "LONG", 100, 110, "2025-06-01", "2025-06-03")
    closed(trades, "SHORT", 100, 120, "2025-06-05", "2025-06-06")
    whole = trades("stats", "--to", "2025-06-11", "--json").json
    assert (whole["total_trades"], whole["win_rate"]) == (2, 50.0)
    assert whole["exposure"] == pytest.approx(3 / 10)
    assert [round(height, 4) for _, height in whole["equity_curve"]] == [1.0979, round(1.0979 * 0.7978, 4)]
    june = trades("stats", "--from", "2025-06-04", "--to", "2025-06-08", "--json").json
    assert (june["total_trades"], june["avg_pnl"], june["exposure"]) == (1, pytest.approx(-20.22), pytest.approx(0.25))
    assert trades("stats", "--side", "LONG", "--json").json["max_pnl"] == pytest.approx(9.79)
    assert trades("stats", "--symbol", "ETH/USDT", "--json").json["exposure"] is None
    assert "▁" in trades("stats").out
    assert "--to is not after" in trades("stats", "--from", "2025-06-04", "--to", "2025-06-04").complaint
    assert "say it twice" in trades("stats", "--from", "2025-06-04", "--days", "3").complaint


def test_an_export_without_trades_still_names_its_columns(trades):
    (columns,) = trades("export").out.splitlines()
    opened(trades)
    header, row = csv.reader(io.StringIO(trades("export").out))
    assert header == columns.split(",")
    assert len(row) == len(header)
