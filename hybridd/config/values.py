"""Values that settings are made of: durations, symbols, addresses, URLs; each read from text and checked."""

import re
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, PlainSerializer, PlainValidator, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from hybridd.model.instrument import parse_instrument
from hybridd.model.timeframe import TimeFrame, parse_timeframe

T = TypeVar("T")
List = Annotated[tuple[T, ...], Strict(False)]
"""A TOML array, kept as a tuple: the outer kind is converted, the entries stay strict."""

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_LONGEST_MS = 3_653 * 86_400_000


@dataclass(frozen=True, slots=True)
class Form:
    """How the documentation names a value that is written as text."""

    text: str


def refusal(message: str, remedy: str = "") -> PydanticCustomError:
    """The error that a check in this file raises; `message` must never hold a secret."""
    return PydanticCustomError("hybridd", "{message}", {"message": message, "remedy": remedy})


def parse_duration(value: object) -> int:
    """Milliseconds of "0s", "15m", "2h", "1d" or "1w"; a number without a unit is refused as ambiguous."""
    match = re.fullmatch(r"(\d{1,9})([smhdw])", value.strip()) if isinstance(value, str) else None
    if match is None:
        raise refusal("must be a duration in quotes", 'write a number and a unit: "30s", "15m", "2h", "1d"')
    if (ms := int(match[1]) * _UNIT_MS[match[2]]) > _LONGEST_MS:
        raise refusal("must not be longer than ten years")
    return ms


def duration_text(ms: int) -> str:
    """The shortest text of a duration: 900000 is "15m", 0 is "0s"."""
    for unit in ("w", "d", "h", "m"):
        if ms and ms % _UNIT_MS[unit] == 0:
            return f"{ms // _UNIT_MS[unit]}{unit}"
    return f"{ms // 1_000}s"


def _some_time(ms: int) -> int:
    if ms == 0:
        raise refusal("must be longer than nothing", 'write for example "15m"')
    return ms


def _timeframe(value: object) -> TimeFrame:
    if isinstance(value, TimeFrame):
        return value
    try:
        return parse_timeframe(value if isinstance(value, str) else "")
    except ValueError:
        raise refusal("must be a time frame in quotes", 'write "1m", "5m", "15m", "1h", "4h" or "1d"') from None


def _symbol(value: str) -> str:
    try:
        parse_instrument(value)
    except ValueError as error:
        raise refusal(str(error)) from None
    return value


def _line(value: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise refusal("must be one line without control characters")
    return value


def _zone(value: str) -> str:
    try:
        if value != "UTC":  # known even where no zone files are installed
            ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal(f'"{value}" is no time zone', 'use an IANA name such as "Europe/Berlin" or "UTC"') from None
    return value


def _quiet_hours(value: str) -> str:
    match = re.fullmatch(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)", value)
    if value and (match is None or match[1] == match[2]):
        raise refusal("must be a span of the day", 'write "23:00-07:00", or "" for none')
    return value


def is_address(text: str) -> bool:
    """Whether `text` looks like one e-mail address: something@a.domain, no spaces or brackets."""
    return re.fullmatch(r"[^@\s,;<>\"()]+@[^@\s,;<>\"().]+(\.[^@\s,;<>\"().]+)*", text) is not None


def is_within(clock: str, span: str) -> bool:
    """Whether a time of the day ("11:00") lies in a span of it ("23:00-07:00"); in "" nothing does."""
    begin, _, end = span.partition("-")
    return bool(span) and (begin <= clock < end if begin < end else clock >= begin or clock < end)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def parse_drill(value: str) -> tuple[int, int] | None:
    """Weekday (0 is Monday) and minute of the day of "sun 11:00"; None for ""."""
    match = re.fullmatch(rf"({'|'.join(WEEKDAYS)}) ([01]\d|2[0-3]):([0-5]\d)", value)
    if value and match is None:
        raise refusal("must be a day of the week and a time", 'write "sun 11:00", or "" for none')
    return None if match is None else (WEEKDAYS.index(match[1]), int(match[2]) * 60 + int(match[3]))


def _drill(value: str) -> str:
    parse_drill(value)
    return value


def _address(value: str) -> str:
    if value and not is_address(value):
        raise refusal(f'"{value}" is no e-mail address', "write it as name@example.org")
    return value


def _addresses(value: str) -> str:
    for part in value.split(",") if value else ():
        if not is_address(part.strip()):
            raise refusal(f'"{part.strip()}" is no e-mail address', "write name@example.org, several with commas")
    return value


def _numbers(value: str) -> str:
    for part in value.split(",") if value else ():
        if not is_number(part.strip()):
            remedy = "write it as +4915112345678, with the country and without spaces; several with commas"
            raise refusal(f'"{part.strip()}" is no phone number', remedy)
    return value


def is_number(text: str) -> bool:
    """Whether `text` is a phone number as the whole world dials it (E.164)."""
    return re.fullmatch(r"\+[1-9]\d{6,14}", text) is not None


def _sms_sender(value: str) -> str:
    name = re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", value)
    short_code, service = re.fullmatch(r"\d{3,8}", value), re.fullmatch(r"MG[0-9a-fA-F]{32}", value)
    if value and not (is_number(value) or name or short_code or service):
        remedy = "write +4915112345678, a short code, a name of at most 11 letters, or Twilio's MG… of a service"
        raise refusal(f'"{value}" cannot be the sender of an SMS', remedy)
    return value


def _host(value: str) -> str:
    if not re.fullmatch(r"[\w.-]*|[0-9A-Fa-f:.]+", value) or re.fullmatch(r"[^:]+:\d+", value):
        raise refusal("must be the name of a host alone", "no scheme and no port: smtp.example.org")
    return value


def is_web(url: str) -> bool:
    """Whether `url` is an http or https URL with a host and a port that can be."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        return sound and re.search(r"\s", url) is None
    except ValueError:
        return False


def web(value: str) -> str:
    """A web address or nothing, as it was written."""
    if value and not is_web(value):
        raise refusal("must be a web address", "it begins with https:// or http:// and has a host")
    return value


def _origin(value: str) -> str:
    if value and (not is_web(value) or not re.fullmatch(r"https?://[^/?#@]+/?", value)):
        raise refusal("must be a scheme and a host", "write https://mirror.example.org, without a path or a login")
    return value.rstrip("/")


Line = Annotated[str, AfterValidator(_line)]
"""Text on one line."""
_as_duration = (
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,9}[smhdw]$"}),
)
Milliseconds = Annotated[int, Form('duration, such as "15m"'), PlainValidator(parse_duration), *_as_duration]
"""A duration, written "15m" and held in ms."""
SomeTime = Annotated[
    int,
    Form('duration above 0, such as "15m"'),
    PlainValidator(parse_duration),
    AfterValidator(_some_time),
    *_as_duration,
]
"""A duration that is not zero, in ms."""
Frame = Annotated[
    TimeFrame,
    Form('time frame, such as "5m"'),
    PlainValidator(_timeframe),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,4}[smhdw]$"}),
]
Symbol = Annotated[Line, Form('symbol, such as "BTC/USDT"'), AfterValidator(_symbol)]
Zone = Annotated[Line, Form("IANA time zone"), AfterValidator(_zone)]
QuietHours = Annotated[str, Form('"HH:MM-HH:MM" or ""'), AfterValidator(_quiet_hours)]
DrillTime = Annotated[str, Form('"DAY HH:MM" or ""'), AfterValidator(_drill)]
Address = Annotated[str, Form("e-mail address"), AfterValidator(_address)]
Addresses = Annotated[str, Form("e-mail addresses with commas"), AfterValidator(_addresses)]
Numbers = Annotated[str, Form("phone numbers with commas"), AfterValidator(_numbers)]
SmsSender = Annotated[str, Form("phone number or sender's name"), AfterValidator(_sms_sender)]
Host = Annotated[str, Form("host name"), AfterValidator(_host)]
WebUrl = Annotated[Line, Form("http(s) URL"), AfterValidator(web)]
WebOrigin = Annotated[Line, Form("http(s) scheme and host"), AfterValidator(_origin)]
