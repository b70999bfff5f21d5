"""The stream of events: each arrives once, in order, also for whoever was away; and nobody holds a place for ever."""

import json
import threading
import time
from contextlib import closing

import httpx
import pytest

from hybridd.dashboard import api_tokens, tail
from hybridd.dashboard.api_tokens import Scope
from tests.makers import T0
from tests.unit.dashboard.web import Web


def happen(web, count=1, kind="alert"):
    return [web.house.store.events.append(kind, "BTC/USDT", {"n": n, "text": "a\nb"}, T0) for n in range(count)]


def until(condition, seconds=20.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def hear(client, wanted, **how):
    """The first `wanted` events of a stream: (id, facts)."""
    found = []
    with client.stream("GET", "/api/v1/stream", timeout=20, **how) as answer:
        assert answer.status_code == 200
        number = None
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = int(value)
            elif name == "data":
                found.append((number, json.loads(value)))
            if len(found) >= wanted:
                break
    return found


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def test_what_happens_is_heard_at_once_and_in_order(web, client):
    happen(web, 3)
    heard = []
    listening = threading.Thread(target=lambda: heard.extend(hear(client, 2)))
    listening.start()
    until(lambda: web.activity.busy)
    time.sleep(0.3)
    ids = happen(web, 2, "proposal")
    listening.join(20)
    assert [number for number, _ in heard] == ids
    assert [facts["data"]["n"] for _, facts in heard] == [0, 1]
    assert heard[0][1] == {"kind": "proposal", "subject": "BTC/USDT", "at": T0, "data": {"n": 0, "text": "a\nb"}}


@pytest.mark.parametrize("how", [{"headers": {"last-event-id": "2"}}, {"params": {"after": "2"}}])
def test_what_was_missed_is_told_first(web, client, how):
    ids = happen(web, 700)
    heard = hear(client, 698, **how)
    assert [number for number, _ in heard] == ids[2:]


def test_whoever_missed_too_much_begins_anew(web, client, monkeypatch):
    monkeypatch.setattr(tail, "MOST_MISSED", 10)
    ids = happen(web, 20)
    assert hear(client, 1, params={"after": "1"}) == [(ids[-1], {"kind": "reset"})]


def test_whoever_has_seen_what_is_no_more_begins_anew(web, client):
    ids = happen(web, 2)
    assert hear(client, 1, params={"after": "999"}) == [(ids[-1], {"kind": "reset"})]


@pytest.mark.parametrize("given", ["-1", "x", "1e3", "9" * 40, "١"])
def test_a_number_that_is_none_is_refused(web, client, given):
    assert client.get("/api/v1/stream", params={"after": given}).status_code == 400


def test_a_stranger_hears_nothing_and_a_program_needs_the_scope(web):
    assert web.client.get("/api/v1/stream").status_code == 401
    ack = api_tokens.add(web.house.store, "a", frozenset({Scope.ACK}), "test", T0)
    assert web.client.get("/api/v1/stream", headers={"Authorization": f"Bearer {ack}"}).status_code == 403
    read = api_tokens.add(web.house.store, "r", frozenset({Scope.READ}), "test", T0)
    happen(web, 1)
    headers = {"Authorization": f"Bearer {read}", "last-event-id": "0"}
    assert hear(web.client, 1, headers=headers)[0][1]["kind"] == "alert"


def test_many_hear_the_same_through_one_reader(web, client):
    before = threading.active_count()
    heard = [[] for _ in range(30)]

    def listen(into):
        with closing(httpx.Client(base_url=web.url, cookies=client.cookies)) as own:
            into.extend(hear(own, 3))

    listening = [threading.Thread(target=listen, args=[into]) for into in heard]
    for one in listening:
        one.start()
    until(lambda: web.activity.busy >= 30)
    assert threading.active_count() - before - 30 <= 5  # the reader, and the server's few workers
    time.sleep(0.3)
    ids = happen(web, 3)
    for one in listening:
        one.join(20)
    assert all([number for number, _ in into] == ids for into in heard)


def test_the_reader_goes_with_the_last_who_listens_and_comes_back(web, client):
    happen(web, 1)
    for _ in range(2):
        assert len(hear(client, 1, params={"after": "0"})) == 1
        until(lambda: all(thread.name != "tail" for thread in threading.enumerate()))


def test_an_end_in_order_waits_for_nobody_who_listens(web, client):
    happen(web, 1)
    with client.stream("GET", "/api/v1/stream", params={"after": "0"}, timeout=20) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        begun = time.monotonic()
        web.server.end()
        list(lines)
        web.thread.join(20)
    assert time.monotonic() - begun < 3


@pytest.fixture
def small(tmp_path):
    made = Web(tmp_path, streams=1, stream_s=0.2)
    yield made
    made.close()


def test_one_too_many_is_told_to_come_later_and_nobody_stays_for_ever(small):
    with closing(small.log_in()) as client, client.stream("GET", "/api/v1/stream") as first:
        late = client.get("/api/v1/stream")
        assert (late.status_code, late.headers["retry-after"]) == (503, "5")
        assert "retry: 1000" in list(first.iter_lines())  # it has ended
        happen(small, 1)
        assert len(hear(client, 1, params={"after": "0"})) == 1
