"""`hybridd config`: exit codes, one line a problem, nothing secret."""

import json
from pathlib import Path

import pytest
import tomli
from typer.testing import CliRunner, Result

from hybridd.cli.config import app
from hybridd.config.sample import example


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hybridd.toml").write_text('[email]\npassword = "hunter2"\n[monitor]\nsettle_seconds = 3\n')
    (tmp_path / "etc" / "hybridd.toml").chmod(0o600)
    return tmp_path


def run(*words: str, **environ: str) -> Result:
    unset = {"DATABASE_URL": None, "CREDENTIALS_DIRECTORY": None}
    return CliRunner().invoke(app, words, env={**unset, **environ})


def test_check_says_that_settings_are_good(folder: Path):
    result = run("check", "--config", "etc/hybridd.toml")
    assert result.exit_code == 0
    assert result.stdout.startswith("settings are good: 2 of ")
    assert result.stdout.endswith("keys set, from etc/hybridd.toml\n")


def test_check_names_each_problem_on_a_line_and_exits_with_2(folder: Path):
    (folder / "bad.toml").write_text('[alerts]\ncooldwon = "15m"\n')
    result = run("check", "--config", "bad.toml", HYBRIDD_MARKET__SEED="x")
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        "bad.toml:2: alerts.cooldwon: unknown key [H001] → did you mean alerts.cooldown?",
        'HYBRIDD_MARKET__SEED: market.seed: must be a whole number, not "x" [H002]',
    ]


def test_check_as_json_has_everything(folder: Path):
    (folder / "bad.toml").write_text('[alerts]\ncooldwon = "15m"\n')
    result = run("check", "--json", "--config", "bad.toml")
    answer = json.loads(result.stdout)
    assert result.exit_code == 2
    assert (answer["ok"], answer["keys"], answer["sources"]) == (False, 0, ["bad.toml"])
    assert answer["problems"] == [
        {
            "id": "H001",
            "key": "alerts.cooldwon",
            "source": "bad.toml",
            "line": 2,
            "message": "unknown key",
            "remedy": "did you mean alerts.cooldown?",
            "level": "error",
        }
    ]
    assert json.loads(run("check", "--json", "--config", "etc/hybridd.toml").stdout)["ok"] is True


def test_a_missing_file_is_one_line(folder: Path):
    result = run("check", "--config", "nowhere.toml")
    assert result.exit_code == 2
    assert result.stdout.startswith("nowhere.toml: there is no such file [H006] → create it")


def test_show_masks_secrets_and_tells_places(folder: Path):
    result = run("show", "--config", "etc/hybridd.toml")
    assert result.exit_code == 0
    assert "hunter2" not in result.output
    assert "# etc/hybridd.toml:4" in result.stdout
    assert tomli.loads(result.stdout)["email"]["password"] == "•••"
    assert json.loads(run("show", "--json", "--config", "etc/hybridd.toml").stdout)["monitor"]["settle_seconds"] == 3


def test_show_says_why_it_cannot(folder: Path):
    result = run("show", "--config", "nowhere.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "H006" in result.stderr


def test_example_and_schema_are_complete(folder: Path):
    assert run("example").stdout == example()
    assert run("example", "--config", "any.toml").stdout == example()
    assert json.loads(run("schema").stdout)["title"] == "hybridd settings"


def test_a_wrong_option_is_wrong_usage(folder: Path):
    assert run("check", "--confg", "x").exit_code == 2
