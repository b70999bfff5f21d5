"""`hybridd push`: keys that are kept safe and not lost by a second call."""

import json
import re

from typer.testing import CliRunner

from hybridd.cli.push import app
from hybridd.daemon import credentials
from hybridd.delivery.vapid import public_key
from hybridd.errors import HybriddError


def run(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, HybriddError):
        return result.exception.exit_code, str(result.exception)
    assert result.exception is None, result.exception
    return result.exit_code, result.output


def printed(output):
    return re.search(r"public key, for the browsers: (\S+)", output)[1]


def test_the_private_key_goes_to_the_services_credentials_and_is_not_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "_creds", _no_systemd)
    code, output = run("keys", "--root", tmp_path)
    stored = tmp_path / "etc/credstore/hybridd.vapid_private_key"
    assert code == 0
    assert stored.stat().st_mode & 0o777 == 0o600
    assert public_key(stored.read_text()) == printed(output)
    assert stored.read_text() not in output
    assert 'vapid_private_key = {credential = "vapid_private_key"}' in output


def _no_systemd(*_):
    raise credentials._NotEncrypted("there is no systemd-creds on this machine")


def test_keys_that_are_there_are_replaced_only_when_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "_creds", _no_systemd)
    _, first = run("keys", "--root", tmp_path)
    code, words = run("keys", "--root", tmp_path)
    assert code == 2
    assert "registered anew" in words
    stored = tmp_path / "etc/credstore/hybridd.vapid_private_key"
    assert public_key(stored.read_text()) == printed(first)
    _, second = run("keys", "--root", tmp_path, "--replace")
    assert public_key(stored.read_text()) == printed(second) != printed(first)


def test_a_file_of_ones_own_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "vapid"
    code, output = run("keys", "--out", path)
    assert code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert f'vapid_private_key = {{file = "{path}"}}' in output
    assert path.read_text().strip() not in output
    assert run("keys", "--out", path)[0] == 2
    assert run("keys", "--out", path, "--replace")[0] == 0
    code, words = run("keys", "--out", tmp_path / "nowhere" / "vapid")
    assert code == 1
    assert "cannot be written" in words


def test_the_public_key_of_the_settings_is_printed(tmp_path):
    _, output = run("keys", "--out", tmp_path / "vapid")
    config = tmp_path / "hybridd.toml"
    config.write_text(
        "[push]\nenabled = true\nservice = 'web_push'\ncontact = 'mailto:a@b.c'\n"
        f"vapid_private_key = {{file = '{tmp_path / 'vapid'}'}}\ndevice_tokens = ['{_subscription()}']\n"
    )
    assert run("public", "--config", config) == (0, printed(output) + "\n")
    assert json.loads(run("public", "--config", config, "--json")[1]) == {"public_key": printed(output)}


def _subscription():
    from tests.fakes.http_channels import Browser

    return Browser().subscription


def test_without_a_key_there_is_no_public_one(tmp_path):
    config = tmp_path / "hybridd.toml"
    config.write_text("")
    code, words = run("public", "--config", config)
    assert code == 2
    assert "hybridd push keys" in words
    config.write_text('push.vapid_private_key = "nonsense"')
    code, words = run("public", "--config", config)
    assert code == 2
    assert "nonsense" not in words
