"""Settings changed in the web: judged before they are kept, laid over the files, taken by the watch, told by it."""

import pytest
from typer.testing import CliRunner

from hybridd.cli.config import app
from hybridd.clock import ManualClock
from hybridd.config.show import plain
from hybridd.pipeline import overrides
from hybridd.pipeline.overrides import SAFE, in_force, judge, looked_at, read, tell, typed, want, wanted_of
from hybridd.store.store import open_store
from tests.makers import T0

LONG, SHORT = "analysis.long_threshold", "analysis.short_threshold"


class House:
    def __init__(self, folder):
        self.folder, self.path = folder, folder / "hybridd.toml"
        self.write("long_threshold = 66.0")
        self.store = open_store(f"sqlite:///{folder}/state.db", clock=ManualClock(T0))

    def write(self, *lines):
        url = f'[database]\nurl = "sqlite:///{self.folder}/state.db"\n'
        self.path.write_text("\n".join(["[analysis]", *lines, url]))

    def want(self, **values):
        names = {name.replace("__", "."): value for name, value in values.items()}
        return want(self.store, names, "dashboard", T0)

    def run(self, *words):
        unset = {"DATABASE_URL": None, "CREDENTIALS_DIRECTORY": None}
        found = CliRunner().invoke(app, [*words, "--config", str(self.path)], env=unset)
        return found.exit_code, " ".join(found.output.split())


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.store.close()


def test_what_the_web_wants_wins_over_the_files_and_is_undone(house):
    assert read(house.path, {}).analysis.long_threshold == 66.0
    assert house.want(analysis__long_threshold=71.0).version == 1
    assert read(house.path, {}).analysis.long_threshold == 71.0
    assert read(house.path, {"HYBRIDD_ANALYSIS__LONG_THRESHOLD": "68"}).analysis.long_threshold == 71.0
    assert house.want(analysis__long_threshold=None).version == 2
    assert read(house.path, {}).analysis.long_threshold == 66.0
    assert [(row.action, row.subject, row.data["from"], row.data["to"]) for row in house.store.audit.list(5)] == [
        ("settings.change", LONG, 71.0, None),
        ("settings.change", LONG, None, 71.0),
    ]


def test_what_cannot_be_next_to_the_files_is_left_out_and_told(house):
    house.want(analysis__short_threshold=60.0)
    house.write("long_threshold = 55.0")
    found = looked_at(house.path, {})
    assert (found.settings.analysis.short_threshold, found.settings.analysis.long_threshold) == (35.0, 55.0)
    assert any("60 must be below analysis.long_threshold (55)" in str(problem) for problem in found.problems)
    tell(house.store, found.settings, T0)
    [line] = in_force(house.store).refused
    assert line.startswith(SHORT)


def test_nothing_but_the_safe_keys_comes_from_the_state(house):
    house.store.bot_state.set(
        overrides.WANTED_KEY, {"version": 3, "values": {"trading.live": True, "email.password": "x", LONG: 70.0}}
    )
    assert wanted_of(house.store).values == {LONG: 70.0}
    settings = read(house.path, {})
    assert (settings.trading.live, bool(settings.email.password)) == (False, False)
    house.want(trading__live=True)
    assert wanted_of(house.store).values == {LONG: 70.0}


def test_a_state_that_is_not_there_or_broken_stops_nobody(house, tmp_path):
    house.store.close()
    (tmp_path / "state.db").write_bytes(b"no database")
    assert read(house.path, {}).analysis.long_threshold == 66.0
    (tmp_path / "state.db").unlink()
    assert read(house.path, {}).analysis.long_threshold == 66.0
    assert not (tmp_path / "state.db").exists()


@pytest.mark.parametrize(
    ("name", "text", "value", "wrong"),
    [
        (LONG, "70", 70.0, ""),
        (LONG, "101", None, "at most 100"),
        (LONG, "nan", None, "finite"),
        (LONG, "much", None, "must be a number"),
        (LONG, "30", None, "must be below analysis.long_threshold (30)"),
        ("analysis.confirm", "2", 2, ""),
        ("analysis.confirm", "1.5", None, "whole number"),
        ("alerts.cooldown", "1h", "1h", ""),
        ("alerts.cooldown", "soon", None, "duration"),
        ("alerts.quiet_hours", "23:00-07:00", "23:00-07:00", ""),
        ("alerts.quiet_hours", "", "", ""),
        ("alerts.quiet_hours", "25:00-07:00", None, "span of the day"),
        ("monitor.symbols", "BTC/USDT, ETHUSDT", ["BTC/USDT", "ETHUSDT"], ""),
        ("monitor.symbols", "BTC/USDT, BTCUSDT", None, "the same market"),
        ("monitor.symbols", "", None, "at least 1"),
        ("monitor.symbols", "<script>", None, "symbol"),
        ("monitor.symbols", '"BTC/USDT"; DROP TABLE', None, "symbol"),
    ],
)
def test_a_wish_is_judged_by_the_rules_of_the_files(house, name, text, value, wrong):
    values = plain(read(house.path, {}))
    form, problems = judge(values, {name: typed(name, text)})
    if not wrong:
        assert (form, problems) == ({name: value}, {})
    else:
        assert wrong in " ".join(problems.values())


def test_every_safe_key_can_be_typed_as_it_is_shown(house):
    values = plain(read(house.path, {}))
    for name in SAFE:
        shown = overrides.value_at(values, tuple(name.split(".")))
        text = ", ".join(shown) if isinstance(shown, list) else str(shown)
        assert judge(values, {name: typed(name, text)}) == ({name: shown}, {})


def test_the_commands_show_it_and_undo_it(house):
    house.want(analysis__long_threshold=71.0, alerts__cooldown="1h")
    code, shown = house.run("show")
    assert code == 0
    assert f"long_threshold = 71.0 # the dashboard, in place of 66.0 ({house.path}:2)" in shown
    assert 'cooldown = "1h" # the dashboard, in place of "15m" (default)' in shown
    assert (
        "changed in the dashboard, whatever the files say: alerts.cooldown, analysis.long_threshold"
        in house.run("check")[1]
    )
    assert house.run("reset", "alerts.rate")[0] != 0
    assert house.run("reset", LONG)[0] == 0
    assert wanted_of(house.store).values == {"alerts.cooldown": "1h"}
    assert house.run("reset")[0] == 0
    assert "nothing was changed" in house.run("reset")[1]
    assert "the dashboard" not in house.run("show")[1]


def test_no_secret_is_told(house):
    settings = read(house.path, {"HYBRIDD_EMAIL__PASSWORD": "hunter2", "HYBRIDD_DASHBOARD__PASSWORD_HASH": ""})
    tell(house.store, settings, T0)
    assert "hunter2" not in repr(house.store.bot_state.get(overrides.IN_FORCE_KEY))
