"""`hybridd backup` and `hybridd restore` as commands."""

import json
from pathlib import Path

import pytest

from hybridd.cli.main import run
from hybridd.clock import ManualClock
from hybridd.daemon.lock import InstanceLock
from hybridd.store.store import open_store
from tests.makers import T0, analysis


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "hybridd.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/state.db"\n')
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=ManualClock(T0))
    store.analyses.add_many([analysis(60.0)])
    store.close()
    return path


def test_there_and_back(config, tmp_path, capsys):
    assert run(["backup", "--config", str(config), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert Path(made["path"]).parent == tmp_path / "backups"
    assert (made["analyses"], made["newest"], made["removed"]) == (1, T0, [])
    (tmp_path / "state.db").write_bytes(b"a wreck" * 1000)
    assert run(["restore", made["path"], "--config", str(config)]) == 0
    assert "the state from before is kept" in capsys.readouterr().out
    assert run(["db", "verify", "--config", str(config)]) == 0
    assert run(["restore", made["path"], "--config", str(config), "--json"]) == 0


def test_a_folder_can_be_named(config, tmp_path, capsys):
    assert run(["backup", str(tmp_path / "elsewhere"), "--keep", "2", "--config", str(config)]) == 0
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_while_a_daemon_runs_nothing_is_restored(config, tmp_path, capsys):
    assert run(["backup", "--config", str(config)]) == 0
    (copy,) = (tmp_path / "backups").iterdir()
    before = (tmp_path / "state.db").read_bytes()
    with InstanceLock(tmp_path / "state.db.lock"):
        assert run(["restore", str(copy), "--config", str(config)]) == 2
    assert "running already" in capsys.readouterr().err
    assert (tmp_path / "state.db").read_bytes() == before


@pytest.mark.parametrize("arguments", [["backup", "--keep", "0"], ["restore"], ["restore", "/none.db"]])
def test_what_cannot_be_is_one_line_with_exit_code_2(config, arguments, capsys):
    assert run([*arguments, "--config", str(config)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_passing_state_has_no_backup(tmp_path, capsys):
    path = tmp_path / "hybridd.toml"
    path.write_text('[database]\nurl = "sqlite:///:memory:"\n')
    assert run(["backup", "--config", str(path)]) == 2
    assert run(["restore", "x.db", "--config", str(path)]) == 2
