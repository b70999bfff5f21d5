"""Each key's line, against texts whose lines are known."""

import re

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.config.lines import key_lines

TEXT = '''\
# comment with = and [brackets]
top = 1
[monitor] # [not.this]
symbols = [
  "A]/B", # "x"
  'C',
]
"quoted key" = 2
'literal' = """
[alerts]
cooldown = 1
"""

[market . context]
a.b . c = {x = 1, "y" = [1, {z = 2}]}
[[alerts.route]]
severity = ["info"]
[[alerts.route.steps]]
after = "0s"
[[alerts.route.steps]]
after = "1s"
[[alerts.route]]
severity = \'\'\'
it's'\'\'\'
[[alerts.route.steps]]
after = """a\\"""" # end
[alerts]
cooldown = "5m"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("monitor",), 3),
        (("monitor", "symbols"), 4),
        (("monitor", "symbols", 0), 5),
        (("monitor", "symbols", 1), 6),
        (("monitor", "quoted key"), 8),
        (("monitor", "literal"), 9),
        (("market", "context"), 14),
        (("market", "context", "a", "b", "c", "y", 1, "z"), 15),
        (("alerts", "route", 0), 16),
        (("alerts", "route", 0, "severity"), 17),
        (("alerts", "route", 0, "steps", 1, "after"), 21),
        (("alerts", "route", 1, "severity"), 23),
        (("alerts", "route", 1, "steps", 0, "after"), 26),
        (("alerts",), 27),
        (("alerts", "cooldown"), 28),
    ],
)
def test_the_line_of_a_key_is_where_it_is_written(path, line):
    assert key_lines(TEXT)[path] == line


def test_a_line_ending_of_windows_counts_once():
    assert key_lines(TEXT.replace("\n", "\r\n")) == key_lines(TEXT)


@pytest.mark.parametrize("text", ["a = ", "[a", 'a = "x', "a = [1, 2", "= 1", "a = {b = 1", 'a = """x'])
def test_a_broken_text_has_no_lines(text):
    assert key_lines(text) == {}


names = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.text(max_size=5))
scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)
tables = st.dictionaries(names, st.one_of(values, st.dictionaries(names, values, max_size=3)), max_size=5)


def quoted(text: str) -> str:
    escape = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}
    return '"' + "".join(escape.get(c, c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in text) + '"'


def named(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


class Writer:
    """Writes a tree as TOML in a loose style, one token a line where that is allowed, and notes each key's line."""

    def __init__(self, tree: dict) -> None:
        self.text, self.lines = "# = [x]\r\n\n", {}
        for name, value in sorted(tree.items(), key=lambda item: isinstance(item[1], dict)):
            if isinstance(value, dict):
                self.note((name,))
                self.text += f"[ {named(name)} ] # {name!r}\n"
                for inner, leaf in value.items():
                    self.pair((name,), inner, leaf, "\n")
            else:
                self.pair((), name, value, "\n")

    def note(self, path: tuple) -> None:
        self.lines[path] = self.text.count("\n") + 1

    def pair(self, table: tuple, name: str, value: object, end: str) -> None:
        self.note((*table, name))
        self.text += f"{named(name)} = "
        self.value((*table, name), value)
        self.text += end

    def value(self, path: tuple, value: object) -> None:
        if isinstance(value, dict):
            self.text += "{"
            for index, (name, inner) in enumerate(value.items()):
                self.text += ", " if index else ""
                self.pair(path, name, inner, "")
            self.text += "}"
        elif isinstance(value, list):
            self.text += "[ # [\n"
            for index, inner in enumerate(value):
                self.note((*path, index))
                self.value((*path, index), inner)
                self.text += " ,\n\n"
            self.text += "]"
        elif isinstance(value, str):
            self.text += quoted(value)
        else:
            self.text += str(value).lower() if isinstance(value, bool) else repr(value)


@settings(max_examples=120, deadline=None)
@given(tables)
def test_every_key_of_any_text_is_found_on_its_line(tree):
    writer = Writer(tree)
    # The comment must not break the line, so names that hold one are shown escaped by repr.
    assert tomli.loads(writer.text) == tree
    assert key_lines(writer.text) == writer.lines
