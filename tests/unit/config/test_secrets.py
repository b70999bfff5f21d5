"""Secrets: looked up where they are kept, shown nowhere."""

import json
import pickle
from pathlib import Path

import pytest

from hybridd.config.check import check, secret_words
from hybridd.config.hidden import DatabaseUrl, SecretText, SecretUrl
from hybridd.config.load import examine, load
from hybridd.config.problems import Kind, Level
from hybridd.config.schema import Settings
from hybridd.config.show import plain, show
from hybridd.errors import ConfigError

EMAIL = """
[email]
enabled = {enabled}
username = "me"
password = {password}
sender_email = "me@example.org"
recipient_email = "you@example.org"
"""
WORD = "hunter2-correct-horse"


def config(folder: Path, password: str, *, enabled: bool = True) -> Path:
    path = folder / "hybridd.toml"
    path.write_text(EMAIL.format(enabled=str(enabled).lower(), password=password))
    path.chmod(0o640)
    return path


def kept(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "kept"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_secret_comes_from_a_variable(tmp_path: Path):
    settings = load(config(tmp_path, '{env = "SMTP"}'), {"SMTP": WORD})
    assert settings.email.password.get_secret_value() == WORD


def test_a_secret_comes_from_a_file_without_its_last_newline(tmp_path: Path):
    path = config(tmp_path, f'{{file = "{kept(tmp_path, WORD + chr(10))}"}}')
    assert load(path, {}).email.password.get_secret_value() == WORD
    assert check(path, {}) == []


def test_a_secret_comes_from_a_credential_of_the_unit(tmp_path: Path):
    kept(tmp_path, WORD, 0o440)
    path = config(tmp_path, '{credential = "kept"}')
    assert load(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).email.password.get_secret_value() == WORD
    assert load(path, {}, tmp_path).email.password.get_secret_value() == WORD
    assert check(path, {}, tmp_path) == []


def test_a_secret_may_be_referred_to_by_a_variable(tmp_path: Path):
    environ = {"HYBRIDD_EMAIL__PASSWORD": '{env = "SMTP"}', "SMTP": WORD}
    assert load(config(tmp_path, '""'), environ).email.password.get_secret_value() == WORD


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ('{env = "NOT_SET"}', "variable NOT_SET is not set"),
        ('{env = "EMPTY"}', "is not set or empty"),
        ('{file = "/nowhere/at/all"}', "cannot be read: No such file"),
        ('{file = "relative"}', "not an absolute path"),
        ('{file = "/dev/zero"}', "is not a file"),
        ('{credential = "none"}', "cannot be read: No such file"),
        ('{credential = "../kept"}', "named without a path"),
        ('{file = "/a", env = "B"}', "one reference"),
        ('{vault = "x"}', "one reference"),
        ("{env = 5}", "one reference"),
        ("{}", "one reference"),
    ],
)
def test_a_secret_that_cannot_be_had_is_told_with_its_place(reference, words, tmp_path: Path):
    path = config(tmp_path, reference)
    (problem,) = check(path, {"EMPTY": ""}, tmp_path)
    assert (problem.id, problem.key, problem.line) == (Kind.UNRESOLVED, "email.password", 5)
    assert words in problem.message
    assert problem.level is Level.ERROR
    with pytest.raises(ConfigError):
        load(path, {"EMPTY": ""}, tmp_path)
    assert not load(path, {"EMPTY": ""}, tmp_path, need_secrets=False).email.password


def test_an_empty_file_is_no_secret(tmp_path: Path):
    (problem,) = check(config(tmp_path, f'{{file = "{kept(tmp_path, chr(10))}"}}'), {})
    assert problem.message.endswith("is empty")


def test_a_credential_outside_of_the_service_is_only_a_warning(tmp_path: Path):
    (problem,) = check(config(tmp_path, '{credential = "kept"}'), {})
    assert (problem.id, problem.level) == (Kind.UNRESOLVED, Level.WARNING)


def test_the_state_is_never_guessed_when_its_secret_is_missing(tmp_path: Path):
    path = tmp_path / "hybridd.toml"
    path.write_text('database.url = {credential = "db"}')
    with pytest.raises(ConfigError) as caught:
        load(path, {}, need_secrets=False)
    assert len(caught.value.lines) == 1


def test_a_section_that_is_off_is_not_looked_into(tmp_path: Path):
    assert check(config(tmp_path, '{env = "NOT_SET"}', enabled=False), {}) == []


def test_a_key_of_an_exchange_is_not_looked_up_for_a_manual_broker(tmp_path: Path):
    path = tmp_path / "hybridd.toml"
    path.write_text('[trading]\napi_key = {env = "NOT_SET"}\n')
    assert check(path, {}) == []


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_may_read_is_a_warning(mode, tmp_path: Path):
    path = config(tmp_path, f'{{file = "{kept(tmp_path, WORD, mode)}"}}')
    (problem,) = check(path, {})
    assert (problem.id, problem.level) == (Kind.EXPOSED, Level.WARNING)
    assert load(path, {}).email.password.get_secret_value() == WORD


def test_a_secret_in_settings_that_everybody_may_read_is_a_warning(tmp_path: Path):
    path = config(tmp_path, f'"{WORD}"')
    assert check(path, {}) == []
    path.chmod(0o644)
    (problem,) = check(path, {})
    assert (problem.id, problem.key, problem.level) == (Kind.EXPOSED, "email.password", Level.WARNING)


def test_nothing_that_prints_shows_a_secret(tmp_path: Path):
    path = config(tmp_path, f'"{WORD}"')
    path.write_text(path.read_text() + f'[health]\nping_url = "https://hc.example/{WORD}"\n')
    loaded = examine(path, {})
    settings = loaded.settings
    texts = [
        repr(settings),
        str(settings),
        f"{settings.email.password}",
        repr(settings.email),
        show(settings, loaded.written),
    ]
    texts += [
        json.dumps(plain(settings), ensure_ascii=False),
        settings.model_dump_json(),
        str(settings.model_dump()),
        repr(settings.health),
    ]
    assert not [text for text in texts if WORD in text]
    assert all("•••" in text for text in texts)
    assert secret_words(settings) == (WORD, f"https://hc.example/{WORD}")


def test_no_problem_quotes_a_secret(tmp_path: Path):
    path = tmp_path / "hybridd.toml"
    path.write_text(
        f'email.password = ["{WORD}"]\nchannels = ["{WORD}"]\nhealth.ping_url = "{WORD}"\ntelegram = "{WORD}"\n'
        f'database.url = "mysql://me:{WORD}@host/db"\nsms.auth_tokn = "{WORD}"\n'
    )
    environ = {"HYBRIDD_PUSH": f"{{{WORD}", "HYBRIDD_EMAIL__PASWORD": WORD, "HYBRIDD_CHANNELS": WORD}
    problems = check(path, environ)
    assert len(problems) >= 7
    assert not [str(problem) for problem in problems if WORD in str(problem)]


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (SecretText("x"), "•••"),
        (SecretText(""), ""),
        (SecretUrl("ntfy://topic"), "ntfy://•••"),
        (SecretUrl("odd"), "•••"),
        (DatabaseUrl("sqlite:////var/lib/a:b@c.db"), "sqlite:////var/lib/a:b@c.db"),
        (DatabaseUrl("postgresql://me@host/db"), "postgresql://me@host/db"),
        (DatabaseUrl("postgresql://me:p/w@x@host/db"), "postgresql://me:•••@host/db"),
        (DatabaseUrl("postgresql://host/db?password=pw&x=1"), "postgresql://host/db?password=•••&x=1"),
    ],
)
def test_a_secret_shows_only_what_is_harmless(secret, shown):
    assert str(secret) == shown
    assert repr(secret) == f"{type(secret).__name__}({shown!r})"


def test_secrets_are_equal_by_what_they_hide():
    assert SecretText("a") == SecretText("a") != SecretText("b")
    assert Settings() == pickle.loads(pickle.dumps(Settings()))
