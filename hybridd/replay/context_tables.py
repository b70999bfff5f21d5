"""Reads the files of recorded context: a column of times and columns of values."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hybridd.errors import DataError
from hybridd.model.candle import FloatArray, IntArray

ENDINGS = (".csv", ".csv.gz")
_FORMAT = "the columns are ts (ms UTC) and one a value"


def files_named(folder: Path, part: str, endings: tuple[str, ...] = ENDINGS) -> Iterator[Path]:
    """The files whose name holds `part` and ends in one of `endings`, in order; raises DataError without the folder."""
    if not folder.is_dir():
        raise DataError(f'there is no folder "{folder}"', remedy="name the folder of the recorded files")
    for path in sorted(folder.iterdir()):
        if path.name.lower().endswith(endings) and part in path.name.lower():
            yield path


def column(path: Path, names: tuple[str, ...]) -> tuple[IntArray, FloatArray]:
    """Times (ms UTC) and the first of the columns `names` that the file has; rows without a value are left out.

    Raises DataError with file, line and remedy for a file or line that cannot be read.
    """
    titles = header(path)
    name = next((name for name in names if name in titles), None)
    if name is None or "ts" not in titles:
        wanted = "ts" if name is not None else " or ".join(names)
        raise DataError(f"{path.name}, line 1: there is no column {wanted}", remedy=_FORMAT)
    times, values = [], []
    for number, row in _rows(path):
        try:
            cell = row[titles.index(name)].strip()
            if cell:
                values.append(float(cell))
                times.append(int(float(row[titles.index("ts")])))
        except (ValueError, IndexError, OverflowError) as error:
            text = ",".join(row)[:60]
            raise DataError(f"{path.name}, line {number} is no row of numbers: {text}", remedy=_FORMAT) from error
    found = np.array(values, dtype=np.float64)
    finite = np.isfinite(found)
    return np.array(times, dtype=np.int64)[finite], found[finite]


def header(path: Path) -> list[str]:
    """The names of a file's columns, in small letters."""
    first = _text(path).partition("\n")[0]
    return [cell.strip().lower() for cell in first.split(",")]


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines after the header that hold anything, with their numbers."""
    for number, row in enumerate(csv.reader(io.StringIO(_text(path))), start=1):
        if number > 1 and row:
            yield number, row


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.name.lower().endswith(".gz") else data).decode("utf-8-sig")
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is damaged ({error})", remedy="fetch the file again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", remedy="check the path") from error
