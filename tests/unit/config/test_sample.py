"""What is made from the schema: the sample, the documentation, the JSON Schema, and the settings as shown."""

import json
from pathlib import Path

import jsonschema
import pytest
import tomli

from hybridd.config.keys import all_keys, form_text
from hybridd.config.load import examine
from hybridd.config.problems import CATALOGUE
from hybridd.config.reference import reference
from hybridd.config.reserved import RESERVED, acted_on
from hybridd.config.sample import example
from hybridd.config.schema import Settings, json_schema
from hybridd.config.show import show
from hybridd.config.toml_text import toml_text
from hybridd.config.values import duration_text, parse_duration

ROOT = Path(__file__).resolve().parents[3]


def test_the_sample_in_etc_is_what_the_schema_makes():
    text = (ROOT / "etc" / "hybridd.toml").read_text()
    assert text == example(), "write it anew: hybridd config example > etc/hybridd.toml"


def test_the_documentation_is_what_the_schema_makes():
    text = (ROOT / "docs" / "configuration.md").read_text()
    assert text == reference(), "write docs/configuration.md anew from hybridd.config.reference.reference()"


def test_the_sample_holds_the_defaults_and_no_problem(tmp_path: Path):
    path = tmp_path / "hybridd.toml"
    path.write_text(example())
    loaded = examine(path, {})
    assert loaded.problems == []
    assert loaded.settings == Settings()


def _names(table, prefix, wanted):
    """The keys of a file, with those of tables within tables."""
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in wanted:
            yield from _names(value, f"{name}.", wanted)
        else:
            yield name


def test_the_sample_has_every_key_that_is_acted_on_and_no_other():
    values = tomli.loads(example().replace('# url = "sqlite', 'url = "sqlite'))
    # A list of tables that is empty by default stands there as a comment.
    empty = {key.name for key in acted_on() if key.entry and not key.default}
    wanted = {key.name for key in acted_on()} - empty
    assert set(_names(values, "", wanted)) == wanted
    assert [name for name in empty if f"\n# [[{name}]]" not in example()] == []
    assert max(map(len, example().splitlines())) <= 120


def test_what_the_sample_shows_as_a_comment_can_be_used_as_it_is(tmp_path: Path):
    text = example()
    begin = text.index("# [[channels]]")
    entry = text[begin : text.index("\n\n", begin)]
    path = tmp_path / "hybridd.toml"
    path.write_text("\n".join(line.removeprefix("# ") for line in entry.splitlines()))
    path.chmod(0o600)
    loaded = examine(path, {})
    assert [channel.name for channel in loaded.settings.channels] == ["ops"]
    assert [problem.key for problem in loaded.problems] == ["channels[0].name"]  # no route leads there yet


def test_every_key_and_every_problem_is_documented():
    text = reference()
    assert not [key.name for key in all_keys() if f"| `{key.name}` |" not in text]
    assert not [kind for kind in CATALOGUE if f"### {kind} " not in text]
    assert all(key.field.description for key in all_keys())
    assert all(form_text(key.field) for key in all_keys())


def test_every_reserved_row_names_a_key():
    names = {key.name for key in all_keys()}
    rows = [row.key for row in RESERVED]
    assert set(rows) <= names
    assert len(rows) == len(set(rows))
    assert {row.only_if for row in RESERVED} - {""} <= names


def test_the_defaults_are_those_that_people_were_promised():
    settings = Settings()
    assert [str(instrument) for instrument in settings.instruments] == ["BTC/USDT", "ETH/USDT"]
    assert (settings.monitor.timeframe.ms, settings.monitor.settle_seconds) == (300_000, 2)
    assert (settings.market.source, settings.market.exchange, settings.market.history) == ("exchange", "binance", 2000)
    assert (settings.analysis.long_threshold, settings.analysis.short_threshold) == (65.0, 35.0)
    assert (settings.analysis.timeout, settings.analysis.command) == (20_000, ())
    assert (settings.alerts.cooldown, settings.alerts.time_to_live) == (900_000, 900_000)
    (route,) = settings.alerts.route
    assert route.severity == ("warning", "critical")
    steps = [(step.after, step.channels) for step in route.steps]
    assert steps == [(0, ("push", "email", "dashboard")), (120_000, ("sms",))]
    assert settings.database.url.get_secret_value() == "sqlite:////var/lib/hybridd/state.db"
    assert not settings.email.enabled
    assert not settings.email.password


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().alerts.cooldown = 5


def test_recipients_are_single_addresses():
    settings = Settings.model_validate({"email": {"recipient_email": "a@b.c, d@e.f,a@b.c"}})
    assert settings.email.recipients == ("a@b.c", "d@e.f")
    assert Settings().email.recipients == ()


def test_the_schema_for_editors_takes_the_sample_and_refuses_mistakes():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    checker.validate(tomli.loads(example()))
    checker.validate({"email": {"password": {"credential": "smtp"}}, "channels": [{"name": "a", "url": "ntfy://x"}]})
    for wrong in ({"alrets": {}}, {"alerts": {"cooldown": 5}}, {"email": {"password": {"vault": "x"}}}):
        assert not checker.is_valid(wrong)
    assert schema["$defs"]["Alerts"]["properties"]["cooldown"]["default"] == "15m"
    assert json.loads(json.dumps(schema)) == schema


def test_what_is_shown_is_toml_of_all_keys_with_their_places(tmp_path: Path):
    path = tmp_path / "hybridd.toml"
    path.write_text('[alerts]\ncooldown = "120s"\n')
    loaded = examine(path, {"HYBRIDD_MARKET__SEED": "7"})
    text = show(loaded.settings, loaded.written)
    values = tomli.loads(text)
    assert values == tomli.loads(show(loaded.settings))
    assert (values["alerts"]["cooldown"], values["market"]["seed"], values["channels"]) == ("2m", 7, [])
    places = {line.split(" = ")[0]: line.rpartition("# ")[2] for line in text.splitlines() if " = " in line}
    assert (places["cooldown"], places["seed"], places["score_jump"]) == (
        f"{path}:2",
        "HYBRIDD_MARKET__SEED",
        "default",
    )
    settings = Settings.model_validate({name: table for name, table in values.items() if name != "database"})
    assert settings.alerts == loaded.settings.alerts


@pytest.mark.parametrize(
    "value", [True, 5, -0.5, 'a "b" \\ \n \x7f ä', [1, ["x"]], {"a-b": 1, "c d": {"e": []}}, [], {}, 1e300]
)
def test_a_value_is_written_as_toml_reads_it(value):
    assert tomli.loads(f"value = {toml_text(value)}")["value"] == value


@pytest.mark.parametrize(
    ("text", "ms"), [("0s", 0), ("15m", 900_000), ("90s", 90_000), ("2h", 7_200_000), ("1w", 604_800_000)]
)
def test_a_duration_is_read_and_written_alike(text, ms):
    assert parse_duration(text) == ms
    assert duration_text(ms) == text


@pytest.mark.parametrize("text", ["", "15", "m", "-5m", "1.5h", "15 m", "5M", "1y", 15, None, True])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)
