"""Every kind of problem: what brings it about, where it is placed, what it says to do."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.config.check import check, diff
from hybridd.config.keys import by_name
from hybridd.config.load import load
from hybridd.config.problems import CATALOGUE, Kind, Level, Problem
from hybridd.config.reserved import RESERVED
from hybridd.config.schema import Settings
from hybridd.config.sources import Written
from hybridd.config.toml_text import toml_text
from hybridd.config.validate import validate
from hybridd.errors import ConfigError

ROUTE = '[[alerts.route]]\nseverity = ["warning"]\n'
MAIL = '[email]\nenabled = true\nsender_email = "a@b.c"\nrecipient_email = "d@e.f, g@h.i"\n'

STEP = "alerts.route[0].steps[0]"


def steps(text: str, before: str = "") -> str:
    return f"{ROUTE}{before}steps = [{text}]\n"


UNKNOWN = [
    # text, line, key, part of the message, part of the remedy
    ('[alerts]\ncooldwon = "15m"', 2, "alerts.cooldwon", "unknown key", "did you mean alerts.cooldown?"),
    ('[monitor]\ncooldown = "1m"', 2, "monitor.cooldown", "unknown key", "alerts.cooldown?"),
    ("[alretz]\nx = 1", 1, "alretz", "unknown section", "did you mean alerts?"),
    ("[zzz]", 1, "zzz", "unknown section", "hybridd config schema"),
    ("market.context.fundin = true", 1, "market.context.fundin", "", "market.context.funding?"),
    (steps('{after = "0s", channels = ["sms"]}', "stps = 1\n"), 3, "alerts.route[0].stps", "", "route[0].steps?"),
]
WRONG_TYPE = [
    ('[email]\n\nenabled = "yes"', 3, "email.enabled", 'must be true or false, not "yes"', ""),
    ("monitor.settle_seconds = true", 1, "monitor.settle_seconds", "number, not true", ""),
    ('monitor.symbols = "BTC/USDT"', 1, "monitor.symbols", "must be a list", ""),
    ('monitor.symbols = ["BTC/USDT",\n 5]', 2, "monitor.symbols[1]", "text in quotes", ""),
    ('alerts.score_jump = "5"', 1, "alerts.score_jump", "must be a number", ""),
    ("alerts.cooldown = 900", 1, "alerts.cooldown", "a duration", '"15m"'),
    ("monitor.timeframe = 5", 1, "monitor.timeframe", "a time frame", '"5m"'),
    ("monitor = 5", 1, "monitor", "must be a table", ""),
    ("analysis.weights = 5", 1, "analysis.weights", "must be a table", ""),
    ("email.password = 5", 1, "email.password", "text in quotes", "credential"),
    ("alerts.timezone = 2020-01-01", 1, "alerts.timezone", "text in quotes", ""),
]
BAD_VALUE = [
    ("monitor.symbols = []", 1, "monitor.symbols", "at least 1 entry", ""),
    ('monitor.symbols = ["XYZ"]', 1, "monitor.symbols[0]", '"XYZ" is not a symbol', ""),
    ('monitor.timeframe = "1M"', 1, "monitor.timeframe", "a time frame", ""),
    ("monitor.settle_seconds = -1", 1, "monitor.settle_seconds", "must be 0 or more, not -1", ""),
    ("market.history = 1000001", 1, "market.history", "at most 1000000, not 1000001", ""),
    ('market.source = "file"', 1, "market.source", '"recorded" or "simulated", not "file"', ""),
    ('market.exchange = "Binance!"', 1, "market.exchange", "", "small letters"),
    ('market.base_url = "https://a.b/c"', 1, "market.base_url", "a scheme and a host", "without a path"),
    ('market.base_url = "ftp://a.b"', 1, "market.base_url", "a scheme and a host", ""),
    ('analysis.brain = "mine"', 1, "analysis.brain", "", "module:function"),
    ("analysis.confirm = 0", 1, "analysis.confirm", "1 or more", ""),
    ('analysis.timeout = "0s"', 1, "analysis.timeout", "longer than nothing", ""),
    ("analysis.long_threshold = nan", 1, "analysis.long_threshold", "finite", ""),
    ("analysis.weights.trend = -1", 1, "analysis.weights.trend", "0 or more", ""),
    ("alerts.score_jump = 0", 1, "alerts.score_jump", "above 0, not 0", ""),
    ('alerts.cooldown = "15 min"', 1, "alerts.cooldown", "a duration", ""),
    ('alerts.cooldown = "9999999w"', 1, "alerts.cooldown", "ten years", ""),
    ('alerts.timezone = "Berlin"', 1, "alerts.timezone", '"Berlin" is no time zone', "Europe/Berlin"),
    ('alerts.timezone = "../../etc/passwd"', 1, "alerts.timezone", "is no time zone", ""),
    ('alerts.timezone = "Europe"', 1, "alerts.timezone", "is no time zone", ""),
    ('alerts.quiet_hours = "23-7"', 1, "alerts.quiet_hours", "span of the day", "23:00-07:00"),
    ('alerts.quiet_hours = "07:00-07:00"', 1, "alerts.quiet_hours", "span of the day", ""),
    ('email.sender_email = "me"', 1, "email.sender_email", "no e-mail address", ""),
    ('email.recipient_email = "a@b.c,"', 1, "email.recipient_email", "no e-mail address", ""),
    ('email.smtp_server = "smtp://a"', 1, "email.smtp_server", "a host alone", ""),
    ('email.smtp_server = "a.b:587"', 1, "email.smtp_server", "a host alone", ""),
    ("email.smtp_port = 0", 1, "email.smtp_port", "1 or more", ""),
    ('email.username = "a\\nb"', 1, "email.username", "one line", ""),
    ('health.ping_url = "hc.example"', 1, "health.ping_url", "web address", ""),
    ('health.ping_url = "https://h:99999/x"', 1, "health.ping_url", "web address", ""),
    ('database.url = "/var/lib/state.db"', 1, "database.url", "URL of a database", "sqlite:////"),
]
MISSING = [
    (ROUTE, 1, "alerts.route[0].steps", "is missing", "add steps"),
    (ROUTE + '[[alerts.route.steps]]\nchannels = ["sms"]', 3, f"{STEP}.after", "is missing", "add after"),
]
INCOMPLETE = [
    (MAIL.replace("sender_email", "# "), 1, "email.sender_email", "email.enabled is true", "fill it in"),
    (MAIL.replace("recipient_email", "# "), 1, "email.recipient_email", "is empty", ""),
    (MAIL + 'smtp_server = ""', 5, "email.smtp_server", "is empty", ""),
    (MAIL + 'username = "me"', 1, "email.password", "email.username is set", "fill in both"),
    (MAIL + 'password = "me"', 1, "email.username", "email.password is set", ""),
    ('[market]\nsource = "recorded"', 1, "market.path", "is empty", "folder"),
]
INCONSISTENT = [
    ("analysis.long_threshold = 30", 1, "analysis.short_threshold", "35 must be below", ""),
    ("analysis.hysteresis = 15", 1, "analysis.hysteresis", "half the gap", "lower it"),
    ('analysis.command = ["x"]\nanalysis.brain = "a:b"', 1, "analysis.command", "only one", ""),
    (
        steps('{after = "5m", channels = ["sms"]},\n {after = "1m", channels = ["push"]}'),
        4,
        "alerts.route[0].steps[1].after",
        "before the step above it (5m)",
        "in order",
    ),
]
CHANNEL = [
    (steps('{after = "0s", channels = ["pusch"]}'), 3, f"{STEP}.channels[0]", '"pusch"', 'did you mean "push"?'),
    (steps('{after = "0s", channels = ["SMS"]}'), 3, f"{STEP}.channels[0]", '"SMS"', 'did you mean "sms"?'),
    ('alerts.quiet_channels = ["sns"]', 1, "alerts.quiet_channels[0]", '"sns"', 'did you mean "sms"?'),
    (steps('{after = "0s", channels = ["x"]}'), 3, f"{STEP}.channels[0]", 'no channel "x"', "known are push, email"),
]
DUPLICATE = [
    (steps('{after = "0s", channels = ["sms", "sms"]}'), 3, f"{STEP}.channels", '"sms" is there 2 times', ""),
    ('monitor.symbols = ["BTCUSDT",\n"btc/usdt"]', 2, "monitor.symbols[1]", "same market", ""),
]
NOT_AVAILABLE = [
    ("database.keep_days = 5", 1, "database.keep_days", "this version has no removal of old analyses yet", "to 0"),
    ('database.url = "postgresql://h/d"', 1, "database.url", "no PostgreSQL store yet", "sqlite:"),
]
CASES = [
    (kind, *case)
    for kind, cases in (
        (Kind.UNKNOWN_KEY, UNKNOWN),
        (Kind.WRONG_TYPE, WRONG_TYPE),
        (Kind.BAD_VALUE, BAD_VALUE),
        (Kind.MISSING_KEY, MISSING),
        (Kind.INCOMPLETE, INCOMPLETE),
        (Kind.INCONSISTENT, INCONSISTENT),
        (Kind.UNKNOWN_CHANNEL, CHANNEL),
        (Kind.DUPLICATE, DUPLICATE),
        (Kind.NOT_AVAILABLE, NOT_AVAILABLE),
    )
    for case in cases
]
PUSH_ONLY = steps('{after = "0s", channels = ["push"]}')
WARNINGS = [
    (MAIL + 'username = "a"\npassword = "b"\nsecurity = "none"', "email.security", Kind.EXPOSED, "unencrypted"),
    (MAIL + PUSH_ONLY, "email.enabled", Kind.INCONSISTENT, "no route leads"),
    ('analysis.command = ["x"]\nanalysis.timeout = "5m"', "analysis.timeout", Kind.INCONSISTENT, "may be late"),
    ('alerts.time_to_live = "2m"', "alerts.route[0].steps[1].after", Kind.INCONSISTENT, "never sent"),
    (2 * PUSH_ONLY, "alerts.route[1]", Kind.INCONSISTENT, "never reached"),
]


def problems_of(folder: Path, text: str) -> list[Problem]:
    path = folder / "hybridd.toml"
    path.write_text(text)
    path.chmod(0o600)
    return check(path, {})


@pytest.mark.parametrize(("kind", "text", "line", "key", "message", "remedy"), CASES, ids=lambda v: str(v)[:40])
def test_each_mistake_is_one_problem_at_its_place(kind, text, line, key, message, remedy, tmp_path: Path):
    (problem,) = problems_of(tmp_path, text)
    assert (problem.id, problem.key, problem.line, problem.level) == (kind, key, line, Level.ERROR)
    assert problem.source == str(tmp_path / "hybridd.toml")
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize(("text", "key", "kind", "message"), WARNINGS, ids=lambda v: str(v)[:40])
def test_what_hybridd_can_live_with_is_a_warning(text, key, kind, message, tmp_path: Path):
    (problem,) = problems_of(tmp_path, text)
    assert (problem.key, problem.id, problem.level) == (key, kind, Level.WARNING)
    assert message in problem.message
    assert load(tmp_path / "hybridd.toml", {})


def test_every_kind_of_problem_is_tested_and_explained():
    elsewhere = {Kind.BROKEN_FILE, Kind.MISSING_FILE, Kind.UNREADABLE_FILE, Kind.UNKNOWN_VARIABLE, Kind.UNRESOLVED}
    assert {case[0] for case in CASES} | {case[2] for case in WARNINGS} | elsewhere == set(Kind)
    assert list(CATALOGUE) == list(Kind)
    assert len({entry.slug for entry in CATALOGUE.values()}) == len(Kind)


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path):
    texts = [case[0] for case in (*WRONG_TYPE, *BAD_VALUE, *NOT_AVAILABLE) if "\n" not in case[0]]
    single = {
        text.partition(" =")[0]: text for text in texts if not text.startswith(("monitor =", "analysis.weights ="))
    }
    problems = problems_of(tmp_path, "\n".join(single.values()))
    assert [problem.line for problem in problems] == list(range(1, len(single) + 1))


def test_the_error_holds_one_finished_line_a_problem(tmp_path: Path):
    path = tmp_path / "hybridd.toml"
    path.write_text('[alerts]\ncooldwon = "15m"\n[database]\nkeep_days = 5\n')
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.lines == (
        f"{path}:2: alerts.cooldwon: unknown key [H001] → did you mean alerts.cooldown?",
        f"{path}:4: database.keep_days: this version has no removal of old analyses yet [H009] → set it to 0",
    )
    assert "2 problems" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_problem_with_a_default_is_placed_at_the_table(tmp_path: Path):
    (problem,) = problems_of(tmp_path, "\n[analysis]\nlong_threshold = 20\n")
    assert (problem.key, problem.line) == ("analysis.short_threshold", 2)


def test_a_mail_server_on_this_machine_needs_no_encryption(tmp_path: Path):
    assert (
        problems_of(tmp_path, MAIL + 'username = "a"\npassword = "b"\nsecurity = "none"\nsmtp_server = "localhost"')
        == []
    )


@pytest.mark.parametrize("row", RESERVED, ids=lambda row: row.key)
def test_a_reserved_key_is_let_through_at_its_default(row, tmp_path: Path):
    assert problems_of(tmp_path, f"{row.key} = {toml_text(by_name()[row.key].default)}") == []


OTHER = {
    "market.context.sentiment_url": "https://a.b/",
    "market.context.macro_url": "https://a.b/",
    "decisions.expires": "1h",
    "trading.broker": "paper",
    "trading.api_key": "x",
    "trading.api_secret": "x",
}


@pytest.mark.parametrize("row", RESERVED, ids=lambda row: row.key)
def test_a_reserved_key_is_refused_where_it_would_pretend(row, tmp_path: Path):
    default = by_name()[row.key].default
    other = OTHER.get(row.key, not default if isinstance(default, bool) else None)
    other = default + 1 if other is None else other
    problems = problems_of(tmp_path, f"{row.key} = {toml_text(other)}")
    assert [(p.id, p.key, p.line) for p in problems] == ([] if row.free else [(Kind.NOT_AVAILABLE, row.key, 1)])


@pytest.mark.parametrize(
    "text",
    [
        '[sms]\nenabled = false\nauth_token = "x"\nfrom_number = "+491511234567"\nprovider = "vonage"',
        "[market.context]\nfunding = false\norder_book = false\nsentiment_url = ''\nmacro_url = ''",
        "dashboard.enabled = false\ndashboard.port = 9000",
        "decisions.propose = false\nhealth.metrics = false\nalerts.daily_sms_segments = 0",
        'alerts.quiet_hours = "23:00-07:00"\nalerts.quiet_channels = ["email"]',
        '[market]\nmarket_type = "swap"\n[monitor]\nsymbols = ["BTC/USDT", "ETHUSDT.P"]',
        "[analysis]\nlong_threshold = 70\nshort_threshold = 30\nweights = {trend = 2, macro = 0.5}",
        '[market]\nbase_url = "http://127.0.0.1:8080/"',
        'monitor.timeframe = "1s"',
    ],
)
def test_what_promises_nothing_is_let_through(text, tmp_path: Path):
    assert problems_of(tmp_path, text) == []


def test_a_channel_of_ones_own_may_be_named_in_a_route(tmp_path: Path):
    text = (
        ROUTE + 'steps = [{after = "0s", channels = ["ops", "journal"]}]\n[[channels]]\nname = "ops"\nurl = "ntfy://x"'
    )
    assert problems_of(tmp_path, text) == []


def test_a_channel_cannot_take_a_name_that_is_taken(tmp_path: Path):
    text = '[[channels]]\nname = "email"\nurl = "ntfy://x"\n[[channels]]\nname = "a"\nurl = "ntfy://x"\n'
    found = problems_of(tmp_path, text + '[[channels]]\nname = "a"\nurl = "ntfy://y"\n')
    assert [(p.key, p.line) for p in found if p.id == Kind.DUPLICATE] == [
        ("channels[0].name", 2),
        ("channels[2].name", 8),
    ]


def test_what_differs_is_named_by_key():
    old = Settings()
    new = Settings.model_validate(
        {
            "alerts": {"cooldown": "1m"},
            "market": {"context": {"funding": False}},
            "email": {"password": "x"},
            "channels": [{"name": "a", "url": "ntfy://x"}],
        }
    )
    assert diff(old, new) == ("market.context.funding", "alerts.cooldown", "email.password", "channels")
    assert diff(new, new) == ()


some_names = st.sampled_from(["env", "name", "url", "route", "x"])
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(some_names, inner, max_size=2)),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*Settings.model_fields, "x"]),
        st.one_of(
            anything, st.dictionaries(st.sampled_from(["enabled", "symbols", "route", "url", "weights"]), anything)
        ),
        max_size=4,
    )
)
def test_no_values_whatever_break_the_check(values):
    found = validate(Written(values))
    assert isinstance(found.settings, Settings)
    assert all(str(problem) for problem in found.problems)
    assert bool(found.problems) == bool(found.bad)
