"""Files, drop-ins and variables, merged, with the place that each value is from."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.config.load import examine, load
from hybridd.config.problems import Kind, Level
from hybridd.config.sources import Origin, Written, merge, read_environ
from hybridd.errors import ConfigError

trees = st.recursive(
    st.integers(),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=8,
)
tables = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(tables)
def test_merging_nothing_changes_nothing(tree):
    assert merge(Written(tree), Written()).values == tree
    assert merge(Written(), Written(tree)).values == tree
    assert merge(Written(tree), Written(tree)).values == tree


@given(tables, tables)
def test_what_is_merged_over_can_be_read_back(base, over):
    def holds(found: object, wanted: object) -> bool:
        if isinstance(wanted, dict):
            return isinstance(found, dict) and all(holds(found[name], inner) for name, inner in wanted.items())
        return found == wanted

    assert holds(merge(Written(base), Written(over)).values, over)


def test_a_replaced_list_forgets_where_its_entries_were():
    base = Written({"a": [1, 2]}, {("a",): Origin("one", 1), ("a", 1): Origin("one", 3)})
    both = merge(base, Written({"a": [3]}, {("a",): Origin("two", 7)}))
    assert both.origin(("a", 1)) == Origin("two", 7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hybridd.toml").write_text(
        '[alerts]\ncooldown = "10m"\nscore_jump = 3\n[monitor]\nsymbols = ["ETHUSDT"]\n'
    )
    (tmp_path / "hybridd.d").mkdir()
    return tmp_path


def test_drop_ins_override_in_name_order(folder: Path):
    (folder / "hybridd.d" / "20.toml").write_text('alerts.cooldown = "2m"\n')
    (folder / "hybridd.d" / "10.toml").write_text('[alerts]\ncooldown = "1m"\nscore_drift = 7\n')
    (folder / "hybridd.d" / ".hidden.toml").write_text("broken")
    (folder / "hybridd.d" / "30.toml~").write_text("broken")
    loaded = examine(folder / "hybridd.toml", {})
    alerts = loaded.settings.alerts
    assert (alerts.cooldown, alerts.score_drift, alerts.score_jump) == (120_000, 7.0, 3.0)
    assert [Path(name).name for name in loaded.sources] == ["hybridd.toml", "10.toml", "20.toml"]
    assert loaded.written.origin(("alerts", "score_drift")) == Origin(str(folder / "hybridd.d" / "10.toml"), 3)


def test_a_variable_overrides_every_file(folder: Path):
    (folder / "hybridd.d" / "20.toml").write_text('alerts.cooldown = "2m"\n')
    settings = load(folder / "hybridd.toml", {"HYBRIDD_ALERTS__COOLDOWN": "3m"})
    assert settings.alerts.cooldown == 180_000


@pytest.mark.parametrize(
    ("variable", "value", "section", "key", "expected"),
    [
        ("HYBRIDD_EMAIL__SMTP_PORT", "465", "email", "smtp_port", 465),
        ("HYBRIDD_ALERTS__SCORE_JUMP", "2.5", "alerts", "score_jump", 2.5),
        ("HYBRIDD_DECISIONS__PROPOSE", "false", "decisions", "propose", False),
        ("HYBRIDD_MONITOR__SYMBOLS", '["BTCUSDT"]', "monitor", "symbols", ("BTCUSDT",)),
        ("HYBRIDD_EMAIL__USERNAME", "12345", "email", "username", "12345"),
        ("HYBRIDD_TELEGRAM__CHAT_ID", "-100", "telegram", "chat_id", "-100"),
        ("HYBRIDD_ANALYSIS__WEIGHTS", "{trend = 1.5}", "analysis", "weights", {"trend": 1.5}),
        ("HYBRIDD_ANALYSIS__WEIGHTS", '{"trend": 1.5}', "analysis", "weights", {"trend": 1.5}),
        ("HYBRIDD_ANALYSIS__WEIGHTS__MACRO", "0", "analysis", "weights", {"macro": 0}),
        ("HYBRIDD_MARKET", '{source = "simulated"}', "market", "source", "simulated"),
    ],
)
def test_a_variable_is_read_as_its_key_wants_it(variable, value, section, key, expected, folder: Path):
    settings = load(folder / "hybridd.toml", {variable: value})
    assert getattr(getattr(settings, section), key) == expected


def test_a_nested_key_has_a_variable_too(folder: Path):
    assert load(folder / "hybridd.toml", {"HYBRIDD_MARKET__CONTEXT__FUNDING": "false"}).market.context.funding is False


def test_a_password_of_digits_or_braces_stays_as_it_is(folder: Path):
    for password in ("0012", "true", "{odd", '"quoted"'):
        settings = load(folder / "hybridd.toml", {"HYBRIDD_EMAIL__PASSWORD": password})
        assert settings.email.password.get_secret_value() == password


def test_the_variable_that_names_the_file_is_no_setting():
    assert read_environ({"HYBRIDD_CONFIG": "/x", "HOME": "/root"}) == (Written(), [])


@pytest.mark.parametrize(
    ("variable", "remedy", "level"),
    [
        ("HYBRIDD_ALERTS__COOLDWON", "did you mean HYBRIDD_ALERTS__COOLDOWN?", Level.ERROR),
        ("HYBRIDD_ALERTS_COOLDOWN", "did you mean HYBRIDD_ALERTS__COOLDOWN?", Level.ERROR),
        ("HYBRIDD_NOWHERE__NOTHING", "unset it", Level.ERROR),
        ("HYBRIDD_ALERTS__COOLDOWN__MORE", "did you mean HYBRIDD_ALERTS__COOLDOWN?", Level.ERROR),
        ("HYBRIDD_BUILD_HOST", "unset it", Level.WARNING),
        ("HYBRIDD_", "unset it", Level.WARNING),
    ],
)
def test_a_variable_that_names_no_key_is_told(variable, remedy, level):
    _, (problem,) = read_environ({variable: "1"})
    assert (problem.id, problem.source, problem.remedy, problem.level) == (
        Kind.UNKNOWN_VARIABLE,
        variable,
        remedy,
        level,
    )


def test_database_url_stands_in_where_nobody_else_says(folder: Path):
    path, environ = folder / "hybridd.toml", {"DATABASE_URL": "sqlite:///from-environment.db"}
    assert load(path, environ).database.url.get_secret_value() == "sqlite:///from-environment.db"
    assert examine(path, environ).written.origin(("database", "url")) == Origin("DATABASE_URL")
    more = {**environ, "HYBRIDD_DATABASE__URL": "sqlite:///own.db"}
    assert load(path, more).database.url.get_secret_value() == "sqlite:///own.db"
    (folder / "hybridd.d" / "1.toml").write_text('database.url = "sqlite:///file.db"')
    assert load(path, environ).database.url.get_secret_value() == "sqlite:///file.db"


def test_without_a_path_the_file_in_etc_of_this_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if Path("/etc/hybridd.toml").exists():
        pytest.skip("/etc/hybridd.toml exists on this machine")
    monkeypatch.chdir(tmp_path)
    loaded = examine(None, {})
    assert [(p.id, p.level) for p in loaded.problems] == [(Kind.MISSING_FILE, Level.WARNING)]
    assert loaded.settings is not None
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hybridd.toml").write_text("monitor.settle_seconds = 9")
    assert load(None, {}).monitor.settle_seconds == 9
    assert examine(None, {}).sources == ("etc/hybridd.toml",)


@pytest.mark.parametrize(
    ("content", "kind", "line", "words"),
    [
        (b"[monitor]\nsymbols = [\n", Kind.BROKEN_FILE, 3, "column"),
        (b"a = 1\na = 2\n", Kind.BROKEN_FILE, 2, "overwrite"),
        (b"a = '\xff'", Kind.BROKEN_FILE, None, "UTF-8"),
        (b"a = " + b"9" * 5000, Kind.BROKEN_FILE, None, "too large"),
        (b"a = " + b"[" * 5000, Kind.BROKEN_FILE, None, "too large"),
        (None, Kind.MISSING_FILE, None, "no such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_problem(content, kind, line, words, tmp_path: Path):
    path = tmp_path / "hybridd.toml"
    if content is not None:
        path.write_bytes(content)
    (problem,) = examine(path, {}).problems
    assert (problem.id, problem.source, problem.line) == (kind, str(path), line)
    assert words in problem.message
    assert problem.remedy


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path):
    (problem,) = examine(tmp_path, {}).problems
    assert (problem.id, problem.message) == (Kind.UNREADABLE_FILE, "cannot be read: Is a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_of_drop_ins_is_told(folder: Path):
    (folder / "hybridd.d").chmod(0)
    (problem,) = examine(folder / "hybridd.toml", {}).problems
    (folder / "hybridd.d").chmod(0o700)
    assert problem.id == Kind.UNREADABLE_FILE


def test_a_broken_drop_in_forbids_to_go_on(folder: Path):
    (folder / "hybridd.d" / "1.toml").write_text("[email\n")
    with pytest.raises(ConfigError) as caught:
        load(folder / "hybridd.toml", {})
    (line,) = caught.value.lines
    assert line.startswith(f"{folder}/hybridd.d/1.toml:1: column ")


def test_a_mark_at_the_start_of_the_file_does_no_harm(tmp_path: Path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf[monitor]\r\nsettle_seconds = 3\r\n")
    assert load(tmp_path / "a.toml", {}).monitor.settle_seconds == 3
