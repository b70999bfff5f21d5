"""Reads candle files of every known kind into one table of numbers, and says where one is broken."""

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hybridd.errors import DataError
from hybridd.model.candle import FloatArray

COLUMNS = ("ts", "open", "high", "low", "close", "volume")
SUFFIXES = (".csv", ".csv.gz", ".zip", ".parquet", ".feather")
FORMAT = "the columns are ts,open,high,low,close,volume (ts: open time in ms UTC)"

_TIME_NAMES = ("ts", "open_time", "opentime", "open time", "timestamp", "time", "date")
_LATEST_MS = 1e14
"""Times above this are microseconds: Binance's spot files changed to them in 2025."""


def read_table(path: Path) -> FloatArray:
    """The rows of a candle file, shape (n, 6): open time in ms, open, high, low, close, volume; in the file's order.

    Raises DataError with the file, the line and a remedy.
    """
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".feather")):
            table = _columnar(path)
        elif name.endswith(".zip"):
            table = _zipped(path)
        elif name.endswith(".gz"):
            table = _text(gzip.decompress(path.read_bytes()), path.name)
        else:
            table = _text(path.read_bytes(), path.name)
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path.name} is damaged ({_line(error)})", remedy="fetch the file again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", remedy="check the path") from error
    if not len(table):
        raise DataError(f"{path.name} holds no candle", remedy=FORMAT)
    micro = table[:, 0] > _LATEST_MS
    table[micro, 0] = np.floor(table[micro, 0] / 1000)
    return table


def _zipped(path: Path) -> FloatArray:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(".csv"))
        if not names:
            raise DataError(f"{path.name} holds no .csv", remedy="a zip of Binance klines holds one")
        return np.concatenate([_text(archive.read(name), f"{path.name}/{name}") for name in names])


def _text(data: bytes, place: str) -> FloatArray:
    """CSV, with a header or without one: then the first six columns, as in Binance's files of twelve."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{place} is no text (byte {error.start})", remedy=FORMAT) from error
    head, _, rest = text.partition("\n")
    cells = [cell.strip().strip('"').lower() for cell in head.split(",")]
    header = bool(cells[0]) and not _is_number(cells[0])
    wanted = _positions(cells, place) if header else list(range(6))
    body = rest if header else text
    if not body.strip():
        return np.empty((0, 6))
    try:
        quick = _quick(body)
        if quick is not None and quick.shape[1] > max(wanted):
            return np.ascontiguousarray(quick[:, wanted])
        return np.loadtxt(io.StringIO(body), delimiter=",", usecols=wanted, quotechar='"', ndmin=2, comments=None)
    except (ValueError, IndexError) as error:
        raise _bad_cell(body, wanted, place, 2 if header else 1) or DataError(
            f"{place}: {_line(error)}", remedy=FORMAT
        ) from error


def _quick(body: str) -> FloatArray | None:
    """The rows as JSON, which ccxt's own parser reads four times as fast as numpy reads text; None where that fails.

    "true" and "null" are values in JSON and mistakes in a CSV: with them, and with all else, the other way is taken.
    """
    body = body.strip().replace("\r", "")
    if "u" in body or "l" in body:
        return None
    try:
        import orjson

        cells = orjson.loads("[" + body.replace("\n", ",") + "]")
        table = np.array(cells, dtype=np.float64).reshape(body.count("\n") + 1, -1)
    except (ImportError, ValueError, TypeError):
        return None
    letters = np.frombuffer(body.encode(), dtype=np.uint8)
    ends = letters[(letters == ord(",")) | (letters == ord("\n"))]
    # A line that is too short and one that is too long must not add up to two good ones.
    whole = np.flatnonzero(np.append(ends, ord("\n")) == ord("\n"))
    return table if (np.diff(whole) == table.shape[1]).all() else None


def _positions(names: Sequence[str], place: str) -> list[int]:
    """Where the six columns stand under a header."""
    time = next((names.index(name) for name in _TIME_NAMES if name in names), None)
    missing = [name for name in COLUMNS[1:] if name not in names]
    if time is None:
        missing.insert(0, "ts")
    if time is None or missing:
        what = f"{place}, line 1: there is no column {' and no column '.join(missing)}"
        raise DataError(f"{what} in {','.join(names)[:80]}", remedy=FORMAT)
    return [time, *(names.index(name) for name in COLUMNS[1:])]


def _bad_cell(body: str, wanted: Sequence[int], place: str, first: int) -> DataError | None:
    """The first line that is not what it should be; read again with patience, now that speed does not matter."""
    for number, cells in enumerate(csv.reader(body.splitlines()), start=first):
        if not cells:
            continue
        if len(cells) <= max(wanted):
            what = f"has {len(cells)} columns where {max(wanted) + 1} are needed"
            return DataError(f"{place}, line {number} {what}: {','.join(cells)[:60]}", remedy=FORMAT)
        for name, column in zip(COLUMNS, wanted, strict=True):
            if not _is_number(cells[column]):
                what = f'{name} is "{cells[column][:30]}", which is no number'
                return DataError(f"{place}, line {number}: {what}", remedy=f"correct or delete the line; {FORMAT}")
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _columnar(path: Path) -> FloatArray:
    """Parquet or Feather; pyarrow is an extra, and is imported only for these."""
    try:
        import pyarrow
        from pyarrow import feather, parquet
    except ImportError:
        remedy = "pip install hybridd[parquet], or convert the file to CSV"
        raise DataError(f"{path.name} needs pyarrow, which is not installed", remedy=remedy) from None
    read = parquet.read_table if path.name.lower().endswith(".parquet") else feather.read_table
    try:
        columns = read(path)
        positions = _positions([name.lower() for name in columns.column_names], path.name)
        return np.column_stack([_numbers(columns.column(k).to_numpy()) for k in positions])
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{path.name} cannot be read: {_line(error)}", remedy=FORMAT) from error


def _numbers(column: np.ndarray[tuple[int], np.dtype[np.generic]]) -> FloatArray:
    """A column as numbers; a column of dates as milliseconds."""
    if np.issubdtype(column.dtype, np.datetime64):
        return column.astype("datetime64[ms]").astype(np.int64).astype(np.float64)
    return column.astype(np.float64)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
