"""Apprise: the real library in its child process, against a real server; what it says is told, never believed."""

import json
import socket
import subprocess
import sys
import time

import pytest

from hybridd.delivery import apprise_channel
from hybridd.delivery.apprise_channel import AppriseChannel
from hybridd.model.delivery import Failure
from tests.fakes import providers as play
from tests.unit.delivery.conftest import a_message

TOKEN = "tk_nobody-may-see-this"


@pytest.fixture
def ntfy(house):
    """A house in which "localhost" answers as ntfy does."""

    def serve(request):
        shown = play.Shown(host=request.host, to=request.path, text=request.json["title"], data=request.json)
        return play.Reply(json={"id": "1"}, shown=(shown,))

    house.serve("localhost", serve)
    return house


def channel(house, **changes):
    settings = {"name": "phone", "url": f"ntfys://{TOKEN}@localhost:{house.port}/my-topic?auth=token"}
    return AppriseChannel(**(settings | changes))


def pretending(answer, *, code=0):
    """A child that says this, whatever it is asked."""
    return (sys.executable, "-c", f"import sys; sys.stdin.read(); print({answer!r}); sys.exit({code})")


def says(**answer):
    return pretending(json.dumps({"understood": True, "ok": False} | answer))


def test_a_message_arrives_and_is_called_unproven(ntfy):
    outcome = channel(ntfy).send(a_message(body="LONG 78", link="https://h.example.org/alerts/17", severity="critical"))
    assert outcome.failure is None
    assert not outcome.delivered
    assert outcome.provider_id == ""
    assert outcome.detail.startswith("unproven:")
    [shown] = ntfy.phone
    assert "BTC/USDT LONG 78" in shown.text
    assert "https://h.example.org/alerts/17" in json.dumps(shown.data)


@pytest.mark.parametrize(
    ("code", "failure"),
    [(401, Failure.ACCOUNT), (429, Failure.RETRY), (400, Failure.MESSAGE), (500, Failure.UNKNOWN)],
)
def test_a_no_is_understood_by_what_the_service_answered(ntfy, code, failure):
    ntfy.play("localhost", play.status(code, {"error": f"no: {TOKEN}"}, headers={"Retry-After": "17"}))
    outcome = channel(ntfy).send(a_message())
    assert outcome.failure is failure, outcome
    assert outcome.retry_after == 17
    assert TOKEN not in outcome.detail
    assert "my-topic" not in outcome.detail
    assert not ntfy.phone


def test_a_connection_that_drops_after_the_request_leaves_it_unknown(ntfy):
    ntfy.play("localhost", play.accept_then_drop())
    assert channel(ntfy).send(a_message()).failure is Failure.UNKNOWN
    assert len(ntfy.phone) == 1


def test_nobody_there_and_a_false_certificate_are_tried_again(ntfy):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert channel(ntfy, url=f"ntfy://127.0.0.1:{port}/x").send(a_message()).failure is Failure.RETRY
    ntfy.play("localhost", play.unknown_authority())
    assert channel(ntfy).send(a_message()).failure is Failure.RETRY
    assert not ntfy.phone


@pytest.mark.parametrize(
    ("act", "failure", "taken"),
    [
        (play.drop_handshake(), {Failure.RETRY, Failure.UNKNOWN}, 0),
        (play.wrong_certificate(), {Failure.RETRY}, 0),
        (play.drop_before(), {Failure.UNKNOWN}, 0),
        (play.accept_then_drop(taken=False), {Failure.UNKNOWN}, 0),
        (play.slow(2.0), {Failure.UNKNOWN}, 1),
        (play.status(503, headers={"Retry-After": "17"}), {Failure.RETRY}, 0),
        (play.status(502), {Failure.UNKNOWN}, 0),
        (play.status(403), {Failure.ACCOUNT}, 0),
        (play.status(413), {Failure.MESSAGE}, 0),
    ],
    ids=lambda value: f"{value.kind}" if isinstance(value, play.Act) else None,
)
def test_a_trouble_has_its_class_and_the_ledger_says_what_was_received(ntfy, act, failure, taken):
    ntfy.play("localhost", act)
    url = f"ntfys://{TOKEN}@localhost:{ntfy.port}/my-topic?auth=token&rto=1"
    outcome = channel(ntfy, url=url).send(a_message())
    assert outcome.failure in failure, outcome
    assert len(ntfy.phone) == taken
    assert TOKEN not in outcome.detail


def test_a_name_that_nobody_knows_is_tried_again(ntfy):
    outcome = channel(ntfy, url=f"ntfys://{TOKEN}@nowhere.invalid/x").send(a_message())
    assert outcome.failure is Failure.RETRY, outcome


def test_a_send_that_hangs_is_ended_and_its_whole_group_with_it(ntfy, tmp_path):
    alive = tmp_path / "alive"
    program = (
        f"import pathlib, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time, pathlib\\n"
        f'while True: pathlib.Path("{alive}").touch(); time.sleep(0.02)\']); time.sleep(60)'
    )
    begun = time.monotonic()
    outcome = channel(ntfy, timeout=2.0, command=(sys.executable, "-c", program)).send(a_message())
    assert outcome.failure is Failure.UNKNOWN
    assert "did not end within 2 s" in outcome.detail
    assert time.monotonic() - begun < 6
    assert alive.exists()
    alive.unlink()
    assert not _comes_back(alive)


def _comes_back(path):
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        if path.exists():
            return True
    return False


def test_a_url_that_apprise_does_not_know_is_the_accounts_trouble(ntfy):
    odd = channel(ntfy, url=f"nosuch://{TOKEN}@localhost/x")
    for outcome in (odd.check(), odd.send(a_message())):
        assert outcome.failure is Failure.ACCOUNT
        assert "nosuch://" in outcome.detail
        assert TOKEN not in outcome.detail


def test_a_check_reads_the_url_and_sends_nothing(ntfy):
    assert channel(ntfy).check().failure is None
    assert ntfy.requests == []


MEANINGS = [
    ({"ok": True}, None),
    ({"ok": True, "statuses": [200]}, None),
    ({"statuses": [401]}, Failure.ACCOUNT),
    ({"statuses": [403]}, Failure.ACCOUNT),
    ({"statuses": [404]}, Failure.MESSAGE),
    ({"statuses": [200, 401]}, Failure.UNKNOWN),
    ({"statuses": [401, 200]}, Failure.UNKNOWN),
    ({"statuses": []}, Failure.UNKNOWN),
    ({"statuses": [], "never_sent": True}, Failure.RETRY),
    ({"statuses": [503], "retry_after": 9}, Failure.RETRY),
    ({"statuses": "x", "retry_after": "x"}, Failure.UNKNOWN),
    ({"understood": False}, Failure.ACCOUNT),
]


@pytest.mark.parametrize(("answer", "failure"), MEANINGS, ids=[json.dumps(a) for a, _ in MEANINGS])
def test_a_refusal_is_believed_only_where_nothing_got_through(ntfy, answer, failure):
    assert channel(ntfy, command=says(**answer)).send(a_message()).failure is failure


@pytest.mark.parametrize("printed", ["", "null", "[]", "Traceback"])
def test_a_child_that_dies_leaves_it_unknown(ntfy, printed):
    outcome = channel(ntfy, command=pretending(printed, code=3)).send(a_message())
    assert outcome.failure is Failure.UNKNOWN
    assert "exit code 3" in outcome.detail


def test_a_child_that_does_not_start_has_sent_nothing(ntfy):
    assert channel(ntfy, command=("/nowhere/python",)).send(a_message()).failure is Failure.RETRY


def test_the_child_knows_no_other_secret_and_its_url_is_on_no_command_line(ntfy, monkeypatch):
    monkeypatch.setenv("HYBRIDD_EMAIL__PASSWORD", "x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    given = apprise_channel._environment()
    assert "PATH" in given
    assert not {"HYBRIDD_EMAIL__PASSWORD", "CREDENTIALS_DIRECTORY"} & given.keys()
    made = channel(ntfy)
    assert not any(TOKEN in word for word in made._command)
    assert made.recipients == ("ntfys://***",)
    assert TOKEN not in repr(made)


def test_the_daemon_does_not_carry_apprise():
    program = (
        "import sys; import hybridd.app, hybridd.channels; "
        "sys.exit(int(bool({'apprise', 'pywebpush', 'httpx', 'aiohttp'} & sys.modules.keys())))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
