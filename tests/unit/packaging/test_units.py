"""The unit files, their table and the journal's catalog agree with each other and with the program."""

import re
import tomllib
from pathlib import Path

import pytest

from hybridd.cli.main import COMMANDS, GROUPS
from hybridd.daemon.credentials import UNITS as WITH_SECRETS
from hybridd.daemon.credentials import WEB_UNIT
from hybridd.daemon.journal import EVENTS
from hybridd.pipeline.service import SICK_S
from hybridd.pipeline.web_settings import NAME

PACKAGING = Path(__file__).resolve().parents[3] / "packaging"
SYSTEMD = PACKAGING / "systemd"
TABLE = tomllib.loads((PACKAGING / "units.toml").read_text())
SERVICES = [name for name in TABLE if name.endswith(".service")]


def values(name, key):
    return re.findall(rf"(?m)^{key}=(.*)$", (SYSTEMD / name).read_text())


def test_every_unit_has_its_row_and_every_row_its_unit():
    files = {path.name for path in SYSTEMD.iterdir() if path.suffix in {".service", ".timer", ".socket", ".path"}}
    assert files == set(TABLE)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gets_the_common_sandbox_by_its_name(name):
    assert name == "hybridd.service" or name.startswith("hybridd-")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_a_command_that_there_is(name):
    for line in values(name, "ExecStart"):
        program, command, *_ = line.split()
        assert program == "/usr/bin/hybridd"
        assert command in COMMANDS | GROUPS


@pytest.mark.parametrize("name", [name for name in TABLE if "@" not in name and name.endswith(".service")])
def test_the_failure_of_every_service_is_told(name):
    assert values(name, "OnFailure") == ["hybridd-failure@%n.service"]


def test_what_starts_a_timer_is_in_the_table_too():
    for name in TABLE:
        if name.endswith(".timer"):
            assert name.replace(".timer", ".service") in TABLE
            assert name in " ".join(values("hybridd.service", "Wants"))


def test_secrets_go_only_to_units_with_a_network():
    for name in WITH_SECRETS:
        assert TABLE[name]["network"] is True


def test_the_watchdog_has_more_patience_than_a_round_that_may_fail():
    assert float(values("hybridd.service", "WatchdogSec")[0]) > SICK_S


def test_the_catalog_explains_every_kind_of_event_and_nothing_else():
    catalog = (SYSTEMD / "hybridd.catalog").read_text()
    assert re.findall(r"(?m)^-- ([0-9a-f]{32})$", catalog) == list(EVENTS.values())
    assert catalog.count("\nSubject: ") == catalog.count("\nDefined-By: hybridd\n") == len(EVENTS)


def test_the_sandbox_says_why():
    """Of its lines, those that take away or give are under a comment or a comment's neighbour."""
    text = (SYSTEMD / "sandbox.conf").read_text()
    for block in text.partition("[Service]")[2].strip().split("\n\n"):
        assert block.startswith("#"), block.splitlines()[0]


def test_the_web_is_started_by_its_socket_and_sees_no_key():
    assert values("hybridd-dashboard.socket", "ListenStream") == ["127.0.0.1:8787"]
    assert "-+/var/lib/hybridd/answer.key" in values("hybridd-dashboard.service", "InaccessiblePaths")
    assert "hybridd-dashboard.service" not in WITH_SECRETS
    assert values("hybridd.service", "ExecStart") == ["/usr/bin/hybridd run --no-dashboard"]


def test_the_web_is_a_user_of_its_own_and_reads_what_the_watch_leaves_it():
    users = re.findall(r"(?m)^u (\S+)", (SYSTEMD / "hybridd.sysusers").read_text())
    assert {row.get("user", "hybridd") for row in TABLE.values()} == set(users)
    assert TABLE[WEB_UNIT]["user"] == "hybridd-web"
    assert values(WEB_UNIT, "ExecStart") == [f"/usr/bin/hybridd dashboard --config /var/lib/hybridd/{NAME}"]
