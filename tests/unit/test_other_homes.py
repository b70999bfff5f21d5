"""The files for containers and platforms: what they copy is there, what they run exists, what they set is a setting."""

import fnmatch
import json
import re
import shlex
from pathlib import Path

import pytest

from hybridd.cli.main import COMMANDS
from hybridd.config.load import examine
from hybridd.config.sources import read_environ

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
LINES = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]


def instructions(name):
    return [line.partition(" ")[2].strip() for line in LINES if line.split(" ")[0] == name]


def ignored(path):
    """What .dockerignore does with a path: its last matching line counts."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().split():
        pattern = line.removeprefix("!")
        parents = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
        if any(fnmatch.fnmatch(part, pattern) for part in parents):
            out = not line.startswith("!")
    return out


def test_what_the_image_copies_is_there_and_not_ignored():
    copied = [shlex.split(line) for line in instructions("COPY")]
    sources = [source for words in copied if not words[0].startswith("--from") for source in words[:-1]]
    assert {"hybridd", "pyproject.toml", "requirements/runtime.txt", "etc/hybridd.toml"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source), source


@pytest.mark.parametrize("path", [".git/config", "tests/makers.py", ".venv/bin/python", "demo/state.db", "secret.env"])
def test_nothing_else_gets_into_the_image(path):
    assert ignored(path)


def test_it_installs_from_the_lock_files_and_nothing_else():
    installs = [part for line in instructions("RUN") for part in line.split("&&") if "pip install" in part]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-deps" in install
        assert "--no-build-isolation" in install or "requirements/build.txt" in install


def test_it_runs_a_command_that_exists_as_somebody_without_rights():
    (entry,) = instructions("ENTRYPOINT")
    (command,) = instructions("CMD")
    assert json.loads(entry) == ["hybridd"]
    assert json.loads(command)[0] in COMMANDS
    assert instructions("USER") == ["hybridd"]
    (health,) = instructions("HEALTHCHECK")
    assert "status" in COMMANDS
    assert "hybridd status" in health


def test_the_procfile_runs_a_command_that_exists():
    (line,) = (ROOT / "Procfile").read_text().splitlines()
    name, _, command = line.partition(": ")
    program, verb = command.split()
    assert (name, program) == ("worker", "hybridd")
    assert verb in COMMANDS


def test_what_app_json_sets_are_settings_and_its_processes_those_of_the_procfile():
    app = json.loads((ROOT / "app.json").read_text())
    environ = {name: entry.get("value", "x@example.org") for name, entry in app["env"].items()}
    written, problems = read_environ(environ)
    assert problems == []
    assert written.values["monitor"]["symbols"] == ["BTC/USDT", "ETH/USDT"]
    assert list(app["formation"]) == ["worker"]


def test_the_settings_in_the_image_are_good_with_its_variables():
    environ = {"DATABASE_URL": "sqlite:////var/lib/hybridd/state.db"}
    loaded = examine(ROOT / "etc/hybridd.toml", environ)
    assert loaded.settings is not None
    assert loaded.settings.database.url.get_secret_value() == environ["DATABASE_URL"]
