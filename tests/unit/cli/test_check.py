"""`hybridd check` as a timer runs it: a process of its own, with a real mail server and whatever state there is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybridd.clock import SystemClock
from hybridd.store.store import open_store
from tests.fakes.smtp import PASSWORD, USER, FakeSmtp

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = """
[database]
url = "sqlite:///{folder}/state.db"

[email]
enabled = true
smtp_server = "127.0.0.1"
smtp_port = {port}
username = "{user}"
password = {{file = "{folder}/password"}}
sender_email = "hybridd@example.org"
recipient_email = "person@example.org"
"""


@pytest.fixture
def smtp():
    with FakeSmtp() as server:
        yield server


class Machine:
    def __init__(self, folder, smtp):
        self.folder, self.smtp = folder, smtp
        smtp.ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        self.settings = folder / "hybridd.toml"
        self.settings.write_text(SETTINGS.format(folder=folder, port=smtp.port, user=USER))

    def beat(self, age_ms=0, **changes):
        store = open_store(f"sqlite:///{self.folder}/state.db", clock=SystemClock())
        now = SystemClock().now() - age_ms
        facts = {"state": "ok", "heartbeat_at": now, "started_at": now, "symbols": [], "timeframe": "5m"}
        store.bot_state.set("service", facts | changes)
        store.close()

    def check(self, *arguments, **environ):
        return subprocess.run(
            [sys.executable, "-m", "hybridd", "check", "--config", str(self.settings), *arguments],
            capture_output=True, text=True, timeout=60, cwd=ROOT,
            env={**os.environ, "SSL_CERT_FILE": str(self.folder / "ca.pem"), **environ},
        )  # fmt: skip

    def subjects(self):
        return [mail.subject.partition(": ")[2] for mail in self.smtp.mails]


@pytest.fixture
def machine(tmp_path, smtp):
    return Machine(tmp_path, smtp)


def test_a_daemon_that_died_is_mailed_once_and_its_return_too(machine):
    machine.beat()
    well = machine.check()
    assert (well.returncode, well.stdout) == (0, "all is well: 11 invariants hold\n"), well.stderr
    machine.beat(age_ms=600_000)
    dead = machine.check()
    assert dead.returncode == 1
    assert dead.stdout.startswith("C01 critical: hybridd is dead or hangs")
    assert "told: person@example.org by email" in dead.stdout
    again = json.loads(machine.check("--json").stdout)
    assert ([f["id"] for f in again["findings"]], again["told"]) == (["C01"], [])
    machine.beat()
    assert machine.check().returncode == 0
    assert machine.subjects() == ["nobody watches the markets", "over: nobody watches the markets"]
    ids = {mail.message_id for mail in machine.smtp.mails}
    assert len(ids) == 2
    assert PASSWORD not in dead.stdout + dead.stderr + (machine.folder / "check.json").read_text()


def test_only_looking_tells_nobody_and_remembers_nothing(machine):
    machine.beat(age_ms=600_000)
    assert machine.check("--look").returncode == 1
    assert machine.smtp.mails == []
    assert not (machine.folder / "check.json").exists()


def test_broken_settings_are_still_mailed_by_what_is_left_of_them(machine):
    machine.beat()
    machine.settings.write_text(machine.settings.read_text() + '\n[monitor]\ntimefrme = "5m"\n')
    broken = machine.check()
    assert broken.returncode == 1
    assert broken.stdout.startswith("C12 warning: the settings have errors: ")
    assert "timefrme" in broken.stdout
    assert machine.subjects() == ["the settings have errors"]


def test_settings_that_are_no_toml_are_one_line_and_no_traceback(machine):
    machine.settings.write_text("[monitor\n")
    broken = machine.check("--memory", str(machine.folder / "memory.json"))
    assert broken.returncode == 1
    assert broken.stdout.startswith("C12 critical: the settings have errors: ")
    assert "Traceback" not in broken.stderr


def test_a_unit_that_failed_is_told_at_once_and_then_counted(machine):
    died = {"MONITOR_UNIT": "hybridd.service", "MONITOR_SERVICE_RESULT": "watchdog", "MONITOR_EXIT_STATUS": "ABRT"}
    first = machine.check("--failed", "hybridd.service", **died)
    second = machine.check("--failed", "hybridd.service", **died)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "less than ten minutes ago" in second.stdout
    (mail,) = machine.smtp.mails
    assert mail.subject.endswith("hybridd.service has failed")
    text = mail.parsed.get_body(("plain",)).get_content()
    assert "it hung: the watchdog was not fed (status ABRT)" in text


def test_a_unit_that_failed_without_a_network_is_told_by_the_next_check(machine):
    machine.beat()
    text = machine.settings.read_text()
    machine.settings.write_text(text.replace(f"smtp_port = {machine.smtp.port}", "smtp_port = 1"))
    died = machine.check("--failed", "hybridd.service")
    assert died.returncode == 1
    assert "the next `hybridd check` tries again" in died.stderr
    machine.settings.write_text(text)
    memory = machine.folder / "check.json"
    kept = json.loads(memory.read_text())
    kept["notices"][0]["next_at"] = 0  # a minute later
    memory.write_text(json.dumps(kept))
    assert machine.check().returncode == 0
    assert machine.subjects() == ["hybridd.service has failed"]


def test_what_is_no_unit_is_refused(machine):
    assert machine.check("--failed", "../etc").returncode == 2


def test_it_starts_light():
    heavy = ("ccxt", "numpy", "talib", "apscheduler", "jinja2", "rich", "httpx", "hybridd.app")
    program = f"import sys, hybridd.cli.check; print(*(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert done.stdout.split() == [], done.stderr
