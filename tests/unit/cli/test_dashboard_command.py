"""`hybridd config password` and what helps with logins on the machine itself."""

import pytest
from typer.testing import CliRunner

from hybridd.cli.config import app as config_app
from hybridd.cli.dashboard import app as dashboard_app
from hybridd.clock import SystemClock
from hybridd.config.load import examine
from hybridd.config.problems import Kind
from hybridd.dashboard import passwords, second_factor
from hybridd.dashboard.logins import Caller, Logins
from hybridd.dashboard.one_time_codes import bytes_of, hotp, new_secret, step_of
from hybridd.dashboard.roles import Role
from hybridd.errors import UsageError
from hybridd.store.store import open_store

WORDS = "four words are good"


@pytest.fixture
def place(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=SystemClock())
    file = tmp_path / "hybridd.toml"
    file.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/state.db"\n')
    yield store, str(file)
    store.close()


def run(app, *words, **more):
    return CliRunner().invoke(app, words, env={"CREDENTIALS_DIRECTORY": None, "DATABASE_URL": None}, **more)


def test_a_password_becomes_a_hash_that_the_settings_take(tmp_path):
    made = run(config_app, "password", input=f"{WORDS}\n")
    assert made.exit_code == 0
    assert WORDS not in made.output
    hashed = made.stdout.strip()
    assert passwords.matches(hashed, WORDS)
    file = tmp_path / "hybridd.toml"
    file.write_text(f'[dashboard]\npassword_hash = "{hashed}"\n')
    file.chmod(0o600)
    assert examine(file, {}).problems == []
    short = run(config_app, "password", input="short\n")
    assert isinstance(short.exception, UsageError)
    assert "short" not in short.output


@pytest.mark.parametrize(
    ("text", "kind", "word"),
    [
        (f'password_hash = "{WORDS}"', Kind.BAD_VALUE, "argon2id"),
        ('viewer_password_hash = "$2b$12$abcdefghijklmnopqrstuv"', Kind.BAD_VALUE, "argon2id"),
        (
            'password_hash = "$argon2id$v=19$m=999999,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"',
            Kind.BAD_VALUE,
            "64 MiB",
        ),
        (
            'public_url = "http://hybridd.example.org"\n'
            'password_hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"',
            Kind.EXPOSED,
            "unencrypted",
        ),
    ],
)
def test_what_is_no_safe_password_is_said_without_it(tmp_path, text, kind, word):
    file = tmp_path / "hybridd.toml"
    file.write_text(f"[dashboard]\n{text}\n")
    file.chmod(0o600)
    [problem] = examine(file, {}).problems
    assert problem.id is kind
    assert word in str(problem)
    assert WORDS not in str(problem)


def test_all_logins_are_ended_at_once(place):
    store, config = place
    logins = Logins(store, SystemClock())
    entry = logins.enter(logins.token(), Caller(asker="127.0.0.1"))
    assert logins.who(entry.session).role is Role.TRADER
    done = run(dashboard_app, "logout", "--config", config)
    assert done.stdout == "logins ended: 1\n"
    assert logins.who(entry.session) is None
    assert store.audit.list(1)[0].action == "logout.everywhere"


def test_whoever_has_lost_app_and_codes_comes_in_again(place):
    store, config = place
    secret, now = new_secret(), SystemClock().now()
    second_factor.enrol(store, Role.TRADER, secret, hotp(bytes_of(secret), step_of(now)), now)
    assert run(dashboard_app, "second-factor", "remove", "--config", config).exit_code == 0
    assert second_factor.factor(store, Role.TRADER) is None
    again = run(dashboard_app, "second-factor", "remove", "--config", config)
    assert isinstance(again.exception, UsageError)
