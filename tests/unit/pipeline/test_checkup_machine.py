"""The doctor's look at the machine: permissions, units, credentials."""

from hybridd.daemon.credentials import store
from hybridd.pipeline.checkup_machine import Machine, credentials, judge_unit, permissions, wanted_credentials
from hybridd.pipeline.findings import Level


def found(reports):
    return [(level, detail) for level, detail, _ in reports if level is not Level.GOOD]


def test_what_others_may_change_or_read_is_found(tmp_path):
    settings, state, copy = tmp_path / "hybridd.toml", tmp_path / "state.db", tmp_path / "backups/state-1.db"
    copy.parent.mkdir()
    for path in (settings, state, copy, tmp_path / "state.db.lock"):
        path.write_text("")
        path.chmod(0o600)
    tmp_path.chmod(0o700)
    machine = Machine(settings_files=[settings], url=f"sqlite:///{state}")
    assert found(permissions(machine)) == []
    (tmp_path / "state.db.lock").chmod(0o644)
    assert found(permissions(machine)) == [], "it holds no secret"
    settings.chmod(0o666)
    state.chmod(0o640)
    copy.chmod(0o604)
    assert found(permissions(machine)) == [
        (Level.ERROR, f"everybody may change {settings}"),
        (Level.WARNING, f"{state} can be read by others"),
        (Level.WARNING, f"{copy} can be read by others"),
    ]


def test_the_group_of_a_shared_folder_is_nobody_else(tmp_path):
    state = tmp_path / "state.db"
    state.write_text("")
    state.chmod(0o660)
    machine = Machine(settings_files=[], url=f"sqlite:///{state}")
    tmp_path.chmod(0o750)
    assert found(permissions(machine)) == [(Level.WARNING, f"{state} can be read by others")]
    tmp_path.chmod(0o2750)
    assert found(permissions(machine)) == []
    state.chmod(0o664)
    assert found(permissions(machine)) == [(Level.WARNING, f"{state} can be read by others")]


def test_a_unit_that_failed_or_is_not_as_packaged_is_found():
    assert found(judge_unit("hybridd.service", {"LoadState": "loaded", "ActiveState": "active"})) == []
    unit = {
        "LoadState": "loaded", "ActiveState": "failed", "Result": "watchdog", "NeedDaemonReload": "yes",
        "FragmentPath": "/etc/systemd/system/hybridd.service", "DropInPaths": "/etc/x.conf",
    }  # fmt: skip
    assert [level for level, _ in found(judge_unit("hybridd.service", unit))] == [
        Level.ERROR, Level.WARNING, Level.WARNING,
    ]  # fmt: skip
    assert [detail for _, detail, _ in judge_unit("hybridd.service", unit)][
        -1
    ] == "hybridd.service is changed by /etc/x.conf"
    assert found(judge_unit("x", {"LoadState": "masked"})) == [(Level.WARNING, "x is masked: it cannot start")]
    assert found(judge_unit("x", {"LoadState": "bad-setting"})) == [(Level.ERROR, "x cannot be loaded")]


def test_the_credentials_that_settings_name_are_known():
    values = {
        "email": {"password": {"credential": "smtp_password"}, "username": "me"},
        "channels": [{"name": "ops", "url": {"credential": "ops_url"}}, {"url": {"file": "/x"}}],
    }
    assert wanted_credentials(values) == ["ops_url", "smtp_password"]
    assert wanted_credentials({}) == []


def test_a_credential_that_is_not_stored_is_found_with_the_command_that_stores_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    machine = Machine(wanted=["smtp_password"], root=tmp_path)
    (report,) = credentials(machine)
    assert (report[0], report[2]) == (Level.ERROR, "hybridd secrets set smtp_password")
    store("smtp_password", b"x", tmp_path)
    (report,) = credentials(machine)
    assert report[0] is Level.GOOD


def test_inside_a_unit_the_folder_of_credentials_is_looked_at(tmp_path):
    machine = Machine(wanted=["smtp_password"], credentials=tmp_path)
    assert [level for level, _, _ in credentials(machine)] == [Level.ERROR]
    (tmp_path / "smtp_password").write_text("x")
    assert [level for level, _, _ in credentials(machine)] == []
