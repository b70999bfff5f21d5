"""Narrow windows, other alphabets, readers that hang up, full disks: the output end of every command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybridd.cli.shared import ago, price


def shell(line: str, **environ: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", "-c", line.replace("hybridd ", f"{sys.executable} -m hybridd ")],
        cwd="/", capture_output=True, timeout=60, env={**os.environ, **environ},
    )  # fmt: skip


@pytest.mark.parametrize("command", ["status", "history BTC/USDT", "alerts list", "alerts why 1", "analyze BTC/USDT"])
def test_a_narrow_window_gets_lines_that_can_be_read(hybridd, lived, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "40")
    answer = hybridd(*command.split(), "--config", lived)
    assert "Traceback" not in answer.err
    words = {word for line in answer.out.splitlines() for word in line.split()}
    assert words & {"BTC/USDT", "BTC/USDT,", "ETH/USDT", "ETH/USDT,"}, "a name is broken into pieces"


def test_what_goes_into_a_pipe_is_not_broken_into_lines(hybridd, lived):
    shown = hybridd("alerts", "list", "--limit", "5", "--config", lived)
    assert len(shown.out.splitlines()) == 6


def test_colour_is_for_terminals(hybridd, lived, monkeypatch):
    assert "\x1b" not in hybridd("status", "--config", lived).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in hybridd("status", "--config", lived).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in hybridd("status", "--config", lived).out


@pytest.mark.parametrize(
    ("encoding", "command"),
    [("ascii", "history BTC/USDT"), ("latin-1", "analyze BTC/USDT"), ("ascii", "status --config /nowhere")],
)
def test_another_alphabet_gets_something_like_it(lived, encoding, command):
    more = "" if "--config" in command else f" --config {lived}"
    done = shell(f"hybridd {command}{more}", PYTHONIOENCODING=encoding)
    assert b"Traceback" not in done.stderr
    assert encoding != "ascii" or done.stdout.isascii()
    assert done.returncode == (2 if "nowhere" in command else 0)


def test_json_stays_json_in_every_alphabet(lived):
    done = shell(f"hybridd alerts show 1 --json --config {lived}", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_a_name_that_is_no_text_is_complained_of(tmp_path):
    done = shell("hybridd replay $'/tmp/\\xff\\xfe.csv'")
    assert done.returncode == 2
    assert b"there is no such file" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_hangs_up_is_no_defect(lived):
    done = shell(f"hybridd history BTC/USDT --json --config {lived} | head -c 10; hybridd config schema | head -1")
    assert done.returncode == 0
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["config example", "alerts list"])
def test_a_full_disk_behind_the_output_is_one_line(lived, command):
    done = shell(f"hybridd {command} --config {lived} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "hybridd: the output cannot be written: No space left on device → make room on that disk"
    ]


def test_the_version_is_said(hybridd):
    answer = hybridd("--version")
    assert answer.code == 0
    assert answer.out.startswith("hybridd ")


def test_a_command_that_does_not_exist(hybridd):
    answer = hybridd("nonsense")
    assert answer.code == 2
    assert "No such command 'nonsense'" in answer.err


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "0 s"), (-5, "0 s"), (61_000, "1 min 1 s"), (3_600_000, "1 h"), (90_061_000, "1 d 1 h"), (120_000, "2 min")],
)
def test_lengths_of_time_in_words(ms, words):
    assert ago(ms) == words


@pytest.mark.parametrize(("value", "words"), [(45250.0, "45,250.00"), (1.70983, "1.70983"), (0.00001234, "1.234e-05")])
def test_prices_keep_the_digits_they_deserve(value, words):
    assert price(value) == words
