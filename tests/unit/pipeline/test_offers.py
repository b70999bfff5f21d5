"""A proposal goes out with its alert, and comes back as words: what is sent, who may answer, and what that leads to."""

from dataclasses import replace

import pytest

from hybridd.delivery.memory import MemoryChannel
from hybridd.model.alert import AlertState
from hybridd.model.inbound import Inbound
from hybridd.model.proposal import ProposalState
from hybridd.pipeline.answers import keep, work
from hybridd.pipeline.deliver import Courier
from tests.makers import T0
from tests.unit.pipeline.test_decide import CHANNELS, KEY, RULES, House


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "state.db")
    yield made
    made.store.close()


def sent(house, name, public_url="https://h.example.org"):
    channel = MemoryChannel(name, recipients=CHANNELS.get(name, ("journal",)))
    courier = Courier(store=house.store, channel=channel, clock=house.clock, zone="UTC", public_url=public_url, key=KEY)
    courier.drain()
    return channel.sent[0]


def say(house, text, sender="+491", channel="sms", number="1"):
    inbound = Inbound(channel=channel, sender=sender, text=text, id=number, at=T0)
    assert keep(house.store, inbound, house.clock.now())
    return work(house.store, CHANNELS, house.clock.now(), RULES)


def test_every_length_says_what_is_proposed_and_how_to_answer(house):
    made = house.turn()
    code = house.token(made).code
    mail = sent(house, "email")
    typed = f"Your code, to be typed with your answer: {code}."
    assert typed in mail.chat
    for words in ("Proposal 1: LONG @ 45,250.00, stop 45,100.00", "Nobody answering by", "the stop costs", typed):
        assert words in mail.text
        assert words in mail.html
    assert [action.data for action in mail.actions] == [f"YES 1 {code}", f"NO 1 {code}", "ACK 1"]
    assert mail.link == f"https://h.example.org/a/{house.token(made).token}"


def test_an_sms_holds_the_words_that_decide(house):
    made = house.turn()
    code = house.token(made, "sms", "+491").code
    short = sent(house, "sms").short
    assert f"YES 1 {code} or NO 1 {code}" in short
    assert len(short) <= 160


def test_what_stays_on_this_machine_holds_no_code(house):
    house.turn()
    house.store.outbox.plan(1, [("journal", "journal", 0, T0, T0 + 900_000)])
    journal = sent(house, "journal")
    assert "Proposal 1" in journal.text
    assert "code" not in journal.text
    assert [action.data for action in journal.actions] == ["ACK 1"]
    assert "/a/" not in journal.link


def test_a_decided_proposal_is_offered_no_more(house):
    made = house.turn()
    say(house, f"NO 1 {house.token(made, 'sms', '+491').code}")
    alert = house.store.alerts.get(1)
    assert alert.state is AlertState.ACKED
    assert {d.state.value for d in house.store.outbox.of_alert(1)} == {"cancelled"}


@pytest.mark.parametrize(("word", "state"), [("YES", ProposalState.APPROVED), ("no", ProposalState.REJECTED)])
def test_words_by_sms_decide(house, word, state):
    made = house.turn()
    worked = say(house, f"{word} 1 {house.token(made, 'sms', '+491').code}")
    assert worked.obeyed == 1
    assert house.store.proposals.get(made.id).state is state
    assert house.store.proposals.decision(made.id).actor == "sms:+491"


def test_words_of_a_stranger_with_a_wrong_code_or_too_late_decide_nothing(house):
    made = house.turn()
    code = house.token(made, "sms", "+491").code
    wrong = f"{(int(code, 16) + 1) % 256:02X}"
    assert say(house, f"YES 1 {code}", sender="+492", number="1").obeyed == 0
    assert say(house, f"YES 1 {wrong}", number="2").obeyed == 0
    assert say(house, "YES", number="3").obeyed == 0
    assert say(house, f"YES 9 {code}", number="4").obeyed == 0
    assert house.store.proposals.get(made.id).state is ProposalState.OPEN
    house.clock.advance(900_000)
    assert say(house, f"YES 1 {code}", number="5").obeyed == 0
    assert house.store.proposals.get(made.id).state is ProposalState.EXPIRED


def test_without_a_key_a_proposal_is_shown_and_not_answered(house):
    house.rules = replace(RULES, key=b"")
    house.turn()
    channel = MemoryChannel("email", recipients=CHANNELS["email"])
    Courier(store=house.store, channel=channel, clock=house.clock, zone="UTC").drain()
    assert "Proposal 1" in channel.sent[0].text
    assert [action.data for action in channel.sent[0].actions] == ["ACK 1"]
