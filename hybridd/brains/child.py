"""Runs one command with a question on its standard input, and takes its answer, within limits of time and size."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import IO

from hybridd.errors import BrainError

MOST_BYTES = 1_000_000
TAIL_BYTES = 2_000
_CHUNK = 65_536
_GLANCE = 0.1  # seconds between two looks at whether it still runs


def run_child(command: Sequence[str], question: bytes, timeout: float, name: str) -> bytes:
    """What the command printed. Raises BrainError for an exit code, more than 1 MB, or `timeout` seconds gone.

    The command leads a process group of its own, and whatever is left of that group is killed in the end.
    """
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise BrainError(f"the brain {name} does not start: {error}", remedy="check that it may be run") from error
    try:
        with child:
            try:
                printed, notes = _talk(child, question, time.monotonic() + timeout, name)
                return _checked(child, printed, notes, name)
            finally:
                _kill(child)
    except TimeoutError as error:
        raise BrainError(
            f"the brain {name} gave no answer within {timeout:g} s and was stopped", remedy="make it faster"
        ) from error


def _checked(child: subprocess.Popen[bytes], printed: bytes, notes: bytes, name: str) -> bytes:
    if child.returncode == 0:
        return printed
    last = notes.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing on standard error"]
    how = f"exit code {child.returncode}" if child.returncode > 0 else f"signal {-child.returncode}"
    raise BrainError(f"the brain {name} ended with {how}: {last[0][:200]}", remedy="run it by hand to see why")


def _talk(child: subprocess.Popen[bytes], question: bytes, deadline: float, name: str) -> tuple[bytes, bytes]:
    """Write and read at once, so that neither side waits for the other; raises TimeoutError at the deadline."""
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    printed, notes, left = bytearray(), bytearray(), memoryview(question)
    with selectors.DefaultSelector() as ready:
        for pipe, event in (
            (child.stdin, selectors.EVENT_WRITE),
            (child.stdout, selectors.EVENT_READ),
            (child.stderr, selectors.EVENT_READ),
        ):
            os.set_blocking(pipe.fileno(), False)
            ready.register(pipe, event)
        while ready.get_map():
            events = ready.select(min(_remaining(deadline), _GLANCE))
            if not events and child.poll() is not None:
                break  # it ended, and what still holds its pipes open is a child it left behind
            for key, _ in events:
                if key.fileobj is child.stdin:
                    left = _written(child.stdin, left)
                    done = not left
                else:
                    chunk = os.read(key.fd, _CHUNK)
                    done = not chunk
                    if key.fileobj is child.stdout:
                        printed += chunk
                    else:
                        notes = (notes + chunk)[-TAIL_BYTES:]
                if done:
                    _finish(ready, key.fileobj)
            if len(printed) > MOST_BYTES:
                raise BrainError(
                    f"the brain {name} printed more than {MOST_BYTES:,} bytes", remedy="print the answer only"
                )
    try:
        child.wait(_remaining(deadline))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    return bytes(printed), bytes(notes)


def _finish(ready: selectors.BaseSelector, pipe: object) -> None:
    ready.unregister(pipe)  # type: ignore[arg-type]
    pipe.close()  # type: ignore[attr-defined]


def _written(pipe: IO[bytes], left: memoryview) -> memoryview:
    """What is still to be written; nothing where the command does not want to hear the rest."""
    try:
        return left[os.write(pipe.fileno(), left[:_CHUNK]) :]
    except BrokenPipeError:
        return memoryview(b"")


def _remaining(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill the whole group: a shell's children would live on, and hold the pipes."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # gone already; macOS says the second of a group of dead
        return
