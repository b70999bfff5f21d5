"""The rooms of journal and brain: worked out by a child from the state, one at a time, kept for a minute."""

import asyncio
import threading
from contextlib import closing

import pytest

from hybridd.dashboard.worth_rooms import KEPT_S, Answers
from hybridd.errors import DataError
from hybridd.model.analysis import Odds
from hybridd.model.proposal import ProposalEvent
from hybridd.pipeline import overrides
from hybridd.pipeline.worth import Topic, Worth, worth_of
from hybridd.pipeline.worth_child import answer
from tests.html_reader import Reader
from tests.makers import STEP, T0
from tests.unit.pipeline.test_decide import hot

WORTH = Worth(blocks=[{"kind": "words", "text": "fine", "tone": ""}], end=T0, calibration={"own": True})


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def text(found):
    return Reader(found.text).text


def test_the_journal_tells_what_was_decided(web, client):
    web.house.say(web.house.turn(), ProposalEvent.REJECT, reason="<b>news</b>")
    web.house.turn(at=T0 + STEP)
    page = client.get("/journal")
    said = text(page)
    assert "2 proposals: 1 rejected and 1 waiting for your answer." in said
    assert "No decision has a final outcome yet" in said
    assert "<b>news" not in page.text


def test_the_brain_says_what_it_was_taught_and_that_there_is_too_little_to_judge_it(web, client):
    web.house.store.analyses.add_many([hot(odds=Odds(probability=0.6, low=0.5, high=0.7, n=500))])
    said = text(client.get("/brain"))
    assert "Too few odds to judge" in said
    assert "394,560 × 5m, BTC/USDT" in said
    assert "the one that ships" in said


def test_an_answer_goes_by_the_settings_that_the_watch_goes_by(web):
    path, store = str(web.path), web.house.store
    asked = {"path": path, "topic": "brain", "days": 30, "now": T0, "settings": {"analysis": {"command": ["x"]}}}
    assert answer(asked)["calibration"] == {"own": True}
    asked["settings"] = {"analysis": {"calibration": "/nowhere.json"}}
    assert "cannot read the calibration /nowhere.json" in answer(asked)["calibration"]["trouble"]
    facts = {"version": 0, "values": {"analysis": {"brain": "my:brain"}}, "refused": [], "at": T0}
    store.bot_state.set(overrides.IN_FORCE_KEY, facts)
    assert worth_of(store, Topic.BRAIN, 30, T0).calibration == {"own": True}


def test_what_cannot_be_worked_out_is_said_and_the_web_goes_on(web, client, monkeypatch):
    def broken(*_args, **_more):
        raise DataError("it took <over> 45 s")

    monkeypatch.setattr("hybridd.pipeline.worth.children.run", broken)
    page = client.get("/journal")
    assert page.status_code == 200
    assert "It could not be worked out: it took <over> 45 s" in text(page)
    assert "it took &lt;over&gt; 45 s" in page.text


def test_answers_are_worked_out_one_at_a_time_and_kept_for_a_minute():
    now, asked, inside = [0.0], [], threading.Semaphore(1)

    def ask(topic, days):
        assert inside.acquire(blocking=False), "two at once"
        asked.append((topic, days))
        inside.release()
        return WORTH

    answers = Answers(ask, lambda: now[0])

    async def crowd():
        await asyncio.gather(*(answers.of(topic, 30) for topic in Topic for _ in range(5)))

    asyncio.run(crowd())
    assert sorted(asked) == [(Topic.BRAIN, 30), (Topic.JOURNAL, 30)]
    now[0] += KEPT_S + 1
    answers._one = None
    asyncio.run(crowd())
    assert len(asked) == 4


def test_a_period_that_is_none_is_a_month(client, monkeypatch):
    monkeypatch.setattr("hybridd.dashboard.worth_rooms.worth_of", lambda *_: WORTH)
    assert 'days=30" aria-current="true"' in client.get("/journal?days=1e9").text
    assert 'days=365" aria-current="true"' in client.get("/brain?days=365").text


def test_nobody_sees_them_without_a_login(web):
    assert [web.client.get(path).status_code for path in ("/journal", "/brain")] == [401, 401]
