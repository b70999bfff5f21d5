"""`replay`: every kind of file that a person may have, and what comes of it."""

import csv
import gzip
import re
from html.parser import HTMLParser

import pytest

from hybridd.analysis.registry import shipped_layers
from hybridd.clock import iso
from hybridd.pipeline.calibration_file import load_shipped
from tests.recorded_candles import recorded_file, walk

PROMISED = {
    "symbol", "candles", "seconds", "candles_per_second", "analyses", "changes", "alerts", "suppressed", "proposals",
    "trades", "statistics", "signals",
}  # fmt: skip
FIRST = iso(int(walk(1).open_time[0]))
"""When the made-up candles begin."""


@pytest.fixture
def btc(write_candles):
    return write_candles("BTCUSDT_5m.csv", 700)


@pytest.fixture
def replay(hybridd, lived):
    return lambda *arguments: hybridd("replay", *arguments, "--config", lived)


def test_the_summary_has_what_was_promised(replay, btc):
    answer = replay(btc, "--json")
    assert answer.code == 0
    assert answer.err == "", "no progress bar where there is no terminal"
    found = answer.json
    assert found.keys() >= PROMISED
    assert (found["symbol"], found["candles"]) == ("BTC/USDT", 700)
    assert sum(found["signals"].values()) == found["analyses"]
    assert found["trades"] == found["statistics"]["total_trades"] + found["statistics"]["open_trades"]


def test_people_get_the_same_in_words(replay, btc):
    answer = replay(btc)
    assert answer.code == 0
    assert answer.out.startswith("BTC/USDT 5m: 700 candles in ")
    assert "SIGNAL_CHANGED" in answer.out


def test_without_settings_the_defaults_are_replayed(hybridd, btc, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert hybridd("replay", btc, "--json").json["candles"] == 700


def test_two_files_are_two_summaries(replay, btc, write_candles):
    found = replay(btc, write_candles("ETH-USDT.csv", 300), "--json").json
    assert [summary["symbol"] for summary in found] == ["BTC/USDT", "ETH/USDT"]


def test_order_of_rows_and_compression_change_nothing(replay, btc, write_candles, tmp_path):
    def facts(path):
        found = replay(path, "--json").json
        return {name: value for name, value in found.items() if "second" not in name}

    backwards = write_candles("BTCUSDT_b.csv", 700, lambda lines: [lines[0], *reversed(lines[1:])])
    packed = tmp_path / "BTCUSDT_p.csv.gz"
    packed.write_bytes(gzip.compress(btc.read_bytes()))
    assert facts(btc) == facts(backwards) == facts(packed)
    assert "UNORDERED" in replay(backwards, "--json").err


def test_a_row_that_is_no_number_is_left_out_and_named(replay, write_candles):
    def spoil(lines):
        return [*lines[:100], re.sub(r",.*", ",nan,nan,nan,nan,nan", lines[100]), *lines[101:]]

    answer = replay(write_candles("BTCUSDT.csv", 700, spoil), "--json")
    assert answer.code == 0
    assert answer.json["candles"] == 699
    assert "1 × QUARANTINED" in answer.err
    assert "1 × GAP" in answer.err


def test_fewer_candles_than_any_layer_needs(replay, write_candles):
    answer = replay(write_candles("BTCUSDT.csv", 5), "--json")
    assert answer.code == 0
    assert answer.json["analyses"] == 0
    assert "no layer can speak of these candles yet" in answer.err


def test_a_period_is_cut_out_of_a_warmed_up_series(replay, btc):
    whole = replay(btc, "--json").json
    late = replay(btc, "--from", "2025-06-17T00:00", "--to", "2025-06-17T12:00", "--json").json
    assert late["analyses"] == 144
    assert whole["analyses"] > 500


def test_moments_may_carry_their_zone(replay, btc):
    def analyses(moment):
        return replay(btc, "--from", moment, "--json").json["analyses"]

    east, west = "2025-06-17T02:00+02:00", "2025-06-16T19:00-05:00"
    same = {analyses(moment) for moment in ("2025-06-17", east, west, "1750118400000", "1750118400")}
    assert len(same) == 1


@pytest.mark.parametrize("moment", ["garbage", "", "2025-13-01", "²²²²²²²²²", "99999999999999999999", "12:00", "-1"])
@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_moment_that_is_none(replay, btc, option, moment):
    answer = replay(btc, f"{option}={moment}")
    assert answer.code == 2
    assert f'{option} "{moment}" is not a moment' in answer.complaint


def test_a_period_that_ends_before_it_begins(replay, btc):
    answer = replay(btc, "--from", "2025-07-01", "--to", "2025-06-01")
    assert answer.code == 2
    assert "--from 2025-07-01 is not before --to 2025-06-01" in answer.complaint


@pytest.mark.parametrize("period", [("--from", "2030-01-01"), ("--to", "2020-01-01")])
def test_a_period_without_candles_says_what_there_is(replay, btc, period):
    answer = replay(btc, *period)
    assert answer.code == 2
    assert f"it goes from {FIRST}" in answer.complaint


BROKEN = {
    "truncated_BTCUSDT.csv.gz": (gzip.compress(b"ts,open,high,low,close,volume\n" * 999)[:40], "is damaged"),
    "BTCUSDT.csv.gz": (b"no gzip at all", "is damaged"),
    "BTCUSDT.zip": (b"PK\x03\x04 and then nothing", "is damaged"),
    "empty_BTCUSDT.csv": (b"", "holds no candle"),
    "head_BTCUSDT.csv": (b"ts,open,high,low,close,volume\n", "holds no candle"),
    "names_BTCUSDT.csv": (b"a,b,c\n1,2,3\n", "there is no column ts"),
    "text_BTCUSDT.csv": (b"ts,open,high,low,close,volume\n1750000200000,a,b,c,d,e\n", 'open is "a"'),
    "short_BTCUSDT.csv": (b"1750000200000,1,2\n1750000500000,1,2\n", "has 3 columns where 6 are needed"),
    "binary_BTCUSDT.csv": (b"\xff\xfe\x00\x01", "is no text"),
    "one_BTCUSDT.csv": (b"1750000200000,1,2,1,2,5\n", "holds one candle"),
    "zero_BTCUSDT.csv": (b"1750000200000,0,0,0,0,0\n1750000500000,0,0,0,0,0\n", "holds no usable candle"),
    "BTCUSDT.parquet": (b"PAR1 is not enough", "BTCUSDT.parquet"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_replayed_is_named(replay, tmp_path, name):
    content, words = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    answer = replay(tmp_path / name)
    assert answer.code == 2
    assert name in answer.complaint
    assert words in answer.complaint


def test_paths_that_are_no_file(replay, tmp_path):
    assert "it is a folder" in replay(tmp_path).complaint
    assert "there is no such file" in replay(tmp_path / "BTCUSDT.csv").complaint
    assert "there is no such file" in replay("").complaint


def test_a_name_without_a_symbol_asks_for_one(replay, write_candles):
    path = write_candles("candles.csv", 300)
    answer = replay(path)
    assert answer.code == 2
    assert "--symbol BTC/USDT" in answer.complaint
    assert replay(path, "--symbol", "SOLUSDT", "--json").json["symbol"] == "SOL/USDT"
    assert '"///" is not a symbol' in replay(path, "--symbol", "///").complaint


def test_one_symbol_for_two_files_is_refused(replay, btc):
    answer = replay(btc, btc, "--symbol", "BTC/USDT")
    assert answer.code == 2
    assert "--symbol names one market" in answer.complaint


def test_a_folder_that_cannot_be_written_is_found_before_the_work(replay, btc):
    for folder, reason in ((btc, "it is no folder"), (btc / "below", "it is no folder"), ("/proc/nope", "")):
        answer = replay(btc, "--out", folder)
        assert answer.code == 2
        assert f"cannot write to {folder}" in answer.complaint
        assert reason in answer.complaint
        assert answer.out == ""


class References(HTMLParser):
    """Everything in a page that a browser would fetch or run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag in {"script", "link", "img", "iframe", "object", "embed", "base", "form"}:
            self.found.append(tag)
        self.found += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]


def outside(page: str) -> list[str]:
    parser = References()
    parser.feed(page)
    return parser.found + re.findall(r"https?://\S+|url\([^)]*\)|@import", page)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def check_out(folder, found):
    analyses, changes, trades = (rows_of(folder / f"{name}.csv") for name in ("analyses", "changes", "trades"))
    layers = [layer.name for layer in shipped_layers(load_shipped())]
    assert list(analyses[0]) == ["time", "symbol", "price", "score", "signal", "confidence", *layers]
    assert len(analyses) == found["analyses"]
    assert len(changes) == sum(found["changes"].values())
    assert sum(row["told"] != "yes" for row in changes) == sum(found["suppressed"].values())
    assert len(trades) == found["trades"]
    assert all(0 <= float(row["score"]) <= 100 for row in analyses)
    page = (folder / "report.html").read_text("utf-8")
    assert outside(page) == []
    assert f"{found['candles']:,} candles" in page
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower().split()


def test_out_writes_what_the_summary_counts(replay, btc, tmp_path):
    found = replay(btc, "--out", tmp_path / "out" / "deep", "--json").json
    check_out(tmp_path / "out" / "deep", found)
    assert sorted(p.name for p in (tmp_path / "out" / "deep").iterdir()) == [
        "analyses.csv", "changes.csv", "report.html", "trades.csv",
    ]  # fmt: skip


def test_out_of_nothing_is_a_page_that_says_so(replay, write_candles, tmp_path):
    assert replay(write_candles("BTCUSDT.csv", 5), "--out", tmp_path / "out").code == 0
    assert "nothing to draw" in (tmp_path / "out" / "report.html").read_text()
    assert rows_of(tmp_path / "out" / "analyses.csv") == []


def test_a_year_of_real_candles_goes_through(replay, tmp_path):
    path = recorded_file("BTC/USDT")
    found = replay(path, "--out", tmp_path / "out", "--json").json
    assert found["candles"] == 96_480
    check_out(tmp_path / "out", found)
    page = (tmp_path / "out" / "report.html").read_text()
    assert len(page) < 400_000
    assert "<polygon" in page, "many points are drawn as a band"
    if found["changes"]["SIGNAL_CHANGED"] > 300:
        assert "too many to be marked" in page
