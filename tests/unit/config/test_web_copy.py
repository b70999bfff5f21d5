"""What the web is told of the settings: all of them, its own secrets, and none of the watch's."""

import tomllib
from pathlib import Path

from hybridd.config.load import examine, load
from hybridd.config.problems import errors
from hybridd.config.salvage import legible
from hybridd.config.secrets import Vault
from hybridd.config.web_copy import web_copy

SETTINGS = """
[monitor]
symbols = ["BTC/USDT"]
timeframe = "1h"
[database]
url = "sqlite:////var/lib/hybridd/state.db"
[email]
enabled = true
smtp_server = "mail.example.org"
username = "me"
password = "hunter2-correct-horse"
sender_email = "me@example.org"
recipient_email = "you@example.org"
[telegram]
enabled = true
bot_token = {credential = "telegram_bot_token"}
chat_id = "1"
[[channels]]
name = "a"
url = "https://example.org/x"
secret = "open sesame"
[health]
ping_url = {env = "PING"}
[dashboard]
public_url = "https://hybridd.example.org"
password_hash = """
ENVIRON = {"PING": "https://ping.example.org/open-sesame", "HASH": "$argon2id$of-the-web"}
WATCHS = ("hunter2", "sesame")


def copied(folder: Path, hash_text: str) -> str:
    file = folder / "hybridd.toml"
    file.write_text(SETTINGS + hash_text + "\n")
    file.chmod(0o640)
    written, unread = legible(file, ENVIRON)
    assert not unread
    return web_copy(written, Vault(environ=ENVIRON))


def hash_in(text: str) -> object:
    return tomllib.loads(text)["dashboard"]["password_hash"]


def test_it_holds_the_settings_and_no_secret_of_the_watch(tmp_path):
    text = copied(tmp_path, '""')
    assert not [word for word in WATCHS if word in text]
    copy = tmp_path / "web.toml"
    copy.write_text(text)
    told = load(copy, {}, need_secrets=False)
    assert (told.monitor.timeframe.text, told.dashboard.public_url) == ("1h", "https://hybridd.example.org")
    assert told.database.url.get_secret_value() == "sqlite:////var/lib/hybridd/state.db"
    assert (told.email.enabled, bool(told.email.password)) == (True, False)


def test_the_webs_own_secret_goes_with_it_wherever_the_watch_has_it_from(tmp_path):
    for written in ('{env = "HASH"}', '"$argon2id$of-the-web"'):
        assert hash_in(copied(tmp_path, written)) == "$argon2id$of-the-web"


def test_a_credential_of_the_webs_stays_a_name_that_only_its_unit_can_look_up(tmp_path):
    named = {"credential": "dashboard_password_hash"}
    assert hash_in(copied(tmp_path, '{credential = "dashboard_password_hash"}')) == named


def test_the_watch_starts_without_the_webs_credential(tmp_path):
    file = tmp_path / "hybridd.toml"
    file.write_text('[dashboard]\npassword_hash = {credential = "dashboard_password_hash"}\n')
    found = examine(file, {}, tmp_path / "credentials")
    assert not [problem for problem in found.problems if "credential" in problem.message]
    assert not errors(found.problems)
