"""`hybridd secrets` as a command: what it asks, what it says, what it never says."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hybridd.cli.secrets import KNOWN, app, usable
from hybridd.config.keys import all_keys

ROOT = Path(__file__).resolve().parents[3]
SECRET = "open sesame"


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    path = tmp_path / "hybridd.toml"
    path.write_text('[monitor]\nsymbols = ["BTC/USDT"]\n')
    return path


def run(*words, given=None):
    return CliRunner().invoke(app, words, input=given, catch_exceptions=True)


def test_every_secret_of_the_settings_has_a_name():
    keys = {key.name for key in all_keys() if key.secret} - {"database.url"}
    assert {known.key for known in KNOWN} == keys


def test_only_what_this_version_acts_on_is_offered():
    assert {"smtp_password", "ping_url"} <= {known.name for known in usable()} <= {known.name for known in KNOWN}


def test_it_takes_a_pipe_and_says_what_must_stand_in_the_settings(config, tmp_path):
    done = run("set", "smtp_password", "--root", str(tmp_path), "--config", str(config), given=f"{SECRET}\n")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "etc/credstore/hybridd.smtp_password").read_text() == SECRET
    assert 'below [email]:\n  password = {credential = "smtp_password"}' in done.output
    assert "systemctl daemon-reload && systemctl restart hybridd" in done.output
    assert SECRET not in done.output


def test_it_does_not_say_again_what_the_settings_say_already(config, tmp_path):
    config.write_text('[email]\npassword = {credential = "smtp_password"}\n')
    done = run("set", "smtp_password", "--root", str(tmp_path), "--config", str(config), given=SECRET)
    assert "write into the settings" not in done.output


def test_the_list_tells_names_and_states_and_no_secret(config, tmp_path):
    run("set", "ping_url", "--root", str(tmp_path), "--config", str(config), given=SECRET)
    done = run("list", "--root", str(tmp_path), "--config", str(config), "--json")
    rows = {row["name"]: row["state"] for row in json.loads(done.output)}
    assert rows["ping_url"] == "unencrypted"
    assert rows["smtp_password"] == "not stored"
    assert SECRET not in done.output + run("list", "--root", str(tmp_path), "--config", str(config)).output


def test_a_name_of_ones_own_is_taken_and_a_misspelling_is_not(config, tmp_path):
    own = run("set", "ops_webhook", "--root", str(tmp_path), "--config", str(config), given=SECRET)
    assert 'write {credential = "ops_webhook"} where' in own.output
    wrong = run("set", "smtp_pasword", "--root", str(tmp_path), "--config", str(config), given=SECRET)
    assert "did you mean smtp_password?" in str(wrong.exception)


def test_it_can_be_removed(config, tmp_path):
    run("set", "ping_url", "--root", str(tmp_path), "--config", str(config), given=SECRET)
    assert run("remove", "ping_url", "--root", str(tmp_path)).exit_code == 0
    assert not (tmp_path / "etc/credstore/hybridd.ping_url").exists()


def test_at_a_terminal_it_asks_twice_and_shows_nothing(config, tmp_path):
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "hybridd", "secrets", "set", "smtp_password", "--root", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--config", str(config)], stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
        env={**os.environ, "PATH": "/nowhere"}, preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )  # fmt: skip
    os.close(slave)
    shown = b""
    for prompt in (b"not shown): ", b"again: "):
        while prompt not in shown:
            shown += os.read(master, 1024)
        os.write(master, SECRET.encode() + b"\n")
    try:
        while piece := os.read(master, 1024):
            shown += piece
    except OSError:  # the other end of a terminal is closed with an error
        pass
    assert process.wait(20) == 0, shown
    os.close(master)
    assert SECRET.encode() not in shown
    assert (tmp_path / "etc/credstore/hybridd.smtp_password").read_text() == SECRET
