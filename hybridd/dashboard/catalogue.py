"""Catalogues: a .po file, which people read and write, as the binary that Python's gettext understands."""

import ast
import io
import struct
from collections.abc import Iterator

_MAGIC = 0x950412DE


def entries(text: str) -> Iterator[tuple[str, str]]:
    """Message and translation of each entry, several forms joined by NUL as in the binary; the head has message ""."""
    for block in text.split("\n\n"):
        parts: dict[str, str] = {}
        key, fuzzy = "", False
        for line in map(str.strip, block.splitlines()):
            if line.startswith("#"):
                fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
            elif line:
                name, _, rest = line.partition(" ")
                key, said = (key, line) if line.startswith('"') else (name, rest)
                parts[key] = parts.get(key, "") + str(ast.literal_eval(said))
        forms = [parts[name] for name in sorted(parts) if name.startswith("msgstr")]
        if "msgid" in parts and not fuzzy:
            ids = [parts["msgid"], *([parts["msgid_plural"]] if "msgid_plural" in parts else [])]
            yield "\0".join(ids), "\0".join(forms)


def compiled(text: str) -> io.BytesIO:
    """The binary of a .po file: a head, two tables of lengths and places, the texts. Untranslated ones are left out."""
    found = sorted((i.encode(), t.encode()) for i, t in entries(text) if t.strip("\0"))
    place = 28 + 16 * len(found)
    tables: list[bytes] = []
    texts: list[bytes] = []
    for column in range(2):
        for entry in found:
            tables.append(struct.pack("<II", len(entry[column]), place))
            texts.append(entry[column] + b"\0")
            place += len(texts[-1])
    head = struct.pack("<7I", _MAGIC, 0, len(found), 28, 28 + 8 * len(found), 0, 28 + 16 * len(found))
    return io.BytesIO(head + b"".join(tables) + b"".join(texts))
