"""`hybridd doctor` as a command, on a simulated market."""

import json

import pytest

from hybridd.cli.main import run
from hybridd.pipeline.checkup import CHECKS


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = tmp_path / "hybridd.toml"
    path.write_text(
        f'[market]\nsource = "simulated"\n[database]\nurl = "sqlite:///{tmp_path}/state.db"\n'
        '[health]\nping_url = {credential = "no_such_thing"}\n'
    )
    path.chmod(0o600)
    return path


def test_every_check_speaks_and_a_credential_that_is_not_stored_has_its_remedy(config, capsys):
    assert run(["doctor", "--config", str(config), "--json"]) == 3
    findings = json.loads(capsys.readouterr().out)
    assert {finding["id"] for finding in findings} == {"D01", *(check[0] for check in CHECKS)}
    (missing,) = [finding for finding in findings if finding["id"] == "D12"]
    assert (missing["level"], missing["remedy"]) == ("error", "hybridd secrets set no_such_thing")


def test_settings_that_cannot_be_used_end_it_with_2(config, capsys):
    config.write_text("[monitor\n")
    assert run(["doctor", "--config", str(config)]) == 2
    assert "✗ D01" in capsys.readouterr().out
