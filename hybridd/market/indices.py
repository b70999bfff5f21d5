"""Indices by HTTP: the Fear & Greed index as alternative.me tells it, macro series as FRED does."""

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from hybridd.clock import as_datetime, as_ms
from hybridd.errors import FeedError, FeedUnavailable, HttpFailed, RateLimited
from hybridd.market.context import Given, Value, number, sifted
from hybridd.market.publication import DAY_MS
from hybridd.model.context import FEAR_GREED, MACRO

TIMEOUT_S = 10.0
PAUSE_S = 600.0
"""How long to stay away after a 429 that names no time."""
YEARS_MS = 6 * 365 * DAY_MS
"""How far back macro series are asked for."""
OVERLAP_MS = 30 * DAY_MS
"""Asked for again each time: a source that was late fills in days that others have passed."""

# FRED's ids. Of the gold price it publishes none any more; a mirror that has one is taken at its word.
ASKED = {"DTWEXBGS": "dxy", "VIXCLS": "vix", "SP500": "sp500", "DGS10": "us10y"}
KNOWN = {**ASKED, "GOLDAMGBD228NLBM": "gold", "GOLDPMGBD228NLBM": "gold"}
_DATES = ("observation_date", "date")


class FearGreed:
    """The Fear & Greed index, 0 (extreme fear) to 100; a day's value is stamped with the day's beginning."""

    name = "the Fear & Greed index"
    series: tuple[str, ...] = (FEAR_GREED,)
    per_market = False
    interval_s = 3600
    offset_s = 890

    def __init__(self, url: str) -> None:
        self._url = url

    def fetch(self, symbol: str, newest: int, now: int) -> Given:  # noqa: ARG002  # one for all markets
        days = 0 if newest < 0 else max(1, (now - newest + OVERLAP_MS) // DAY_MS)  # 0 means all of them there
        text = _get(_with(self._url, {"limit": str(days), "format": "json"}), self.name)
        try:
            data = json.loads(text)["data"]
            rows = [(number(entry["timestamp"]), number(entry["value"])) for entry in data]
        except (ValueError, KeyError, TypeError) as error:
            raise FeedUnavailable(f"{self.name} has another form than alternative.me's: {_short(text)}") from error
        values, refused = sifted(FEAR_GREED, self.name, [(_ms(at), value) for at, value in rows], now)
        return Given(values={FEAR_GREED: _some(values, self.name)}, refused=refused)


class MacroSeries:
    """The dollar, the VIX, the S&P 500 and the 10-year yield (percent), as FRED's graphs give them in CSV.

    A day's value is stamped with the day's beginning, UTC.
    """

    name = "macro series"
    series: tuple[str, ...] = MACRO
    per_market = False
    interval_s = 6 * 3600
    offset_s = -60

    def __init__(self, url: str) -> None:
        self._url = url

    def fetch(self, symbol: str, newest: int, now: int) -> Given:  # noqa: ARG002  # one for all markets
        start = now - YEARS_MS if newest < 0 else newest - OVERLAP_MS
        query = {"id": ",".join(ASKED), "cosd": as_datetime(start).date().isoformat()}
        text = _get(_with(self._url, query), self.name)
        columns = _columns(text)
        values: dict[str, list[Value]] = {}
        doubts: list[str] = []
        for name, rows in columns.items():
            try:
                found, refused = sifted(name, self.name, rows, now)
            except FeedError as error:
                found, refused = [], str(error)  # one series gone wrong must not take the others along
            values[name] = found
            doubts += [refused] if refused else []
        if not any(values.values()):
            raise FeedUnavailable(doubts[0] if doubts else f"{self.name} hold no value: {_short(text)}")
        return Given(values=values, refused="; ".join(doubts))


def _columns(text: str) -> dict[str, list[tuple[object, object]]]:
    """Our names to (instant, value) rows; raises FeedUnavailable for what is no CSV of FRED's."""
    lines = list(csv.reader(text.lstrip("\ufeff").splitlines()))
    head = [cell.strip() for cell in lines[0]] if lines else []
    places = {KNOWN[cell.upper()]: place for place, cell in enumerate(head) if cell.upper() in KNOWN}
    if not head or head[0].lower() not in _DATES or not places:
        raise FeedUnavailable(f"macro series have another form than FRED's: {_short(text)}")
    rows = [line for line in lines[1:] if line]
    return {name: [_cell(line, place) for line in rows if _present(line, place)] for name, place in places.items()}


def _present(line: list[str], place: int) -> bool:
    """FRED writes "." (of late nothing) for a day without a value."""
    return len(line) <= place or line[place].strip() not in {".", ""}


def _cell(line: list[str], place: int) -> tuple[object, object]:
    value: object = number(line[place].strip()) if len(line) > place else "nothing"
    try:
        return as_ms(datetime.strptime(line[0].strip(), "%Y-%m-%d").replace(tzinfo=UTC)), value
    except ValueError:
        return line[0], value


def _ms(seconds: object) -> object:
    return seconds * 1000 if isinstance(seconds, int | float) else seconds


def _some(values: list[Value], source: str) -> list[Value]:
    if not values:
        raise FeedUnavailable(f"{source} holds no value")
    return values


def _get(url: str, what: str) -> str:
    # Its library costs a third of a second to import: only who asks pays for it, after READY.
    from hybridd.http_client import fetch, mask_url

    try:
        response = fetch("GET", url, timeout=TIMEOUT_S)
    except HttpFailed as error:
        raise FeedUnavailable(f"{what}: {error.message}", remedy=error.remedy) from error
    if response.status == 429:
        pause = response.retry_after or PAUSE_S
        raise RateLimited(f"{mask_url(url)} wants no request for {pause:g} s: {what} must wait", retry_after=pause)
    if not response.ok:
        raise FeedUnavailable(f"{mask_url(url)} did not give {what}: HTTP {response.status}")
    return response.text


def _with(url: str, query: Mapping[str, str]) -> str:
    """An address with `query` added to its own, which stands where both have a key."""
    parts = urlsplit(url)
    own = dict(parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit(parts._replace(query=urlencode({**query, **own}, safe=",")))


def _short(text: str) -> str:
    return f'it begins "{" ".join(text[:200].split())[:60]}"' if text.strip() else "it is empty"
