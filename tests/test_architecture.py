"""The floors of the house: who may import whom, how large a room may grow, and what the core may not touch."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hybridd"
FILES = sorted(PACKAGE.rglob("*.py"))

GROUND = {"model", "errors", "clock", "http_client", "plugins"}
CORE = {"analysis", "signals", "alerts", "decisions", "trading", "reports"}
EDGES = {"config", "market", "store", "delivery", "brokers", "brains", "daemon", "pictures"}
PIPELINE = {"pipeline", "replay"}
ROOT_DOORS = {"app", "brokerage", "channels", "cli", "__main__", "__init__", "library", "selftest"}
GROUND_LIBRARIES = {"numpy", "msgspec"}
CORE_LIBRARIES = GROUND_LIBRARIES | {"talib"}
IMPURE = {"time", "random", "socket", "os", "subprocess", "secrets", "threading", "urllib", "http", "httpx"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def allowed(room: str) -> set[str]:
    if room in GROUND:
        return GROUND if room != "model" else {"model", "errors", "clock"}
    if room in CORE | EDGES:
        return GROUND | {room}
    if room in PIPELINE:
        return GROUND | CORE | EDGES | PIPELINE
    if room == "dashboard":
        return GROUND | {"pipeline", "store", "dashboard"}
    return GROUND | CORE | EDGES | PIPELINE | {"dashboard"} | ROOT_DOORS


def imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} relative import"
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "hybridd" else [node.module]
            )
            found += [(node.lineno, name or "") for name in names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path: Path):
    room = room_of(path)
    for line, name in imports(path):
        parts = name.split(".")
        if parts[0] != "hybridd" or len(parts) == 1:
            continue
        assert parts[1] in allowed(room), f"{path.relative_to(ROOT)}:{line}: {room} must not import {parts[1]}"


PURE = [path for path in FILES if room_of(path) in {"model", "errors"} | CORE]


@pytest.mark.parametrize("path", PURE, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_ground_and_the_core_stay_pure(path: Path):
    room = room_of(path)
    libraries = CORE_LIBRARIES if room in CORE else GROUND_LIBRARIES
    for line, name in imports(path):
        top = name.split(".")[0]
        if top == "hybridd":
            assert room not in CORE or name.split(".")[1:2] != ["http_client"], (
                f"{path}:{line}: the core has no network"
            )
            continue
        assert top in sys.stdlib_module_names | libraries, f"{path}:{line}: {top} does not belong here"
        assert top not in IMPURE, f"{path}:{line}: the core reads no {top}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_of_msgspec_only_the_values_are_used(path: Path):
    # Its codecs would be a second way of writing values down: the store's own is the one that may be made with them.
    known = {"Struct", "field", "structs", "replace"} | (
        {"Encoder", "to_builtins"} if path.match("store/codec.py") else set()
    )
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("msgspec"):
            names = {alias.name for alias in node.names}
            assert names <= known, f"{path}:{node.lineno}: {names}"
        assert not (isinstance(node, ast.Import) and any(alias.name == "msgspec" for alias in node.names)), path


def test_every_struct_is_frozen():
    found = [
        (path, node)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Struct" for base in node.bases)
    ]
    assert found
    for path, node in found:
        given = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
        assert given.get("frozen") is True, f"{path.relative_to(ROOT)}: {node.name} can be changed"


def test_only_the_composition_root_names_concrete_edges():
    """A feed, channel or database is chosen in one place; everybody else sees the protocol."""
    concrete = {
        "hybridd.market.exchange", "hybridd.market.recorded", "hybridd.market.simulated", "hybridd.market.mixed",
        "hybridd.delivery.email", "hybridd.delivery.journal", "hybridd.delivery.web_push",
        "hybridd.delivery.telegram", "hybridd.delivery.webhook", "hybridd.delivery.apprise_channel",
        "hybridd.delivery.dashboard", "hybridd.delivery.push_firebase", "hybridd.delivery.sms_twilio",
        "hybridd.delivery.sms_vonage", "hybridd.brokers.paper", "hybridd.brokers.exchange",
    }  # fmt: skip
    for path in FILES:
        if room_of(path) in {"app", "brokerage", "brokers", "channels", "market", "delivery"}:
            continue
        if room_of(path) == "selftest":
            continue  # it plays the providers' part: it must know what each channel owes them
        for line, name in imports(path):
            if name == "hybridd.market.recorded" and room_of(path) in {"replay", "cli"}:
                continue  # replay reads recorded files: that is what it is
            assert name not in concrete, f"{path.relative_to(ROOT)}:{line} names {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_do_not_outgrow_their_walls(path: Path):
    text = path.read_text()
    assert text.count("\n") <= 300, f"{path.relative_to(ROOT)} is over 300 lines: split it by reason to change"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_opens_with_what_it_is_for(path: Path):
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path.relative_to(ROOT)} has no docstring"


def test_package_files_only_hand_names_on():
    for path in PACKAGE.rglob("__init__.py"):
        for node in ast.parse(path.read_text()).body:
            handing_on = isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.Expr | ast.If)
            lazy = isinstance(node, ast.FunctionDef) and node.name in {"__getattr__", "__dir__"}
            assert handing_on or lazy, f"{path.relative_to(ROOT)}:{node.lineno} does more than hand names on"
