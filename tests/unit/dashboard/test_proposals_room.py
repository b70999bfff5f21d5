"""The room of proposals: looking has no effect, a decision takes two steps, and everything is escaped."""

from contextlib import closing

import pytest

from hybridd.dashboard import api_tokens
from hybridd.dashboard.api_tokens import Scope
from hybridd.model.proposal import ProposalState
from tests.html_reader import Reader
from tests.makers import STEP, T0
from tests.unit.dashboard.web import forms
from tests.unit.pipeline.test_decide import hot


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def send(client, path, **more):
    """Fill in the form of a page as a person does."""
    _, fields = forms(client.get(path).text)[0]
    values = {name: given[0] for name, given in fields.items()}
    return client.post(path, data=values | more)


def text(answer):
    return Reader(answer.text).text


def state(web, proposal):
    return web.house.store.proposals.get(proposal.id).state


def test_an_empty_room_says_so(client):
    assert "Nothing waits for an answer." in text(client.get("/proposals"))


def test_what_waits_comes_first_and_what_was_decided_follows(web, client):
    first = web.house.turn()
    client.post(f"/proposals/{first.id}/reject", data={})
    send(client, f"/proposals/{first.id}/reject", reason="too late <b>at night</b>")
    web.house.clock.set(T0 + STEP)
    second = web.house.turn(at=T0 + STEP)
    page = client.get("/proposals")
    assert page.text.index(f'href="./proposals/{second.id}"') < page.text.index(f'href="./proposals/{first.id}"')
    assert "rejected by dashboard" in text(page)
    assert "too late &lt;b&gt;at night&lt;/b&gt;" in page.text


def test_a_long_list_has_pages(web, client):
    for i in range(30):
        web.house.turn(at=T0 + i * STEP)
    page = client.get("/proposals").text
    older = page.partition('rel="next" href="')[2].partition('"')[0]
    assert older == "./proposals?before=6"
    second = client.get("/" + older.removeprefix("./"))
    assert 'href="./proposals/5"' in second.text
    assert 'href="./proposals/6"' not in second.text
    assert client.get("/proposals?before=-1").status_code == 200
    assert client.get("/proposals?before=' OR 1=1").status_code == 200


def test_a_proposal_says_what_changed_what_speaks_for_it_and_the_price_of_now(web, client):
    made = web.house.turn()
    web.house.store.analyses.add_many([hot(at=T0 + 1, price=45_300.0)])
    before = web.dump()
    said = text(client.get(f"/proposals/{made.id}"))
    for words in (
        "LONG BTC/USDT @ 45,250.00", "price then", "45,300.00 (+0.11 %)", "stop", "risk", "What changed",
        "NEUTRAL to LONG", "Nobody answering means no.", "15 min",
    ):  # fmt: skip
        assert words in said
    client.get(f"/proposals/{made.id}/approve")
    assert web.dump() == before, "looking has no effect"


@pytest.mark.parametrize(("verb", "found"), [("approve", "approved"), ("hold", "held"), ("reject", "rejected")])
def test_a_decision_takes_the_second_step_and_a_reason_is_kept(web, client, verb, found):
    made = web.house.turn()
    answer = send(client, f"/proposals/{made.id}/{verb}", reason="all agree")
    assert answer.status_code == 200
    assert "Your answer counts" in text(answer)
    assert state(web, made) == found
    decision = web.house.store.proposals.decision(made.id)
    assert (decision.actor, decision.channel, decision.reason) == ("dashboard", "dashboard", "all agree")
    again = client.get(f"/proposals/{made.id}/{verb}")
    assert "There is nothing left to decide" in text(again)
    assert not forms(again.text)


def test_after_a_yes_the_page_says_what_to_do(web, client):
    made = web.house.turn()
    said = text(send(client, f"/proposals/{made.id}/approve"))
    assert f"hybridd trades open BTC/USDT LONG PRICE --proposal {made.id}" in said
    assert "Place the order yourself" in said


def test_a_price_that_moved_is_asked_again_with_both_side_by_side(web, client):
    made = web.house.turn()
    path = f"/proposals/{made.id}/approve"
    _, fields = forms(client.get(path).text)[0]
    web.house.store.analyses.add_many([hot(at=T0 + 1, price=46_000.0)])
    answer = client.post(path, data={name: given[0] for name, given in fields.items()})
    assert answer.status_code == 409
    said = text(answer)
    assert "It needs your approval again" in said
    assert "46,000.00" in said
    assert state(web, made) is ProposalState.SUPERSEDED
    renewed = web.house.store.proposals.open_ones()[0]
    assert f'href="../../proposals/{renewed.id}/approve"' in answer.text
    assert send(client, f"/proposals/{renewed.id}/approve").status_code == 200


def test_whoever_comes_second_sees_who_was_first(web, client):
    made = web.house.turn()
    path = f"/proposals/{made.id}/approve"
    _, fields = forms(client.get(path).text)[0]
    given = api_tokens.add(web.house.store, "robot", frozenset({Scope.DECIDE}), "test", T0)
    web.client.post(f"/api/v1/proposals/{made.id}/reject", headers={"Authorization": f"Bearer {given}"})
    answer = client.post(path, data={name: value[0] for name, value in fields.items()})
    assert answer.status_code == 409
    assert "Somebody was quicker" in text(answer)
    assert "rejected by token:robot" in text(answer)


def test_a_form_without_what_the_page_put_into_it_counts_for_nothing(web, client):
    made = web.house.turn()
    for data in ({}, {"csrf": "wrong"}, {"csrf": ""}):
        assert client.post(f"/proposals/{made.id}/approve", data=data).status_code == 403
    assert state(web, made) is ProposalState.OPEN


@pytest.mark.parametrize(
    "path", ["/proposals/99", "/proposals/x", "/proposals/-1", "/proposals/99/approve", "/proposals/1/expire"]
)
def test_what_is_not_there_is_said(web, client, path):
    web.house.turn()
    assert client.get(path).status_code == 404


def test_an_answer_to_nothing_is_refused(web, client):
    made = web.house.turn()
    _, fields = forms(client.get(f"/proposals/{made.id}/hold").text)[0]
    data = {name: value[0] for name, value in fields.items()}
    assert client.post("/proposals/99/hold", data=data).status_code == 404
    assert client.post(f"/proposals/{made.id}/expire", data=data).status_code == 404
    assert state(web, made) is ProposalState.OPEN


def test_nobody_sees_it_without_a_login(web):
    made = web.house.turn()
    for path in ("/proposals", f"/proposals/{made.id}", f"/proposals/{made.id}/approve"):
        assert web.client.get(path).status_code == 401
