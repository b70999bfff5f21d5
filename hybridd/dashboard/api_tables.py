"""Downloads: a list as CSV, a page of the state at a time, harmless in a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from hybridd.clock import iso
from hybridd.dashboard.api_reads import Found, Row

TIMES = frozenset(
    {"candle_close", "made_at", "created_at", "expires_at", "entry_at", "exit_at", "open_time", "decided_at"}
)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def lines(pages: Iterator[Found]) -> Iterator[str]:
    """The text of a table with a heading; nothing for an empty list."""
    writer: Any = None
    for page in pages:
        out = io.StringIO()
        for row in page.rows:
            flat = _flat(row)
            if writer is None:
                head = list(flat)
                csv.writer(out, lineterminator="\r\n").writerow(head)
                writer = head
            csv.writer(out, lineterminator="\r\n").writerow([flat.get(name, "") for name in writer])
        yield out.getvalue()


def _flat(row: Row) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in row.items():
        if name == "layers":
            for layer, said in (value or {}).items():
                found[f"layer.{layer}"] = said["score"]
        elif name == "decision":
            for part in ("event", "actor", "channel", "at", "reason", "price"):
                found[f"decision.{part}"] = "" if value is None else _cell(f"decision.{part}", value[part])
        else:
            found[name] = _cell(name, value)
    return found


def _cell(name: str, value: object) -> object:
    if value is None:
        return ""
    if (name in TIMES or name == "decision.at") and isinstance(value, int):
        return iso(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    # A spreadsheet takes such a text for a formula and carries it out; numbers are no texts here.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
