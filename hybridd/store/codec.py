"""Values to JSON text and back, exactly: what is read equals what was written."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from msgspec import Struct, structs, to_builtins
from msgspec.json import Encoder

T = TypeVar("T")
Reader = Callable[[Any], Any]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def to_text(value: object) -> str:
    """One JSON text for a value, the same for equal values: sorted keys, no spaces.

    Takes frozen dataclasses and structs, enums, mappings, sequences, numbers and text; a float that is not a number
    becomes null, an exact number text.
    Raises ValueError for an infinite one, which JSON cannot hold.
    """
    return _SORTED.encode(plain(value))


# Made once, where `json.dumps` makes one for each text; plain values have been made anew and hold no circle.
_SORTED = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"), sort_keys=True
)
_PLAIN = frozenset({type(None), bool, int, str})


def quick_text(value: object) -> str:
    """A JSON text of what `to_text` takes, which reads as its text does and is made in a tenth of the time.

    Sets, moments and bytes, which `to_text` does not take or takes for numbers, are not refused. It may be written
    otherwise (0.00001 for 1e-05, keys in their own order): not for what is hashed or compared.
    Raises ValueError for an infinite number.
    """
    text = in_order(value)
    # A float that is no number is null in it, as it should be; but so is an infinite one, which `to_text` refuses.
    return to_text(value) if "null" in text and _holds_infinite([to_builtins(value, enc_hook=plain)]) else text


def in_order(value: object) -> str:
    """The same without a look at the numbers, all of which must be finite: others become null."""
    return _QUICK.encode(value).decode()


def _holds_infinite(values: Iterable[Any]) -> bool:
    for value in values:
        kind = type(value)
        if kind is float:
            if math.isinf(value):
                return True
        elif kind in _SEVERAL and _holds_infinite(value.values() if kind is dict else value):
            return True
    return False


_SEVERAL = (dict, list, tuple)


def from_text(text: str) -> Any:  # noqa: ANN401 - JSON is whatever it is
    """The plain values of a JSON text."""
    return json.loads(text)


def plain(value: object) -> Json:
    """A value in JSON's own types."""
    kind: Any = type(value)
    if kind in _PLAIN:  # as most are
        return cast(Json, value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, int | str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if (names := _fields(kind)) is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    if hasattr(value, "item"):  # a number of numpy's
        return plain(value.item())
    raise ValueError(f"{type(value).__name__} {value!r} has no JSON form")


def _exactly(value: object) -> Json:
    """What msgspec does not know, in what it knows: its own types and no others made after them."""
    if isinstance(value, Enum):
        return _exactly(value.value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool | None | tuple):  # it knows them, but not as keys
        return str(value)
    return int.__int__(value) if isinstance(value, int) else plain(value)


_QUICK = Encoder(enc_hook=_exactly)


def read_as(kind: type[T], text: str) -> T:
    """The dataclass or struct `kind` of a text that `to_text` made of one.

    A field that the text lacks (it is younger than the row) takes its default; one that `kind` lacks is left out.
    """
    return cast(T, _reader(cast(Any, kind))(json.loads(text)))


@cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401 - type hints have no common type
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    read = next((found for option in options if (found := _reader_of_one(option))), None)
    if read is not None:
        inner = read
        return lambda data: None if data is None else inner(data)
    return _EXACT.get(kind, _same)


def _reader_of_one(kind: Any) -> Reader | None:  # noqa: ANN401 - as above
    if get_origin(kind) is tuple:
        item = _reader(get_args(kind)[0])
        return lambda data: tuple(map(item, data))
    if (optional := _fields(kind)) is not None:
        return _reader_of_fields(kind, optional)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return _decimal if kind is Decimal else None


def _reader_of_fields(kind: Any, optional: Mapping[str, bool]) -> Reader:  # noqa: ANN401 - as above
    hints = get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in optional}
    # A number that is missing is null in the text; where there is a default, it says the same.
    droppable = {name for name, default in optional.items() if default and hints[name] is float}

    def read(data: dict[str, Any]) -> Any:  # noqa: ANN401 - one of `kind`
        return kind(
            **{
                name: readers[name](value)
                for name, value in data.items()
                if name in readers and (value is not None or name not in droppable)
            }
        )

    return read


@cache
def _fields(kind: Any) -> Mapping[str, bool] | None:  # noqa: ANN401 - as above
    """The names of the fields, each with whether it has a default; None of what is neither dataclass nor struct."""
    if is_dataclass(kind):
        return {f.name: f.default is not MISSING for f in fields(kind)}
    if isinstance(kind, type) and issubclass(kind, Struct):
        return {f.name: not f.required for f in structs.fields(kind)}
    return None


def _same(data: Any) -> Any:  # noqa: ANN401 - JSON is whatever it is
    return data


def _float(data: Any) -> Any:  # noqa: ANN401 - as above
    return math.nan if data is None else data


def _decimal(data: Any) -> Any:  # noqa: ANN401 - as above
    return None if data is None else Decimal(data)


_EXACT: dict[Any, Reader] = {float: _float, Decimal: _decimal}
