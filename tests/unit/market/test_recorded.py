"""Recorded candles: every kind of file, and what is said of a broken one."""

import gzip
import io
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from hybridd.clock import ManualClock
from hybridd.errors import DataError, FeedUnavailable, UnknownSymbol
from hybridd.market.quality import IncidentKind
from hybridd.market.recorded import RecordedFeed, read_candles, symbol_of, timeframe_in
from hybridd.model.timeframe import parse_timeframe
from tests.recorded_candles import FOLDER, recorded_file
from tests.unit.market.rows import M5, T0, places_of, row

HEADER = "ts,open,high,low,close,volume\n"


def lines(places, unit=1):
    return "".join(",".join([str(int(r[0] * unit)), *(str(x) for x in r[1:])]) + "\n" for r in map(row, places))


def kline(place, unit):
    opened, *prices, volume = row(place)
    start, end = int(opened) * unit, (int(opened) + M5.ms) * unit - 1
    return f"{start},{','.join(map(str, prices))},{volume},{end},1.5,12,0.7,0.8,0\n"


def a_zip(path, text, name="BTCUSDT-5m-2025-06.csv"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return path


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        HEADER + lines(range(20)),
        lines(range(20)),
        "\ufeff" + HEADER + lines(range(20)),
        (HEADER + lines(range(20))).replace("\n", "\r\n"),
        HEADER + lines(range(20)) + "\n\n",
        lines(range(20)).rstrip(),
        lines(range(20), unit=1000),
        '"ts","open","high","low","close","volume"\n' + lines(range(20)).replace("\n", ',"note"\n'),
    ],
    ids=["header", "no header", "byte order mark", "windows", "blank lines", "no last newline", "µs", "more columns"],
)
def test_csv_of_every_habit_is_read(tmp_path, text):
    recording = read_candles(written(tmp_path / "BTCUSDT.csv", text))
    assert places_of(recording.candles) == list(range(20))
    assert recording.candles.close.tolist() == [row(k)[4] for k in range(20)]
    assert recording.timeframe == M5
    assert recording.incidents == ()


def test_columns_are_found_by_their_names(tmp_path):
    text = "Volume,Close,Low,High,Open,Timestamp\n" + "".join(
        ",".join(str(x) for x in reversed([int(row(k)[0]), *row(k)[1:]])) + "\n" for k in range(5)
    )
    recording = read_candles(written(tmp_path / "x.csv", text))
    assert recording.candles.open.tolist() == [row(k)[1] for k in range(5)]


def test_a_compressed_file_is_read(tmp_path):
    path = written(tmp_path / "BTCUSDT_5m.csv.gz", gzip.compress((HEADER + lines(range(20))).encode()))
    assert len(read_candles(path).candles) == 20


@pytest.mark.parametrize("unit", [1, 1000], ids=["ms", "µs"])
@pytest.mark.parametrize("head", ["", "open_time,open,high,low,close,volume,close_time,quote,n,a,b,c\n"])
def test_a_zip_of_binance_klines_is_read(tmp_path, unit, head):
    path = a_zip(tmp_path / "BTCUSDT-5m-2025-06.zip", head + "".join(kline(k, unit) for k in range(20)))
    recording = read_candles(path)
    assert places_of(recording.candles) == list(range(20))
    assert recording.incidents == ()


def test_the_commonest_spacing_is_the_time_frame_and_gaps_stay_gaps(tmp_path):
    recording = read_candles(written(tmp_path / "x.csv", lines([0, 1, 2, 3, 40, 41, 42, 90])))
    assert recording.timeframe == M5
    assert [(i.kind, i.count) for i in recording.incidents] == [(IncidentKind.GAP, 36), (IncidentKind.GAP, 47)]


def test_rows_that_are_impossible_twice_or_out_of_order_are_reported_and_not_fatal(tmp_path):
    bad = f"{T0 + 5 * M5.ms},100,90,110,100,1\n"
    recording = read_candles(written(tmp_path / "x.csv", lines([0, 1, 3, 2, 2, 4]) + bad + lines([6])))
    assert places_of(recording.candles) == [0, 1, 2, 3, 4, 6]
    assert {i.kind for i in recording.incidents} == {
        IncidentKind.QUARANTINED, IncidentKind.UNORDERED, IncidentKind.DUPLICATE, IncidentKind.GAP
    }  # fmt: skip


GOOD = lines(range(5))
BROKEN = [
    ("empty.csv", "", "holds no candle"),
    ("head.csv", HEADER, "holds no candle"),
    ("one.csv", lines([0]), "holds one candle"),
    ("cell.csv", HEADER + GOOD + f"{T0},1,2,three,4,5\n", 'line 7: low is "three"'),
    ("null.csv", GOOD + f"{T0},1,2,null,4,5\n", 'line 6: low is "null"'),
    ("short.csv", GOOD + f"{T0},1,2\n" + GOOD, "line 6 has 3 columns where 6 are needed"),
    ("sly.csv", f"{T0},1,2,1,2\n{T0},1,2,1,2,3,4\n", "line 1 has 5 columns"),
    ("column.csv", "ts,open,high,low,last\n1,2,3,4,5\n", "no column close and no column volume"),
    ("time.csv", "a,open,high,low,close,volume\n1,2,3,4,5,6\n", "no column ts"),
    ("picture.csv", b"\x89PNG\r\n\x1a\n\xff\xfe", "is no text"),
    ("cut.csv.gz", gzip.compress((HEADER + lines(range(500))).encode())[:-40], "cut.csv.gz is damaged"),
    ("wrong.csv.gz", b"plainly no gzip", "is damaged"),
    ("wrong.zip", b"plainly no zip", "is damaged"),
    ("never.csv", HEADER + "".join(f"{T0 + k * M5.ms},0,0,0,0,0\n" for k in range(3)), "no usable candle"),
    ("odd.csv", "".join(f"{T0 + k * 1500},1,1,1,1,1\n" for k in range(3)), "whole number of seconds"),
]


@pytest.mark.parametrize(("name", "content", "words"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_a_file_that_cannot_be_used_is_refused_with_its_name_place_and_a_remedy(tmp_path, name, content, words):
    with pytest.raises(DataError) as refusal:
        read_candles(written(tmp_path / name, content))
    line = str(refusal.value)
    assert name in line
    assert words in line
    assert "→" in line
    assert "\n" not in line


def test_a_zip_without_candles_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no \.csv"):
        read_candles(a_zip(tmp_path / "x.zip", "hello", "readme.txt"))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_candles(tmp_path / "none.csv")


def test_parquet_without_its_reader_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"pip install hybridd\[parquet\]"):
        read_candles(written(tmp_path / "BTCUSDT_5m.parquet", b"PAR1"))


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_columnar_files_are_read(tmp_path, kind):
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    from pyarrow import feather, parquet

    columns = list(zip(*map(row, range(20)), strict=True))
    table = pyarrow.table({n: list(c) for n, c in zip(HEADER.strip().split(","), columns, strict=True)})
    path = tmp_path / f"BTCUSDT_5m.{kind}"
    parquet.write_table(table, path) if kind == "parquet" else feather.write_feather(table, str(path))
    assert places_of(read_candles(path).candles) == list(range(20))


NAMES = [
    ("binance_spot_BTCUSDT_5m.csv.gz", "BTC/USDT", "5m"),
    ("binance_usdm_BTCUSDT_5m.csv.gz", "BTC/USDT:USDT", "5m"),
    ("BTCUSDT-1m-2024-01.zip", "BTC/USDT", "1m"),
    ("btc_usdt 1h.csv", "BTC/USDT", "1h"),
    ("WBTC-USDT.csv", "WBTC/USDT", ""),
    ("ETHBTC_4h.feather", "ETH/BTC", "4h"),
    ("1000PEPEUSDT_5m.parquet", "1000PEPE/USDT", "5m"),
    ("macro_VIX_1d.csv.gz", "", "1d"),
    ("binance_usdm_BTCUSDT_funding8h.csv.gz", "BTC/USDT:USDT", ""),
]


@pytest.mark.parametrize(("name", "symbol", "frame"), NAMES)
def test_symbol_and_time_frame_are_read_from_the_name(name, symbol, frame):
    assert symbol_of(Path(name)) == symbol
    assert str(timeframe_in(Path(name)) or "") == frame


def a_folder(tmp_path):
    written(tmp_path / "BTCUSDT_5m.csv", lines(range(30)))
    written(tmp_path / "ETHUSDT_5m.csv", lines(range(60)))
    written(tmp_path / "notes.txt", "nothing")
    return tmp_path


def a_feed(tmp_path, place=1000):
    clock = ManualClock(T0 + place * M5.ms)
    return RecordedFeed(folder=a_folder(tmp_path), clock=clock), clock


def test_the_feed_shows_what_had_closed_by_its_clock(tmp_path):
    feed, clock = a_feed(tmp_path, 10)
    btc = feed.instrument("BTCUSDT")
    assert len(feed.rows(btc, M5, T0, 100)) == 10
    assert feed.now() == clock.now()


def test_the_feeds_clock_stops_where_the_recording_ends(tmp_path):
    feed, _ = a_feed(tmp_path)
    feed.rows(feed.instrument("BTC/USDT"), M5, T0, 1)
    assert feed.now() == T0 + 30 * M5.ms
    feed.rows(feed.instrument("ETH/USDT"), M5, T0, 1)
    assert feed.now() == T0 + 60 * M5.ms


def test_several_files_of_a_market_follow_each_other(tmp_path):
    feed, _ = a_feed(tmp_path)
    written(tmp_path / "BTCUSDT_5m_more.csv", lines(range(25, 50)))
    assert len(feed.rows(feed.instrument("BTC/USDT"), M5, T0, 100)) == 50


def test_longer_candles_are_made_from_shorter_ones(tmp_path):
    feed, _ = a_feed(tmp_path)
    quarter = parse_timeframe("15m")
    found = feed.rows(feed.instrument("ETH/USDT"), quarter, 0, 100)
    assert found[0][0] % quarter.ms == 0
    first = next(k for k in range(60) if row(k)[0] == found[0][0])
    assert found[0][2] == max(row(first + k)[2] for k in range(3))
    with pytest.raises(FeedUnavailable, match="add a file of 1m"):
        feed.rows(feed.instrument("ETH/USDT"), parse_timeframe("1m"), 0, 100)


def test_a_file_without_a_time_frame_in_its_name_is_read_for_it(tmp_path):
    written(tmp_path / "SOLUSDT.csv", lines(range(12)))
    feed = RecordedFeed(folder=tmp_path, clock=ManualClock(T0 * 2))
    assert len(feed.rows(feed.instrument("SOL/USDT"), M5, 0, 100)) == 12


def test_a_market_without_a_file_is_unknown(tmp_path):
    feed, _ = a_feed(tmp_path)
    with pytest.raises(UnknownSymbol, match="did you mean BTC/USDT"):
        feed.instrument("BTX/USDT")


@pytest.mark.parametrize("name", ["um_BTCUSDT_funding8h.csv", "um_BTCUSDT_openInterest.csv", "um_BTCUSDT-metrics.csv"])
def test_files_of_what_lies_around_a_market_are_no_candles(tmp_path, name):
    feed, _ = a_feed(tmp_path)
    written(tmp_path / name, "ts,funding_rate\n1,0.0001\n")
    with pytest.raises(UnknownSymbol):
        feed.instrument("BTC/USDT:USDT")
    assert len(feed.rows(feed.instrument("BTC/USDT"), M5, T0, 100)) == 30


def test_a_broken_file_makes_its_market_unavailable_and_no_other(tmp_path):
    feed, _ = a_feed(tmp_path)
    written(tmp_path / "BTCUSDT_5m.csv", "a,b\n1,2\n")
    with pytest.raises(FeedUnavailable, match=r"BTCUSDT_5m\.csv"):
        feed.rows(feed.instrument("BTC/USDT"), M5, 0, 10)
    assert feed.rows(feed.instrument("ETH/USDT"), M5, 0, 10)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        RecordedFeed(folder=tmp_path / "none", clock=ManualClock())


def test_a_year_of_real_candles_is_read_whole_and_fast():
    path = recorded_file("BTC/USDT")
    start = time.process_time()
    recording = read_candles(path)
    assert time.process_time() - start < 1.0  # 0.2 s on a quiet core
    assert len(recording.candles) == 96_480
    assert recording.incidents == ()
    table = np.loadtxt(io.StringIO(gzip.decompress(path.read_bytes()).decode()), delimiter=",", skiprows=1, max_rows=99)
    assert recording.candles.volume[:99].tolist() == table[:, 5].tolist()


def test_real_outages_of_an_exchange_stay_gaps():
    recording = read_candles(recorded_file("BTC/USDT", "1h"))
    outages = {i.open_time: i.count for i in recording.incidents}
    assert {i.kind for i in recording.incidents} == {IncidentKind.GAP}
    february = [
        n for at, n in outages.items() if datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d") == "2018-02-08"
    ]
    assert february == [33]


def test_a_folder_of_many_things_gives_its_markets():
    if not FOLDER.is_dir():
        pytest.skip(f"recorded candles are not here: {FOLDER}")
    feed = RecordedFeed(folder=FOLDER, clock=ManualClock(T0))
    perpetual = feed.instrument("BTCUSDT.P")
    assert perpetual.symbol == "BTC/USDT:USDT"
    assert len(feed.rows(perpetual, parse_timeframe("1h"), T0 - 50 * 3_600_000, 48)) == 48
