"""`hybridd silence`: added, listed and ended, with one clear line for each mistake."""

import pytest

from hybridd.clock import ManualClock, SystemClock
from hybridd.store.store import open_store

HOUR = 3_600_000


def test_a_silence_is_added_listed_and_ended(hybridd, own):
    now = SystemClock().now()
    added = hybridd("silence", "add", "btcusdt", "--for", "2h", "--comment", "moving house", "--config", own, "--json")
    assert added.code == 0
    assert {k: added.json[k] for k in ("id", "subject", "reason", "comment", "in_force")} == {
        "id": 1, "subject": "BTC/USDT", "reason": "", "comment": "moving house", "in_force": True,
    }  # fmt: skip
    assert abs(added.json["ends_at"] - now - 2 * HOUR) < 60_000
    listed = hybridd("silence", "list", "--config", own)
    assert "BTC/USDT" in listed.out
    assert "moving house" in listed.out
    assert hybridd("silence", "end", "1", "--config", own).out == "silence 1 about BTC/USDT is over\n"
    assert hybridd("silence", "list", "--config", own).out == "no silence is in force\n"
    assert hybridd("silence", "list", "--config", own, "--json").json == []
    (over,) = hybridd("silence", "list", "--all", "--config", own, "--json").json
    assert (over["id"], over["in_force"]) == (1, False)


def test_whoever_asks_is_written_down(hybridd, own):
    hybridd("silence", "add", "--reason", "score_jump", "--for", "30m", "--config", own)
    hybridd("silence", "end", "1", "--config", own)
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock())
    entries = {entry.action: entry for entry in store.audit.list(9, "1") if entry.action.startswith("silence")}
    store.close()
    assert set(entries) == {"silence.add", "silence.end"}
    assert all(entry.actor.startswith("cli:") for entry in entries.values())
    assert entries["silence.add"].data["reason"] == "SCORE_JUMP"


def test_until_a_time_of_day_is_the_next_such_time_in_the_persons_zone(hybridd, own):
    own.write_text(own.read_text().replace('cooldown = "30m"', 'cooldown = "30m"\ntimezone = "Asia/Kolkata"'))
    found = hybridd("silence", "add", "--until", "07:00", "--config", own, "--json").json
    assert found["ends"].endswith("T01:30:00Z")
    assert 0 < found["ends_at"] - SystemClock().now() <= 24 * HOUR


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "a silence needs an end"),
        (["--for", "2h", "--until", "07:00"], "a silence needs an end"),
        (["--for", "soon"], '--for "soon" must be a duration'),
        (["--for", "0s"], "is over already"),
        (["--until", "2001-01-01"], "--until 2001-01-01 is over already"),
        (["--until", "yesterday"], '--until "yesterday" is not a moment'),
        (["BTC/EUR", "--for", "2h"], "did you mean BTC/USDT?"),
        (["nonsense", "--for", "2h"], '"nonsense" is none of the markets watched'),
        (["email", "--for", "2h"], "--reason CHANNEL_DOWN"),
        (["--reason", "SCORE_JMP", "--for", "2h"], "did you mean SCORE_JUMP?"),
        (["--reason", "DIGEST", "--for", "2h"], "no reason that can be silenced"),
    ],
)
def test_each_mistake_gets_one_clear_line(hybridd, own, arguments, says):
    answer = hybridd("silence", "add", *arguments, "--config", own)
    assert answer.code == 2
    assert says in answer.complaint
    assert hybridd("silence", "list", "--all", "--config", own, "--json").json == []


def test_one_that_is_over_or_was_never_there_cannot_be_ended(hybridd, own):
    assert "there is no silence 7" in hybridd("silence", "end", "7", "--config", own).complaint
    hybridd("silence", "add", "--for", "1h", "--config", own)
    hybridd("silence", "end", "1", "--config", own)
    assert "silence 1 is over already" in hybridd("silence", "end", "1", "--config", own).complaint


def test_hybridds_own_health_can_be_named(hybridd, own):
    answer = hybridd("silence", "add", "email", "--reason", "CHANNEL_DOWN", "--for", "1d", "--config", own)
    assert answer.out.startswith("silence 1: nothing about CHANNEL_DOWN of email until ")
