"""The documentation says what the program does: every name is in it, and nothing in it is invented."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from hybridd.config.keys import all_keys, entry_keys
from hybridd.config.problems import Kind
from hybridd.daemon.journal import EVENTS
from hybridd.model.change import Reason, Suppression
from hybridd.pipeline.checkup import CHECKS
from hybridd.pipeline.second_watch import INVARIANTS
from tests.command_tree import commands, meanings
from tests.generate import GENERATED

ROOT = Path(__file__).resolve().parent.parent


@cache
def repository() -> tuple[str, ...]:
    """Every file that belongs to the project; whatever is ignored does not."""
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, timeout=20
    )  # fmt: skip
    if found.returncode:
        pytest.skip("this is no checkout of git: its list of files is not known")
    return tuple(name for name in found.stdout.decode().splitlines() if (ROOT / name).is_file())


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


PAGES = {str(path.relative_to(ROOT)): path for path in pages()}


@cache
def everything() -> str:
    return "\n".join(path.read_text("utf-8") for path in pages())


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_what_the_program_makes(name):
    path = ROOT / name
    assert path.exists(), "run `make docs`"
    assert path.read_text("utf-8") == GENERATED[name](), "run `make docs`"


def test_every_settings_key_is_documented():
    text = everything()
    keys = [key.name for key in all_keys()]
    inner = [key.path[-1] for whole in all_keys() if whole.entry for key in entry_keys(whole.entry)]
    assert [name for name in [*keys, *inner] if f"`{name}`" not in text] == []


def test_every_command_and_option_is_documented():
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for command in commands().values():
        if command.children:
            continue
        section = page.partition(f"\n## hybridd {command.name}\n")[2].partition("\n## ")[0]
        assert section, f"hybridd {command.name}"
        missing = [option for option in command.shown if option not in section]
        assert missing == [], f"hybridd {command.name}"


def test_every_command_and_option_is_explained():
    for command in commands().values():
        assert command.raw.help, command.name
        unexplained = [p.name for p in command.raw.params if p.param_type_name == "option" and not (p.help or p.hidden)]
        assert unexplained == [], command.name


def test_every_command_takes_config_and_every_listing_json():
    for command in commands().values():
        if command.children or command.name in {"demo", "selftest chaos"}:  # they make settings of their own
            continue
        assert "--config" in command.options, command.name
        listing = command.name.split()[-1] in {
            "list",
            "show",
            "why",
            "status",
            "history",
            "analyze",
            "doctor",
            "verify",
        }
        assert not listing or "--json" in command.options, command.name


NAMES = {
    "reasons": [reason.value for reason in Reason],
    "suppressions": [reason.value for reason in Suppression],
    "problems": [kind.value for kind in Kind],
    "doctor": ["D01", *(id_ for id_, _, _ in CHECKS)],
    "check": [invariant.id for invariant in INVARIANTS],
    "events": [*EVENTS, *EVENTS.values()],
}


@pytest.mark.parametrize("kind", NAMES)
def test_every_name_is_documented(kind):
    assert [name for name in NAMES[kind] if name not in everything()] == []


def test_every_channel_is_documented():
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    source = ROOT / "hybridd" / "delivery"
    names = [m[1] for path in source.glob("*.py") if (m := re.search(r'^    name = "(\w+)"$', path.read_text(), re.M))]
    assert "journal" in names
    assert [name for name in names if name != "memory" and f"**{name}**" not in page] == []


def test_every_reason_for_silence_has_its_meaning():
    assert list(meanings(Suppression)) == [reason.name for reason in Suppression]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    page = PAGES[name]
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{name}: {target}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(head) for head in heads}, f"{name}: {target}"


def slug(head: str) -> str:
    return re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")


def code_lines(text: str) -> list[str]:
    """Lines of fenced and indented blocks and spans of code."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```[a-z]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = [line for line in rest.splitlines() if line.startswith("    ")]
    spans = re.findall(r"`([^`\n]+)`", rest)
    return [line.strip() for line in [*"\n".join(blocks).splitlines(), *indented, *spans]]


def command_of(line: str) -> list[str] | None:
    """The words of `hybridd …` in a line of shell; None where it calls something else."""
    line = re.split(r"\s#|\s[|>&;]", line.removeprefix("$ ").removeprefix("sudo "), maxsplit=1)[0]
    called = re.fullmatch(r"(?:\.venv/bin/)?hybridd( .*)?", line.strip())
    try:
        return shlex.split(called[1] or "") if called else None
    except ValueError:
        return None


def wrong_with(words: list[str]) -> str:
    """What the command tree does not know of these words; "" where it knows all."""
    tree, name, given = commands(), "", 0
    rest = iter(words)
    for word in rest:
        option, _, value = word.partition("=")
        if word.startswith("-"):
            if option not in tree[name].options and option != "--help":
                return f"hybridd {name} has no {option}"
            if tree[name].options.get(option) and not value and next(rest, None) is None:
                return f"hybridd {name} {option} wants a value"
        elif tree[name].children:
            # "COMMAND" and "…" stand for any command.
            if word in {"COMMAND", "…"}:
                return ""
            if word not in tree[name].children and not set(word.split("|")) <= set(tree[name].children):
                return f"there is no command hybridd {name} {word}"
            name = f"{name} {word.split('|')[0]}".strip()
        else:
            given += 1
    most = sum(1 if argument.nargs != -1 else 99 for argument in tree[name].arguments)
    return f"hybridd {name} takes no {words[-1]}" if given > most else ""


@pytest.mark.parametrize("name", PAGES)
def test_commands_in_the_documentation_exist(name):
    for line in code_lines(PAGES[name].read_text("utf-8")):
        words = command_of(line)
        assert words is None or not wrong_with(words), f"{name}: {line}: {wrong_with(words)}"


def test_commands_that_messages_advise_exist():
    for path in sorted((ROOT / "hybridd").rglob("*.py")):
        for advised in re.findall(r"`(hybridd [a-z][^`]*)`", path.read_text("utf-8")):
            words = command_of(advised)
            assert words is not None
            assert not wrong_with(words), f"{path.relative_to(ROOT)}: {advised}: {wrong_with(words)}"


@pytest.mark.parametrize(
    "line", ["hybridd replya", "hybridd status --jsn", "hybridd alerts", "hybridd alerts lst", "hybridd status now"]
)
def test_an_invented_command_would_be_found(line):
    assert wrong_with(command_of(line)) or line == "hybridd alerts"


def test_make_targets_in_the_documentation_exist():
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    texts = [*(path.read_text("utf-8") for path in pages())]
    lines = [line for text in texts for line in code_lines(text)]
    named = {word for line in lines for word in re.findall(r"(?:^|&& |\$ )make ([a-z][a-z-]*)", line)}
    assert named
    assert named <= targets


# Words that have no place in the project: where it was made, and by what.
MISPLACED = [
    r"(?<![\w.])/work/(?!\w*\$)",
    r"\bpypi\.org\b|\bpythonhosted\.org\b|--(extra-)?index-url\b(?<!emit-index-url)",
    r"\b(earlier|previous|other|next|this|my) sessions?\b",
    r"\b(other|another|fellow|parallel) (helper|agent)s?\b|\bsub-?agents?\b",
    r"\b(AI|LLM|coding|language.model) (agent|assistant)s?\b",
    r"\bcl[a]ude\b|\bchat[g]pt\b|\banthr[o]pic\b|\bopen[a]i\b",
]


@pytest.mark.parametrize("pattern", MISPLACED)
def test_no_file_speaks_of_where_it_was_made(pattern):
    misplaced = re.compile(pattern, re.IGNORECASE)
    found = []
    for name in repository():
        if name == "tests/test_docs.py":
            continue
        text = (ROOT / name).read_bytes().decode("utf-8", errors="replace")
        found += [f"{name}: {match[0]}" for match in misplaced.finditer(text)]
    assert found == []
