"""Serving: sockets of systemd's, an end when nobody comes, providers' calls, and what the process weighs."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from hybridd.cli.dashboard import hosts_of
from hybridd.config.schema import Settings
from hybridd.dashboard.serve import Serving, given_sockets, own_socket
from hybridd.errors import HybriddError
from tests.e2e.house import wait_for
from tests.unit.dashboard.web import Web
from tests.unit.pipeline.test_decide import House

ROOT = Path(__file__).resolve().parents[3]
MOST_RESIDENT = 80_000_000


class Kept:
    """Takes what providers call with."""

    def __init__(self):
        self.calls = []

    def take(self, kind, fields, signature, url, now):
        self.calls.append((kind, dict(fields), signature, url))
        return True


@pytest.fixture
def hooked(tmp_path):
    kept = Kept()
    made = Web(tmp_path, hooks=kept, public_url="https://hybridd.example.org/")
    yield made, kept
    made.close()


def test_a_call_of_a_provider_is_kept_as_it_came(hooked):
    web, kept = hooked
    form = {"MessageSid": "SM1", "From": "+491", "Body": "YES 42 7F", "Blank": ""}
    answer = web.client.post("/hooks/twilio/sms?a=b", data=form, headers={"X-Twilio-Signature": "sig"})
    assert (answer.status_code, answer.text) == (200, "<Response/>")
    assert kept.calls == [("twilio_sms", form, "sig", "https://hybridd.example.org/hooks/twilio/sms?a=b")]
    web.client.post("/hooks/vonage/dlr", json={"messageId": "1", "status": "delivered", "nested": {"x": 1}})
    assert kept.calls[1][:2] == ("vonage_dlr", {"messageId": "1", "status": "delivered"})


@pytest.mark.parametrize("body", [{}, {"content": b"{", "headers": {"Content-Type": "application/json"}}])
def test_a_call_that_says_nothing_is_not_kept(hooked, body):
    web, kept = hooked
    assert web.client.post("/hooks/twilio/status", **body).status_code == 400
    assert web.client.get("/hooks/twilio/sms?MessageSid=1&From=x").status_code == 405
    assert web.client.post("/hooks/other", data={"a": "b"}).status_code == 404
    assert kept.calls == []


def test_without_somebody_who_takes_them_there_are_no_hooks(web):
    assert web.client.post("/hooks/twilio/sms", data={"a": "b"}).status_code == 404


def test_nobody_for_a_while_ends_it_and_somebody_keeps_it(tmp_path):
    made = Web(tmp_path, serving=Serving(idle_s=0.6))
    for _ in range(6):
        time.sleep(0.2)
        assert made.client.get("/healthz").status_code == 200
    made.thread.join(10)
    assert not made.thread.is_alive()
    made.close()


def test_a_port_that_is_taken_is_one_line():
    with (
        closing(own_socket("127.0.0.1", 0)) as first,
        pytest.raises(HybriddError, match=r"cannot be had.*dashboard\.port"),
    ):
        own_socket("127.0.0.1", first.getsockname()[1])
    with pytest.raises(HybriddError, match="no address"):
        own_socket("no.such.host.invalid", 1)


@pytest.mark.parametrize(
    "environ", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": "7", "LISTEN_FDS": "x"}]
)
def test_sockets_for_somebody_else_are_not_ours(environ):
    assert given_sockets(environ, 7) == []
    assert environ == {}


def test_it_answers_to_its_own_names():
    settings = Settings.model_validate(
        {"dashboard": {"host": "0.0.0.0", "public_url": "https://Hybridd.example.org/x"}}
    )
    assert hosts_of(settings) == {"localhost", "127.0.0.1", "::1", "hybridd.example.org"}


STARTED_BY_SYSTEMD = """
import os, socket, sys
given = socket.socket(fileno=int(sys.argv[1]))
os.dup2(given.fileno(), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.set_inheritable(3, True)
os.execv(sys.executable, [sys.executable, "-m", "hybridd", "dashboard", "--config", sys.argv[2]])
"""


@pytest.fixture
def settings(tmp_path):
    House(tmp_path / "state.db").store.close()
    path = tmp_path / "hybridd.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/state.db"\n[dashboard]\nidle_exit = "2s"\n')
    return path


def test_as_a_process_it_takes_a_socket_weighs_little_and_goes_when_nobody_comes(settings):
    listening = own_socket("127.0.0.1", 0)
    port = listening.getsockname()[1]
    with closing(listening):
        process = subprocess.Popen(
            [sys.executable, "-c", STARTED_BY_SYSTEMD, str(listening.fileno()), str(settings)],
            pass_fds=[listening.fileno()], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            # The caller is there before the process is, and is answered all the same.
            for path in ("/healthz", "/a/x", "/static/page.css"):
                httpx.get(f"http://127.0.0.1:{port}{path}", timeout=30)
            maps = Path(f"/proc/{process.pid}/maps").read_text()
            resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()
        assert process.returncode == 0, said
        assert resident <= MOST_RESIDENT
        assert "numpy" not in maps
        assert "login/" not in said, "a socket of systemd's has no terminal to tell a login to"
        # The socket is systemd's and goes on listening for the next caller.
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_what_only_the_watch_needs_is_not_imported():
    code = (
        "import sys, hybridd.cli.dashboard, hybridd.dashboard.app, hybridd.dashboard.serve, "
        "hybridd.pipeline.trading_rules; print([m for m in sys.modules if m.split('.')[0] in "
        "('numpy', 'ccxt', 'talib', 'apscheduler', 'twilio', 'firebase_admin', 'rich')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_it_reads_no_key(settings):
    key = settings.with_name("answer.key")
    key.mkdir()  # whoever opened it would fail
    process = subprocess.Popen(
        [sys.executable, "-m", "hybridd", "dashboard", "--config", str(settings)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "HYBRIDD_DASHBOARD__PORT": str(free_port())},
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        assert line.startswith("Dashboard: http://127.0.0.1:"), line
        page = httpx.get(line.split()[1], timeout=20)
        assert "works once" in page.text
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()


def free_port():
    with closing(own_socket("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def test_tokens_are_made_listed_and_revoked_by_command(settings):
    def command(*words):
        return subprocess.run(
            [sys.executable, "-m", "hybridd", "dashboard", "token", *words, "--config", str(settings)],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    made = command("add", "robot", "--scope", "decide", "--scope", "ack")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("hyb_")
    listed = command("list")
    assert listed.stdout == "robot: ack, decide\n"
    assert made.stdout.strip() not in command("list", "--json").stdout
    assert command("add", "robot", "--scope", "ack").returncode == 2
    assert command("revoke", "robot").returncode == 0
    assert command("list").stdout == "no tokens yet\n"


def test_without_a_state_it_says_what_to_do(tmp_path):
    path = tmp_path / "hybridd.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/none.db"\n[dashboard]\nport = {free_port()}\n')
    done = subprocess.run(
        [sys.executable, "-m", "hybridd", "dashboard", "--config", str(path)], cwd=ROOT, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "hybridd run" in done.stderr
    assert wait_for(lambda: not (tmp_path / "none.db").exists())
