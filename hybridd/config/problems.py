"""Problems of the settings: what each kind is called, and the one line that a person reads."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Whether the settings can be used in spite of a problem."""

    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """The stable id of each kind of problem; an id is never given to another kind."""

    UNKNOWN_KEY = "H001"
    WRONG_TYPE = "H002"
    BAD_VALUE = "H003"
    MISSING_KEY = "H004"
    BROKEN_FILE = "H005"
    MISSING_FILE = "H006"
    UNREADABLE_FILE = "H007"
    UNKNOWN_VARIABLE = "H008"
    NOT_AVAILABLE = "H009"
    INCOMPLETE = "H010"
    INCONSISTENT = "H011"
    UNKNOWN_CHANNEL = "H012"
    DUPLICATE = "H013"
    UNRESOLVED = "H014"
    EXPOSED = "H015"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the documentation says of a kind: its name, what it means, what to do."""

    slug: str
    meaning: str
    remedy: str


CATALOGUE: dict[Kind, Entry] = {
    Kind.UNKNOWN_KEY: Entry(
        slug="unknown-key",
        meaning="A section or key has a name that hybridd does not know; most often a slip of the pen.",
        remedy="Use the name that the message offers, or remove the line.",
    ),
    Kind.WRONG_TYPE: Entry(
        slug="wrong-type",
        meaning='A value is of another kind than its key wants: `"yes"` is no boolean, `1.5` is no whole number.',
        remedy="Write the value in the form that the table of keys gives.",
    ),
    Kind.BAD_VALUE: Entry(
        slug="bad-value",
        meaning="A value has the right kind but cannot be: out of range, no such choice, no such time zone, no symbol.",
        remedy="Choose a value from the range or the list that the message names.",
    ),
    Kind.MISSING_KEY: Entry(
        slug="missing-key",
        meaning="An entry of a list lacks a key that it cannot do without.",
        remedy="Add the key to that entry.",
    ),
    Kind.BROKEN_FILE: Entry(
        slug="broken-file",
        meaning="A file is not valid TOML; the message names the line and column where reading stopped.",
        remedy="Correct that place: often a missing quote or bracket, or a key written twice.",
    ),
    Kind.MISSING_FILE: Entry(
        slug="missing-file",
        meaning="The file given with `--config` is not there (an error), or there is none at the usual places and "
        "hybridd goes by its defaults (a warning).",
        remedy="Create it: `hybridd config example > hybridd.toml`.",
    ),
    Kind.UNREADABLE_FILE: Entry(
        slug="unreadable-file",
        meaning="A file is there but cannot be read by this user, or is no file at all.",
        remedy="Run as a user who may read it, or correct its owner and mode.",
    ),
    Kind.UNKNOWN_VARIABLE: Entry(
        slug="unknown-variable",
        meaning="An environment variable begins with `HYBRIDD_` but names no key. A warning where it resembles none.",
        remedy="Use the name that the message offers, or unset the variable.",
    ),
    Kind.NOT_AVAILABLE: Entry(
        slug="not-available",
        meaning="The key is reserved: what it would switch on does not exist in this version.",
        remedy="Leave it at its default; see the list of reserved keys.",
    ),
    Kind.INCOMPLETE: Entry(
        slug="incomplete",
        meaning="Something is switched on without all that it needs.",
        remedy="Fill in the key that the message names, or switch the section off.",
    ),
    Kind.INCONSISTENT: Entry(
        slug="inconsistent",
        meaning="Two values contradict each other. A warning where hybridd can still work.",
        remedy="Change one of the two.",
    ),
    Kind.UNKNOWN_CHANNEL: Entry(
        slug="unknown-channel",
        meaning="A route names a channel that does not exist.",
        remedy="Use a known channel, or define it under `[[channels]]`.",
    ),
    Kind.DUPLICATE: Entry(
        slug="duplicate",
        meaning="The same symbol, channel or severity is written twice.",
        remedy="Remove one of the two.",
    ),
    Kind.UNRESOLVED: Entry(
        slug="missing-secret",
        meaning="A secret is to come from a variable, file or credential that is absent, empty or unreadable. A "
        "warning for a credential where `$CREDENTIALS_DIRECTORY` is not set: only the service itself can see it.",
        remedy="Provide the secret there, or switch the section off.",
    ),
    Kind.EXPOSED: Entry(
        slug="exposed-secret",
        meaning="A secret can be read by others: by the mode of its file, or on its way over the network. A warning.",
        remedy="`chmod 600` the file, or use an encrypted connection.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem: `key` in dots ("" for a whole file), `source` a file or variable, `line` where it is certain."""

    id: str
    key: str
    source: str
    message: str
    line: int | None = None
    remedy: str = ""
    level: Level = Level.ERROR

    def __str__(self) -> str:
        """As a person reads it: place, key, what is wrong, id, remedy."""
        place = f"{self.source}:{self.line}" if self.line else self.source
        head = ": ".join(part for part in (place, self.key, self.message) if part)
        mark = self.id if self.level is Level.ERROR else f"{self.id} {self.level}"
        return f"{head} [{mark}]" + (f" → {self.remedy}" if self.remedy else "")


def errors(problems: list[Problem]) -> list[Problem]:
    """Those that stop hybridd from using the settings."""
    return [problem for problem in problems if problem.level is Level.ERROR]
