"""The key that answers to proposals are made from: a file of its own, beside the state and not in it."""

import os
import secrets
from pathlib import Path

from hybridd.errors import StoreUnusable

NAME = "answer.key"
BYTES = 32


def answer_key(state: Path | None) -> bytes:
    """The key of a state, made where there is none (0600); of a passing state a passing one.

    Raises StoreUnusable where it can neither be read nor made.
    """
    if state is None:
        return secrets.token_bytes(BYTES)
    path = state.with_name(NAME)
    try:
        _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be used: {error.strerror}", remedy="give it to hybridd's user") from error
    if len(key) != BYTES:
        raise StoreUnusable(f"{path} is no key", remedy="remove it: open links then no longer answer")
    return key


def _make(path: Path) -> None:
    # Written aside and then linked: of two that start at once, both read the one that was first.
    if path.exists():
        return
    aside = path.with_name(f".{NAME}.{os.getpid()}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink(missing_ok=True)
