"""How the second watcher tells: once, again every six hours, once at the end; whatever the network and the disk do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hybridd.delivery.check_words import WORDS
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.change import Severity
from hybridd.model.delivery import Failure, Outcome
from hybridd.pipeline.second_watch import INVARIANTS, MANY_STARTS, UNIT_FAILED, Finding, Judgement
from hybridd.pipeline.watch_memory import Memory, places, recall, remember
from hybridd.pipeline.watch_tell import (
    FLUTTER_MS,
    REPEAT_MS,
    Reader,
    follow,
    has_due,
    note_failed_unit,
    tell,
)

MINUTE = 60_000
T0 = 1_750_000_200_000
READER = Reader(zone="UTC", host="vps1")
DEAD = Finding(id="C01", subject="hybridd", severity=Severity.CRITICAL, detail="it is dead", remedy="restart it")
STALE = replace(DEAD, id="C02", subject="BTC/USDT")


class Watcher:
    """Runs as a timer would: every run reads the memory from its file and writes it back."""

    def __init__(self, folder, **channel):
        self.file, self.now = folder / "check.json", T0
        self.channel = MemoryChannel("email", recipients=("a@example.org", "b@example.org"), **channel)

    def run(self, *findings, after=0, unknown=()):
        """Titles that the first recipient got in this run."""
        self.now += after
        memory, before = recall([self.file]), len(self.channel.sent)
        forgetful = remember(memory, [self.file], self.now) is None
        judgement = Judgement(findings=tuple(findings), unknown=dict.fromkeys(unknown, "C01"))
        follow(memory, judgement, self.now, READER, forgetful=forgetful)
        if has_due(memory, self.now):
            tell(memory, [self.channel], self.now)
        remember(memory, [self.file], self.now)
        return [m.title for m in self.channel.sent[before:] if m.recipient == "a@example.org"]


@pytest.fixture
def watcher(tmp_path):
    return Watcher(tmp_path)


def test_every_finding_has_words():
    assert set(WORDS) == {invariant.id for invariant in INVARIANTS} | {UNIT_FAILED}


def test_a_trouble_is_told_once_and_then_every_six_hours_and_once_when_it_is_over(watcher):
    assert watcher.run(DEAD) == ["hybridd on vps1: nobody watches the markets"]
    for _ in range(3):
        assert watcher.run(DEAD, after=MINUTE) == []
    assert watcher.run(DEAD, after=REPEAT_MS) == [
        "hybridd on vps1: still, after 6 h 3 min: nobody watches the markets"
    ]  # fmt: skip
    assert watcher.run(DEAD, after=MINUTE) == []
    assert watcher.run(after=MINUTE) == ["hybridd on vps1: over: nobody watches the markets"]
    assert watcher.run(after=MINUTE) == []
    assert {m.recipient for m in watcher.channel.sent} == {"a@example.org", "b@example.org"}


def test_the_text_says_what_it_means_and_what_to_do(watcher):
    watcher.run(DEAD)
    text = watcher.channel.sent[0].text
    assert "it is dead." in text
    assert "What to do: restart it" in text
    watcher.run(after=5 * MINUTE)
    assert "It was: it is dead." in watcher.channel.sent[-1].text
    assert "lasted 5 min" in watcher.channel.sent[-1].text


def test_each_trouble_has_a_mail_of_its_own_the_most_serious_first(watcher):
    mild = replace(DEAD, id="C08", subject="clock", severity=Severity.WARNING)
    titles = watcher.run(mild, DEAD, STALE)
    assert [title.partition(": ")[2] for title in titles] == [
        "nobody watches the markets", "BTC/USDT is not analysed", "the clock is kept right by nobody",
    ]  # fmt: skip


def test_what_is_not_judged_is_neither_over_nor_told_again(watcher):
    watcher.run(STALE)
    assert watcher.run(DEAD, after=MINUTE, unknown=["C02"]) == ["hybridd on vps1: nobody watches the markets"]
    assert watcher.run(STALE, after=MINUTE) == ["hybridd on vps1: over: nobody watches the markets"]
    assert watcher.run(after=MINUTE) == ["hybridd on vps1: over: BTC/USDT is not analysed"]


def test_what_the_daemon_has_told_of_is_left_to_it(watcher):
    assert watcher.run(replace(STALE, known="alert 12 has told of it")) == []
    assert watcher.run(after=MINUTE) == []


def test_what_gets_worse_is_told_at_once(watcher):
    watcher.run(replace(DEAD, severity=Severity.WARNING))
    assert len(watcher.run(DEAD, after=MINUTE)) == 1


def test_a_mail_that_failed_is_sent_again_under_the_same_key_to_those_who_did_not_get_it(tmp_path):
    watcher = Watcher(tmp_path, script=[Outcome(), Outcome(failure=Failure.UNKNOWN, detail="lost")])
    assert len(watcher.run(DEAD)) == 1
    watcher.run(DEAD, after=MINUTE)
    watcher.run(DEAD, after=MINUTE)
    keys = [(m.recipient, m.key) for m in watcher.channel.sent]
    assert [recipient for recipient, _ in keys] == ["a@example.org", "b@example.org"]
    assert keys[0][1].replace("a@", "b@") == keys[1][1]


def test_a_channel_that_fails_is_asked_once_a_run_and_less_and_less_often(tmp_path):
    watcher = Watcher(tmp_path, script=[Outcome(failure=Failure.RETRY, detail="refused")] * 1000)
    watcher.run(DEAD, STALE)
    assert watcher.channel.attempts == 1, "one failure is enough to leave it alone until the next run"
    for _ in range(60):
        watcher.run(DEAD, STALE, after=MINUTE)
    assert 5 <= watcher.channel.attempts <= 16


def test_who_could_not_be_told_in_time_hears_the_whole_story_once(tmp_path):
    watcher = Watcher(tmp_path, script=[Outcome(failure=Failure.RETRY, detail="no network")])
    assert watcher.run(DEAD) == []
    assert watcher.run(after=MINUTE) == ["hybridd on vps1: over: nobody watches the markets"]
    assert len({m.key for m in watcher.channel.sent}) == 2, "one mail for each of the two, and no more"


def test_a_bad_address_does_not_keep_a_mail_for_ever(tmp_path):
    watcher = Watcher(tmp_path, script=[Outcome(failure=Failure.ADDRESS, detail="no such user"), Outcome()])
    watcher.run(DEAD)
    assert recall([watcher.file]).notices == []


def test_what_flutters_is_told_and_then_must_be_quiet_before_its_end_is_believed(watcher):
    mails = 0
    for minute in range(60):
        mails += len(watcher.run(*([DEAD] if minute % 2 else []), after=MINUTE))
    assert mails <= 4
    assert watcher.run(after=FLUTTER_MS) == []
    assert watcher.run(after=FLUTTER_MS) == ["hybridd on vps1: over: nobody watches the markets"]


def test_a_clock_that_is_set_back_does_not_repeat(watcher):
    watcher.run(DEAD)
    assert watcher.run(DEAD, after=-REPEAT_MS) == []
    assert watcher.run(DEAD, after=REPEAT_MS + MINUTE) == []


def test_a_failed_unit_is_told_at_most_every_ten_minutes_with_what_was_left_out():
    memory, channel = Memory(), MemoryChannel("email")
    told = [
        note_failed_unit(memory, "hybridd.service", {"result": "watchdog"}, T0 + i * MINUTE, READER) for i in range(11)
    ]
    assert told == [True, *[False] * 9, True]
    tell(memory, [channel], T0 + 10 * MINUTE)
    (message,) = channel.sent
    assert message.title == "hybridd on vps1: hybridd.service has failed"
    assert "it hung: the watchdog was not fed" in message.text
    assert "failed 9 times" in message.text


def test_another_way_to_die_is_told_at_once_and_each_way_only_once():
    memory, hung, gave_up = Memory(), {"result": "watchdog"}, {"result": "exit-code", "status": "2"}
    times = [(hung, 0), (gave_up, 1), (hung, 2), (gave_up, 3), (gave_up, 10)]
    told = [note_failed_unit(memory, "hybridd.service", facts, T0 + m * MINUTE, READER) for facts, m in times]
    assert told == [True, True, False, False, True]


def test_the_word_of_a_failed_unit_waits_for_the_network():
    memory = Memory()
    note_failed_unit(memory, "hybridd.service", {}, T0, READER)
    tell(memory, [MemoryChannel("email", script=[Outcome(failure=Failure.RETRY)])], T0)
    channel = MemoryChannel("email")
    follow(memory, Judgement(findings=(), unknown={}), T0 + MINUTE, READER, forgetful=False)
    assert has_due(memory, T0 + MINUTE)
    tell(memory, [channel], T0 + MINUTE)
    assert [m.title for m in channel.sent] == ["hybridd on vps1: hybridd.service has failed"]
    assert not has_due(memory, T0 + 2 * MINUTE)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"episodes": 5}', '{"notices": [{"key": 1}]}', "\0" * 100])
def test_a_corrupt_memory_never_stops_it(watcher, content):
    watcher.file.write_text(content)
    assert len(watcher.run(DEAD)) == 1
    assert json.loads(watcher.file.read_text())["episodes"]
    assert watcher.run(DEAD, after=MINUTE) == []


def test_the_memory_is_kept_in_the_first_place_that_takes_it(tmp_path):
    second = tmp_path / "second.json"
    file = tmp_path / "no folder" / "check.json"
    assert remember(Memory(sound_at=7), [file, second], T0) == second
    assert recall([file, second]).sound_at == 7
    assert [p.name for p in tmp_path.iterdir()] == ["second.json"]
    assert second.stat().st_mode & 0o777 == 0o600


def test_the_newest_memory_counts(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    remember(Memory(sound_at=1), [one], T0)
    remember(Memory(sound_at=2), [two], T0 + 1)
    assert recall([one, two]).sound_at == recall([two, one]).sound_at == 2


def test_a_link_is_no_memory(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    remember(Memory(sound_at=1), [real], T0)
    link.symlink_to(real)
    assert recall([link]).sound_at == 0


def test_without_any_memory_every_run_tells_under_one_key(tmp_path):
    watcher = Watcher(tmp_path, idempotent=False)
    watcher.file = tmp_path / "no folder" / "check.json"
    for _ in range(3):
        assert len(watcher.run(DEAD, after=MINUTE)) == 1
    assert len({m.key for m in watcher.channel.sent}) == 2, "one for each recipient: mail programs fold the copies"


def test_where_the_memory_may_be():
    asked = Path("/x/mine.json")
    assert places(asked, Path("/s/state.db"), {})[0] == asked
    found = places(None, Path("/s/state.db"), {"RUNTIME_DIRECTORY": "/run/one:/run/two"})
    assert found[:2] == [Path("/s/check.json"), Path("/run/one/check.json")]
    assert found[2] != places(None, Path("/other/state.db"), {})[1], "two houses on one machine share no memory"


def test_a_last_resort_is_cleared_when_the_first_place_works_again(tmp_path):
    first, last = tmp_path / "folder" / "check.json", tmp_path / "last.json"
    assert remember(Memory(), [first, last], T0) == last
    first.parent.mkdir()
    assert remember(Memory(), [first, last], T0) == first
    assert not last.exists()


def test_many_starts_within_a_while_are_a_finding():
    from hybridd.pipeline.second_watch import judge
    from hybridd.pipeline.watch_scene import Scene
    from hybridd.pipeline.watch_tell import count_starts
    from hybridd.store.glance import Glance

    memory, found = Memory(), []
    for minute in range(2 * MANY_STARTS):
        now = T0 + minute * MINUTE
        glance = Glance(
            service={"heartbeat_at": now, "started_at": now, "state": "ok"},
            last_close={}, overdue=(), old_leases=(), endless=(), unaddressed=(), missing=0,
            accounted=0, told={},
        )  # fmt: skip
        scene = Scene(
            url="sqlite:////x/state.db", now=now, settle_ms=0, glance=glance, store_trouble=None, damage="",
            read_whole=False, starts=0, free_bytes=None, synchronised=None, settings_trouble="",
        )  # fmt: skip
        found.append([f.id for f in judge(count_starts(memory, scene)).findings])
    assert found == [[]] * (MANY_STARTS - 1) + [["C10"]] * (MANY_STARTS + 1)
    assert len(memory.starts) <= 2 * MANY_STARTS


def test_a_mail_says_beside_which_channels_nothing_has_proven(watcher):
    memory = Memory()
    reader = replace(READER, unproven={"sms": "no message has gone by it yet"})
    follow(memory, Judgement(findings=(DEAD,), unknown={}), T0, reader, forgetful=False)
    tell(memory, [watcher.channel], T0)
    assert "unproven are sms (no message has gone by it yet)." in watcher.channel.sent[0].text
    watcher.run(STALE)
    assert "unproven" not in watcher.channel.sent[-1].text
