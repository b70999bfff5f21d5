"""Secrets for the service: really encrypted where systemd-creds is, for root only where it is not, never shown."""

import os
import shutil
import subprocess

import pytest

from hybridd.daemon.credentials import UNITS, WEB_UNIT, listed, remove, store
from hybridd.errors import HybriddError, UsageError

SECRET = b"open sesame \xc3\xa4\xe2\x82\xac"


@pytest.fixture
def creds(tmp_path, monkeypatch):
    """The real systemd-creds with a host key of its own."""
    if shutil.which("systemd-creds") is None:
        pytest.skip("there is no systemd-creds on this machine")
    monkeypatch.setenv("SYSTEMD_CREDENTIAL_SECRET", str(tmp_path / "host.secret"))
    trial = subprocess.run(
        ["systemd-creds", "encrypt", "--name=x", "-", "-"], input=b"x", capture_output=True, timeout=30
    )
    if trial.returncode:
        pytest.skip(f"systemd-creds cannot encrypt here: {trial.stderr.decode().strip()}")


@pytest.fixture
def without_creds(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def drop_ins(root):
    return [root / "etc/systemd/system" / f"{unit}.d" / "credentials.conf" for unit in UNITS]


def test_it_is_encrypted_and_every_unit_that_tells_gets_it(creds, tmp_path):
    stored = store("smtp_password", SECRET, tmp_path)
    assert (stored.encrypted, stored.path) == (True, tmp_path / "etc/credstore.encrypted/hybridd.smtp_password")
    assert SECRET not in stored.path.read_bytes()
    assert stored.path.stat().st_mode & 0o777 == 0o600
    assert stored.path.parent.stat().st_mode & 0o777 == 0o700
    command = ["systemd-creds", "decrypt", "--name=smtp_password", str(stored.path), "-"]
    assert subprocess.run(command, capture_output=True, timeout=30).stdout == SECRET
    assert {path.read_text() for path in drop_ins(tmp_path)} == {
        "# Written by `hybridd secrets`; it is written anew at each change.\n[Service]\n"
        "LoadCredentialEncrypted=smtp_password:/etc/credstore.encrypted/hybridd.smtp_password\n"
    }


def test_the_webs_own_secrets_are_handed_to_the_web_alone(without_creds, tmp_path):
    store("smtp_password", SECRET, tmp_path)
    store("dashboard_password_hash", SECRET, tmp_path)
    web = tmp_path / "etc/systemd/system" / f"{WEB_UNIT}.d" / "credentials.conf"
    assert "dashboard_password_hash" in web.read_text()
    assert "smtp_password" not in web.read_text()
    for path in drop_ins(tmp_path):
        assert "dashboard_password_hash" not in path.read_text()
        assert "smtp_password" in path.read_text()
    remove("dashboard_password_hash", tmp_path)
    assert not web.exists()


def test_without_systemd_creds_it_is_kept_for_root_only_and_that_is_said(without_creds, tmp_path):
    stored = store("smtp_password", SECRET, tmp_path)
    assert (stored.encrypted, stored.why_plain) == (False, "there is no systemd-creds on this machine")
    assert stored.path.read_bytes() == SECRET
    assert stored.path.stat().st_mode & 0o777 == 0o600
    assert "LoadCredential=smtp_password:/etc/credstore/hybridd.smtp_password" in drop_ins(tmp_path)[0].read_text()


def test_systemd_creds_that_fails_is_named_as_the_reason(tmp_path, monkeypatch):
    tool = tmp_path / "bin" / "systemd-creds"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'Failed to determine local credential key: no' >&2\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    stored = store("smtp_password", SECRET, tmp_path)
    assert not stored.encrypted
    assert stored.why_plain == "systemd-creds encrypt: Failed to determine local credential key: no"


def test_a_secret_that_comes_to_be_encrypted_is_no_longer_there_in_the_clear(creds, tmp_path, monkeypatch):
    with monkeypatch.context() as context:
        context.setenv("PATH", "/nowhere")
        plain = store("smtp_password", SECRET, tmp_path).path
    store("smtp_password", SECRET, tmp_path)
    assert not plain.exists()
    assert "LoadCredential=" not in drop_ins(tmp_path)[0].read_text()


def test_several_are_handed_in_together_and_one_that_goes_leaves_the_others(without_creds, tmp_path):
    for name in ("smtp_password", "ping_url"):
        store(name, SECRET, tmp_path)
    assert [s.name for s in listed(tmp_path)] == ["ping_url", "smtp_password"]
    remove("smtp_password", tmp_path)
    assert drop_ins(tmp_path)[1].read_text().splitlines()[2:] == [
        "LoadCredential=ping_url:/etc/credstore/hybridd.ping_url"
    ]
    remove("ping_url", tmp_path)
    assert not any(path.exists() for path in drop_ins(tmp_path)), "a unit whose credential is missing does not start"
    assert listed(tmp_path) == []


def test_files_of_others_are_left_alone(without_creds, tmp_path):
    foreign = tmp_path / "etc/credstore/other.password"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("theirs")
    store("smtp_password", SECRET, tmp_path)
    remove("smtp_password", tmp_path)
    assert foreign.read_text() == "theirs"


@pytest.mark.parametrize("name", ["", "../x", "SMTP", "a b", "x" * 65, "-x"])
def test_what_cannot_be_a_name_is_refused(tmp_path, name):
    with pytest.raises(UsageError):
        store(name, SECRET, tmp_path)


@pytest.mark.parametrize("secret", [b"", b"x" * 65_537])
def test_what_cannot_be_a_secret_is_refused(tmp_path, secret):
    with pytest.raises(UsageError):
        store("smtp_password", secret, tmp_path)


def test_what_is_not_there_cannot_be_removed(tmp_path):
    with pytest.raises(UsageError, match="no secret smtp_password is stored"):
        remove("smtp_password", tmp_path)


def test_a_place_that_cannot_be_written_is_one_clear_line(without_creds, tmp_path):
    (tmp_path / "etc").write_text("a file")
    with pytest.raises(HybriddError) as error:
        store("smtp_password", SECRET, tmp_path)
    assert "etc" in error.value.message
    assert SECRET.decode() not in str(error.value)
