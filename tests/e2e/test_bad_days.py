"""What the daemon does on bad days: a full disk, a locked or broken state, a hanging mail server, a failing brain."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest

from tests.e2e.house import Daemon, wait_for
from tests.fakes.smtp import PASSWORD, USER, Act, FakeSmtp

pytestmark = pytest.mark.xdist_group("daemon")

SETTINGS = """
[monitor]
symbols = ["BTC/USDT"]
timeframe = "{frame}"
settle_seconds = 0

[market]
source = "simulated"
history = 1100

[alerts]
score_jump = {jump}
cooldown = "1s"
"""
EMAIL = """
[email]
enabled = true
smtp_server = "127.0.0.1"
smtp_port = {port}
username = "{user}"
password = {{env = "MAIL_PASSWORD"}}
sender_email = "hybridd@example.org"
recipient_email = "person@example.org"
"""
OPEN = "state IN ('planned', 'leased', 'retry_wait', 'unknown')"


def house(folder, more="", jump=50.0, frame="1s", **environ):
    return Daemon(folder, SETTINGS.format(jump=jump, frame=frame) + more, environ)


def keep_state_in(daemon, folder):
    text = daemon.config.read_text().replace(str(daemon.state), str(folder / "state.db"))
    daemon.config.write_text(text)
    daemon.state = folder / "state.db"


def fill(path):
    """Write until nothing more goes in."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def closes(daemon):
    return [row[0] for row in daemon.rows("SELECT candle_close FROM analyses ORDER BY 1")]


def none_missing(found):
    return found == list(range(found[0], found[-1] + 1000, 1000))


def log_of(daemon):
    return daemon.log.read_text()


@contextmanager
def small_disk(folder, size="8m"):
    # The write-ahead log alone grows to four megabytes before it is folded back.
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], timeout=20, capture_output=True
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"this machine mounts no small disk: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=20)


@pytest.mark.root
def test_a_disk_that_fills_up_costs_no_analysis(tmp_path):
    with small_disk(tmp_path / "disk") as disk, house(tmp_path) as daemon:
        keep_state_in(daemon, disk)
        daemon.start()
        wait_for(lambda: daemon.count("analyses") >= 3)
        ballast = disk / "ballast"
        fill(ballast)
        wait_for(lambda: daemon.said("the disk is full"))
        stopped_at, said = len(closes(daemon)), log_of(daemon).count("the disk is full")
        wait_for(lambda: log_of(daemon).count("the disk is full") >= said + 2)  # further candles, further tries
        assert len(closes(daemon)) <= stopped_at + 1
        assert daemon.process.poll() is None
        ballast.unlink()
        wait_for(lambda: len(closes(daemon)) >= stopped_at + 8)
        assert none_missing(closes(daemon))
        assert daemon.stop() == 0
        assert "Traceback" not in log_of(daemon)
        assert "free some space on that disk" in log_of(daemon)
        assert daemon.command("db", "verify").returncode == 0


def test_a_state_that_is_locked_for_seconds_loses_nothing(tmp_path):
    with house(tmp_path).start() as daemon:
        wait_for(lambda: daemon.count("analyses") >= 3)
        with closing(sqlite3.connect(daemon.state, isolation_level=None, timeout=20)) as other:
            other.execute("BEGIN IMMEDIATE")
            before = len(closes(daemon))
            # Longer than the five seconds that a writer waits: the round fails, and is made up for.
            wait_for(lambda: daemon.said("is locked by another"))
            other.execute("ROLLBACK")
        assert daemon.process.poll() is None
        wait_for(lambda: len(closes(daemon)) >= before + 10)
        assert none_missing(closes(daemon))
        assert daemon.stop() == 0
        assert daemon.said("is locked by another process")
        assert "Traceback" not in log_of(daemon)


def refused(daemon, *arguments):
    """The lines of a start that must not be; exit code 2, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "hybridd", "run", "--config", str(daemon.config), *arguments],
        capture_output=True, text=True, timeout=60, cwd=daemon.folder, env={**os.environ, **daemon.environ},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.root
def test_a_start_on_a_read_only_disk_is_refused(tmp_path):
    with small_disk(tmp_path / "disk") as disk, house(tmp_path, frame="5m") as daemon:
        keep_state_in(daemon, disk)
        assert daemon.command("run", "--once").returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, timeout=20)
        said = refused(daemon)
        assert len(said.splitlines()) == 1
        assert str(daemon.state) in said
        assert "Read-only file system" in said


def test_a_start_on_a_broken_state_is_refused_and_leaves_it(tmp_path):
    daemon = house(tmp_path)
    daemon.state.write_bytes(b"SQLite format 3\x00" + os.urandom(40_000))
    before = daemon.state.read_bytes()
    said = refused(daemon)
    assert len(said.splitlines()) == 1
    assert str(daemon.state) in said
    assert "hybridd restore FILE" in said
    assert daemon.state.read_bytes() == before


def test_a_start_without_its_secret_is_refused(tmp_path):
    daemon = house(tmp_path, EMAIL.format(port=25, user=USER))
    said = refused(daemon)
    assert "email.password: the variable MAIL_PASSWORD is not set" in said
    assert "H014" in said
    assert "→" in said
    assert not daemon.state.exists()


def test_a_second_daemon_on_one_state_is_refused(tmp_path):
    with house(tmp_path).start() as daemon:
        wait_for(lambda: daemon.count("analyses") >= 1)
        for said in (refused(daemon), refused(daemon, "--once")):
            assert "hybridd is running already" in said
        assert daemon.stop() == 0


def test_a_mail_server_that_hangs_does_not_hold_up_the_end(tmp_path):
    with FakeSmtp() as smtp:
        smtp.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        environ = {"MAIL_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        # It has the whole mail, and says nothing: nobody can know whether it was accepted.
        smtp.next(Act("content", delay=60, keep=True))
        with house(tmp_path, EMAIL.format(port=smtp.port, user=USER), jump=0.1, **environ).start() as daemon:
            wait_for(lambda: smtp.mails)
            began = time.monotonic()
            daemon.stop(seconds=10)
            assert time.monotonic() - began < 5
            assert "Traceback" not in log_of(daemon)
            first = smtp.mails[0].message_id
            daemon.start()
            again = "SELECT 1 FROM deliveries WHERE channel = 'email' AND state = 'accepted' AND attempts > 1"
            wait_for(lambda: daemon.rows(again))
            daemon.process.send_signal(signal.SIGTERM)
            daemon.process.wait(10)
        # Not lost; and the second copy has the name of the first, by which mail readers fold it.
        assert len(smtp.by_id[first]) == 2
        others = [mails for name, mails in smtp.by_id.items() if name != first]
        assert all(len(mails) == 1 for mails in others)


BRAIN = """
import json, pathlib, sys
if pathlib.Path("broken").exists():
    sys.exit("the model is not there")
json.load(sys.stdin)
print(json.dumps({"final_score": 75, "signal": "LONG", "confidence": 0.9, "layers": {"mine": 80}}))
"""


def test_a_brain_that_fails_is_told_and_so_is_its_return(tmp_path):
    (tmp_path / "brain.py").write_text(BRAIN)
    command = f'[analysis]\ncommand = ["{sys.executable}", "-I", "{tmp_path}/brain.py"]\n'
    with house(tmp_path, command).start() as daemon:
        wait_for(lambda: daemon.count("analyses") >= 2)
        (tmp_path / "broken").touch()
        wait_for(lambda: daemon.count("alerts", "key LIKE 'BRAIN_FAILED%'"))
        assert daemon.said("the model is not there")
        assert daemon.command("status").returncode == 3
        (tmp_path / "broken").unlink()
        wait_for(lambda: daemon.count("alerts", "key LIKE 'BRAIN_FAILED%:resolved'"))
        assert none_missing(closes(daemon))
        assert daemon.stop() == 0
        assert "Traceback" not in log_of(daemon)


def test_once_says_by_its_exit_code_what_came_of_it(tmp_path):
    daemon = house(tmp_path, frame="5m")
    assert daemon.command("run", "--once").returncode == 0
    daemon.config.write_text(
        daemon.config.read_text().replace('source = "simulated"', 'source = "recorded"\npath = "."')
    )
    none = daemon.command("run", "--once")
    assert none.returncode == 1
    assert "no new analysis of BTC/USDT" in none.stderr
    daemon.config.write_text("[monitor")
    assert daemon.command("run", "--once").returncode == 2
