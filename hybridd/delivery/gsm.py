"""One line of at most 160 characters of the GSM alphabet, so that an SMS is one segment (3GPP TS 23.038)."""

import unicodedata
from collections.abc import Iterable, Sequence

LENGTH = 160
_ALPHABET = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
# Brackets and braces are in the alphabet's extension: they cost two characters each.
_PLAIN = {
    "→": "->", "←": "<-", "–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "·": "-",
    "≥": ">=", "≤": "<=", "±": "+-", "×": "x", "€": "EUR", "[": "(", "]": ")", "{": "(", "}": ")", "\\": "/", "|": "/",
    "~": "-", "^": "-", "`": "'", "\u00a0": " ", "\u202f": " ",
}  # fmt: skip


def gsm(text: str) -> str:
    """The text in the basic alphabet on one line: signs written out, accents dropped where need be, the rest "?"."""
    whole = text.encode(errors="replace").decode()  # half a sign is "?", as in the other lengths
    written = "".join(_PLAIN.get(char, char) for char in whole)
    return " ".join("".join(_letter(char) for char in written).split())


def one_segment(head: str, more: Iterable[str] = (), *, tail: str = "", shorter: Sequence[str] = ()) -> str:
    """`head`, then as many of `more` as still fit, whole, in their order, then `tail`, which always fits.

    Where the head is too long the first of `shorter` that is not takes its place; if all are, the last is cut.
    """
    end = f". {gsm(tail)}" if tail else ""
    room = LENGTH - len(end)
    heads = [gsm(one) for one in (head, *shorter)]
    line = next((one for one in heads if len(one) <= room), f"{heads[-1][: room - 3].rstrip()}...")
    for part in more:
        longer = f"{line}. {gsm(part)}"
        if len(longer) <= room:
            line = longer
    return line + end


def segments(text: str) -> int:
    """How many SMS a text costs: one takes 160 characters of the alphabet or 70 of others, fewer where it is split."""
    if all(char in _ALPHABET or char in _EXTENSION for char in text):
        size, alone, each = sum(2 if char in _EXTENSION else 1 for char in text), LENGTH, 153
    else:
        size, alone, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if size <= alone else -(-size // each)


def _letter(char: str) -> str:
    if char in _ALPHABET:
        return char
    if char.isspace() or not char.isprintable():
        return " "
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base in _ALPHABET else "?"
