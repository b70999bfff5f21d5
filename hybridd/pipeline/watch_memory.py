"""What the second watcher remembers from one run to the next: a small JSON file of its own, apart from the state."""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hybridd.store.files import write_whole

FILE = "check.json"
_LARGEST = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A trouble that lasts: `told` counts the rounds of telling. Times in ms UTC.

    `gone_since` is when it was first not seen any more (-1: it is there); its end is told after `quiet_ms` of that.
    """

    id: str
    subject: str
    severity: str
    detail: str
    remedy: str
    since: int
    told: int = 0
    gone_since: int = -1
    quiet_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that is to be told, to everybody, once. `done`: "channel recipient" of those who need it no more."""

    key: str
    id: str
    trouble: str
    title: str
    text: str
    severity: str
    created_at: int
    expires_at: int
    done: tuple[str, ...] = ()
    attempts: int = 0
    next_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTold:
    """When it was last told that a unit died, ms UTC, of which ways to die, and how often it died since unspoken."""

    at: int
    more: int = 0
    ways: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Memory:
    """All of it. `ended` maps the key of a trouble to its end; `starts` a start of the daemon to when it was seen.

    `accounted`: up to which change of the state none was missing.
    """

    saved_at: int = 0
    sound_at: int = 0
    accounted: int = 0
    starts: dict[str, int] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    units: dict[str, UnitTold] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)


def places(asked: Path | None, state: Path | None, environ: Mapping[str, str]) -> list[Path]:
    """Where the memory may be kept, best first: the last resorts keep a full disk from making it tell every minute."""
    main = asked or (state.absolute().parent / FILE if state else None)
    runtime = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    # Named after the first place: another hybridd on this machine must not take it for its own.
    mark = hashlib.sha256(str(main).encode()).hexdigest()[:12]
    found = [main, Path(runtime) / FILE if runtime else None]
    found.append(Path(tempfile.gettempdir()) / f"hybridd-check-{os.geteuid()}-{mark}.json")
    return [path for path in found if path is not None]


def recall(paths: Sequence[Path]) -> Memory:
    """The newest memory in any of the places; an empty one where there is none that can be read."""
    return max((_read(path) for path in paths), key=lambda memory: memory.saved_at)


def remember(memory: Memory, paths: Sequence[Path], now: int) -> Path | None:
    """Write the memory in the first place that takes it, and clear the later ones; None where none does."""
    memory.saved_at = now
    text = _adapter().dump_json(memory, indent=1).decode()
    for number, path in enumerate(paths):
        try:
            write_whole(path, text)
        except OSError:
            continue
        for later in paths[number + 1 :]:
            with suppress(OSError):
                later.unlink()
        return path
    return None


@cache
def _adapter() -> TypeAdapter[Memory]:
    return TypeAdapter(Memory)


def _read(path: Path) -> Memory:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            # In a folder that everybody may write to, a file may be anybody's.
            if os.fstat(handle).st_uid not in {os.geteuid(), path.parent.stat().st_uid}:
                return Memory()
            return _adapter().validate_json(file.read(_LARGEST))
    except (OSError, ValidationError):
        return Memory()
