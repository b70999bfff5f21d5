"""What is read of the machine: the clock's keeper and systemd's units."""

from hybridd.daemon import units
from hybridd.daemon.clock_sync import synchronised, timesyncd
from hybridd.daemon.units import parse, show


def test_in_a_container_the_clock_is_the_hosts_affair(tmp_path):
    (tmp_path / ".dockerenv").touch()
    assert synchronised(tmp_path) is None


def test_the_kernel_is_asked_without_being_changed(tmp_path):
    assert synchronised(tmp_path) in {True, False, None}


def test_timesyncd_says_by_a_file_that_it_has_set_the_clock(tmp_path):
    assert timesyncd(tmp_path / "none", 9999.0) is None
    assert timesyncd(tmp_path, 60.0) is None, "it has only just begun"
    assert timesyncd(tmp_path, 9999.0) is False
    (tmp_path / "synchronized").touch()
    assert timesyncd(tmp_path, 9999.0) is True


def test_properties_come_by_unit():
    text = "Id=a.service\nActiveState=failed\nResult=exit-code\n\nId=b.timer\nActiveState=active\nDropInPaths=\n"
    assert parse(text) == {
        "a.service": {"Id": "a.service", "ActiveState": "failed", "Result": "exit-code"},
        "b.timer": {"Id": "b.timer", "ActiveState": "active", "DropInPaths": ""},
    }
    assert parse("") == {}


def test_without_systemd_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(units, "_BOOTED", tmp_path / "none")
    assert show(["hybridd.service"], ["ActiveState"]) == {}


def test_a_systemctl_that_does_not_answer_is_not_waited_for(tmp_path, monkeypatch):
    tool = tmp_path / "systemctl"
    tool.write_text("#!/bin/sh\nexec sleep 30\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(units, "_BOOTED", tmp_path)
    monkeypatch.setattr(units, "_TIMEOUT_S", 0.2)
    assert show(["hybridd.service"], ["ActiveState"]) == {}
