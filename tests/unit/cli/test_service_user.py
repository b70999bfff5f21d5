"""`hybridd service-user`: a unit that systemd understands, written and taken away."""

import shutil
import subprocess

import pytest

from hybridd.cli.main import run
from hybridd.cli.service_user import MARK


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


@pytest.fixture
def config(home):
    path = home / "my 100% settings.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{home}/state.db"\n')
    return path


def unit_of(home):
    return home / ".config/systemd/user/hybridd.service"


def test_it_writes_the_unit_and_says_the_two_commands(home, config, capsys):
    assert run(["service-user", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert "systemctl --user daemon-reload" in said
    assert "systemctl --user enable --now hybridd" in said
    text = unit_of(home).read_text()
    assert text.startswith(MARK)
    assert f'run --config "{home}/my 100%% settings.toml"' in text
    assert "Type=notify" in text


def test_systemd_finds_nothing_wrong_with_it(home, config):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine")
    assert run(["service-user", "--config", str(config)]) == 0
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit_of(home))],
        capture_output=True, text=True, timeout=30, env={"HOME": str(home), "PATH": "/usr/bin:/bin",
                                                         "XDG_RUNTIME_DIR": str(home)},
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "hybridd" in line] == []


def test_it_is_written_anew_and_taken_away(home, config, capsys):
    assert run(["service-user", "--config", str(config)]) == 0
    assert run(["service-user", "--config", str(config)]) == 0
    wanted = unit_of(home).parent / "default.target.wants/hybridd.service"
    wanted.parent.mkdir()
    wanted.symlink_to(unit_of(home))
    assert run(["service-user", "--remove"]) == 0
    assert not unit_of(home).exists()
    assert not wanted.is_symlink()
    assert "systemctl --user stop hybridd" in capsys.readouterr().out
    assert run(["service-user", "--remove"]) == 2


def test_a_unit_of_somebody_else_is_left_alone(home, config, capsys):
    unit_of(home).parent.mkdir(parents=True)
    unit_of(home).write_text("[Service]\nExecStart=/bin/true\n")
    for arguments in (["--config", str(config)], ["--remove"]):
        assert run(["service-user", *arguments]) == 2
        assert "was not written by hybridd" in capsys.readouterr().err
    assert "/bin/true" in unit_of(home).read_text()


def test_a_state_that_the_user_cannot_write_is_said_with_a_better_place(home, capsys):
    path = home / "hybridd.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{path}/deeper/state.db"\n')
    assert run(["service-user", "--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert f'url = "sqlite:///{home}/.local/share/hybridd/state.db"' in said
    assert not unit_of(home).exists()
