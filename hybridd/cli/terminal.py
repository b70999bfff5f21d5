"""What is at the other end of the output: another alphabet than UTF-8, a reader that hangs up, a full disk."""

import codecs
import errno
import os
import sys

_PLAIN = str.maketrans({
    "→": "->", "–": "-", "─": "-", "·": ".", "┊": "|", "█": "#", "✓": "+", "✗": "x", "×": "x", "σ": "sigma", "…": "...",
    "▁": "_", "▂": "_", "▃": "-", "▄": "-", "▅": "=", "▆": "=", "▇": "#", "•": "*",
})  # fmt: skip
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def speak_any_alphabet() -> None:
    """Let standard output and error write something like what they cannot write, in place of failing."""
    codecs.register_error("hybridd", _likeness)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream put in their place may have none
        if reconfigure is not None:
            reconfigure(errors="hybridd")


def _likeness(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "replace").decode("ascii"), error.end


def speaks_unicode() -> bool:
    """Whether standard output takes every character."""
    return codecs.lookup(sys.stdout.encoding or "ascii").name.startswith("utf")


def hang_up() -> None:
    """Give up on standard output: what is left in it goes nowhere, so that the end of the program is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    finally:
        os.close(nowhere)
