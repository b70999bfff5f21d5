"""What the settings' check says of the channels that speak HTTP."""

import json
from pathlib import Path

import pytest

from hybridd.config.check import secret_words
from hybridd.config.load import examine
from hybridd.config.problems import Kind, Level
from hybridd.config.show import show
from tests.fakes.http_channels import TOKEN, Browser

SUBSCRIPTION = Browser().subscription
PUSH = f"""
[push]
enabled = true
service = "web_push"
vapid_private_key = "k"
contact = "mailto:me@example.org"
device_tokens = ['{SUBSCRIPTION}']
"""
NO_WEB = "[dashboard]\nenabled = false\n"
TELEGRAM = f'[telegram]\nenabled = true\nbot_token = "{TOKEN}"\nchat_id = "-100777"\n'
HOOK = '[[channels]]\nname = "ops"\nurl = "https://hooks.example.org/in/secret-path"\nsecret = "hush"\n'
ROUTE = """
[[alerts.route]]
severity = ["warning", "critical"]
steps = [{after = "0s", channels = NAMES}]
"""


def problems_of(tmp_path: Path, text: str):
    path = tmp_path / "hybridd.toml"
    names = ["push", "telegram", *(["ops"] if "[[channels]]" in text else [])]
    path.write_text(text.replace("NAMES", json.dumps(names)))
    path.chmod(0o600)
    return examine(path, {}).problems


def test_whole_sections_that_a_route_leads_to_have_no_problem(tmp_path):
    assert problems_of(tmp_path, PUSH + TELEGRAM + HOOK + ROUTE) == []


WRONG = [
    (PUSH.replace('vapid_private_key = "k"', ""), Kind.INCOMPLETE, "push.vapid_private_key", "hybridd push keys"),
    (PUSH.replace("mailto:me@example.org", ""), Kind.INCOMPLETE, "push.contact", "mailto:"),
    (PUSH.replace("mailto:", ""), Kind.BAD_VALUE, "push.contact", "mailto:"),
    (PUSH.replace(f"'{SUBSCRIPTION}'", "") + NO_WEB, Kind.INCOMPLETE, "push.device_tokens", "subscription"),
    (PUSH.replace("https:", "http:"), Kind.BAD_VALUE, "push.device_tokens[0]", "copy it whole"),
    (TELEGRAM.replace(TOKEN, ""), Kind.INCOMPLETE, "telegram.bot_token", "@BotFather"),
    (TELEGRAM.replace(TOKEN, "hidden word"), Kind.BAD_VALUE, "telegram.bot_token", "@BotFather"),
    (TELEGRAM.replace("-100777", ""), Kind.INCOMPLETE, "telegram.chat_id", "a number"),
    (TELEGRAM.replace("-100777", "my chat"), Kind.BAD_VALUE, "telegram.chat_id", "a number"),
    (HOOK.replace("https://hooks.example.org", "https://"), Kind.BAD_VALUE, "channels[0].url", "https://"),
    (HOOK.replace("https:", "http:"), Kind.EXPOSED, "channels[0].url", "allow_http"),
    (HOOK.replace("https:", "ntfy:"), Kind.INCONSISTENT, "channels[0].secret", "remove it"),
]


@pytest.mark.parametrize(("text", "kind", "key", "remedy"), WRONG, ids=[f"{c[2]} {c[1]}" for c in WRONG])
def test_each_mistake_is_one_problem_that_holds_no_secret(tmp_path, text, kind, key, remedy):
    [problem] = problems_of(tmp_path, text + ROUTE)
    assert (problem.id, problem.key) == (kind, key)
    assert remedy in problem.remedy
    assert problem.level is Level.ERROR
    assert [word for word in (TOKEN, "hidden word", "secret-path", "hush", "capability") if word in str(problem)] == []


@pytest.mark.parametrize("url", ["http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]/x"])
def test_this_machine_may_be_written_to_in_the_clear(tmp_path, url):
    assert problems_of(tmp_path, HOOK.replace("https://hooks.example.org/in/secret-path", url) + ROUTE) == []


def test_who_wants_it_may_write_in_the_clear(tmp_path):
    assert problems_of(tmp_path, HOOK.replace("https:", "http:") + "allow_http = true\n" + ROUTE) == []


@pytest.mark.parametrize(
    ("text", "key"), [(TELEGRAM, "telegram.enabled"), (HOOK, "channels[0].name"), (PUSH, "push.enabled")]
)
def test_a_channel_that_no_route_leads_to_is_a_warning(tmp_path, text, key):
    route = ROUTE.replace("NAMES", '["journal"]')
    [problem] = problems_of(tmp_path, text + route)
    assert (problem.id, problem.key, problem.level) == (Kind.INCONSISTENT, key, Level.WARNING)


def test_what_is_secret_is_masked_where_settings_are_shown_and_logged(tmp_path):
    path = tmp_path / "hybridd.toml"
    path.write_text(PUSH.replace('"k"', '"the private one"') + TELEGRAM + HOOK)
    path.chmod(0o600)
    loaded = examine(path, {})
    text = show(loaded.settings)
    hidden = [TOKEN, "secret-path", "hush", "the private one"]
    assert [word for word in hidden if word in text or word in repr(loaded.settings)] == []
    words = " ".join(secret_words(loaded.settings))
    assert [word for word in hidden if word not in words] == []


def test_a_subscription_is_written_as_the_browser_gives_it(tmp_path):
    path = tmp_path / "hybridd.toml"
    path.write_text(PUSH)
    path.chmod(0o600)
    settings = examine(path, {}).settings
    assert json.loads(settings.push.device_tokens[0])["keys"].keys() == {"p256dh", "auth"}
