"""The line on which each key of a TOML text stands."""

import re
from bisect import bisect_left

import tomli

from hybridd.config.keys import KeyPath

_SPACE = re.compile(r"[ \t\r\n]*(?:#[^\n]*\n?[ \t\r\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LITERAL = re.compile(r"'[^'\n]*'")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LONG_LITERAL = re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL)
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}(?!")', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table, array entry and key in a valid TOML text.

    What the text holds is taken from the parser: a place that it does not know is left out rather than guessed.
    """
    scanner = _Scanner(text)
    try:
        scanner.document()
        parsed: object = tomli.loads(text)
    except (LookupError, ValueError, RecursionError):
        return {}
    return {path: line for path, line in scanner.lines.items() if _exists(parsed, path)}


def _exists(tree: object, path: KeyPath) -> bool:
    for part in path:
        in_table = isinstance(tree, dict) and part in tree
        in_list = isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        if not in_table and not in_list:
            return False
        tree = tree[part]  # type: ignore[index]  # one of the two it is
    return True


class _Scanner:
    """Walks through one text from its start; `lines` has what it passed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self.lines: dict[KeyPath, int] = {}
        self._entries: dict[KeyPath, int] = {}

    def document(self) -> None:
        """The whole text: tables with their keys."""
        table: KeyPath = ()
        self._take(_SPACE)
        while self.at < len(self.text):
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)
            self._take(_SPACE)

    def _header(self) -> KeyPath:
        many = self._peek("[[")
        start = self.at
        self.at += 2 if many else 1
        names = self._key()
        self.at += 2 if many else 1
        *parents, last = names
        path: KeyPath = ()
        for name in parents:
            path = self._entered((*path, name))
        path = (*path, last)
        self._note(path, start)
        if many:
            self._entries[path] = self._entries.get(path, -1) + 1
        path = self._entered(path)
        self._note(path, start)
        return path

    def _entered(self, path: KeyPath) -> KeyPath:
        # [a.b] after [[a]] belongs to the newest entry of a.
        return (*path, self._entries[path]) if path in self._entries else path

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path, start)
        self.at += 1  # the equals sign
        self._take(_SPACE)
        self._value(path)

    def _key(self) -> list[str]:
        names = []
        while True:
            self._take(_SPACE)
            names.append(self._name())
            self._take(_SPACE)
            if not self._peek("."):
                return names
            self.at += 1

    def _name(self) -> str:
        if self._peek("'"):
            return self._must(_LITERAL)[1:-1]
        if self._peek('"'):
            return str(tomli.loads(f"name = {self._must(_BASIC)}")["name"])
        return self._must(_BARE)

    def _value(self, path: KeyPath) -> None:
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline_table(path)
        else:
            self._must(self._string() or _SCALAR)

    def _string(self) -> re.Pattern[str] | None:
        for opening, pattern in (("'''", _LONG_LITERAL), ('"""', _LONG_BASIC), ("'", _LITERAL), ('"', _BASIC)):
            if self._peek(opening):
                return pattern
        return None

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        self._take(_SPACE)
        index = 0
        while not self._peek("]"):
            self._note((*path, index), self.at)
            self._value((*path, index))
            index += 1
            self._comma()
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        self._take(_SPACE)
        while not self._peek("}"):
            self._pair(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        self._take(_SPACE)
        if self._peek(","):
            self.at += 1
            self._take(_SPACE)
        elif not self._peek("]") and not self._peek("}"):
            raise ValueError(f"neither comma nor end at {self.at}")

    def _note(self, path: KeyPath, at: int) -> None:
        self.lines.setdefault(path, bisect_left(self._breaks, at) + 1)

    def _peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _take(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self.text, self.at):
            self.at = match.end()

    def _must(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"no {pattern.pattern} at {self.at}")
        self.at = match.end()
        return match[0]
