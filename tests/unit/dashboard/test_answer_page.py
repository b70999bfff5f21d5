"""The answer page: looking changes nothing, what is typed decides, and what leads nowhere says nothing."""

import itertools
import threading
import time
from contextlib import closing
from dataclasses import replace

import httpx
import pytest

from hybridd.model.analysis import Signal
from hybridd.model.proposal import ProposalState
from hybridd.model.quote import Quote
from hybridd.model.trade import Side
from hybridd.pipeline.decide import GUESSES
from hybridd.pipeline.propose import post
from hybridd.pipeline.quotes import keep_quote
from hybridd.pipeline.standing import set_pause
from hybridd.trading.risk import Pause
from tests.e2e.house import wait_for
from tests.makers import T0
from tests.unit.dashboard.web import forms
from tests.unit.pipeline.test_decide import hot


def state_of(web, proposal):
    return web.house.store.proposals.get(proposal.id).state


def test_the_page_shows_what_was_proposed_and_the_price_of_now(web):
    made = web.house.turn()
    web.house.store.analyses.add_many([hot(at=T0 + 1, price=45_300.0)])
    token, _ = web.link(made)
    page = web.client.get(f"/a/{token}")
    assert page.status_code == 200
    for text in ("LONG BTC/USDT @ 45,250.00", "45,300.00 (+0.11 %)", "45,100.00 (0.33 % away)", "USDT lost at the stop",
                 "15 min left", "confidence"):  # fmt: skip
        assert text in page.text, text
    assert "SIMULATED" not in page.text


def test_a_simulated_market_says_so(web):
    made = web.house.turn(simulated=True)
    token, code = web.link(made)
    assert "SIMULATED: this market does not exist" in web.client.get(f"/a/{token}").text
    assert "SIMULATED" in web.say(token, code, "reject").text


def test_a_recorded_market_says_so_wherever_it_asks(web):
    made = web.house.turn(source="recorded candles")
    token, code = web.link(made)
    assert "RECORDED: these candles are out of files" in web.client.get(f"/a/{token}").text
    with closing(web.log_in()) as client:
        for path in ("/", "/proposals", f"/proposals/{made.id}"):
            assert "RECORDED" in client.get(path).text, path
    assert "RECORDED" in web.say(token, code, "reject").text


@pytest.mark.parametrize(
    ("decision", "state"),
    [("approve", ProposalState.APPROVED), ("reject", ProposalState.REJECTED), ("hold", ProposalState.HELD)],
)
def test_the_code_and_a_button_decide(web, decision, state):
    made = web.house.turn()
    token, code = web.link(made)
    answer = web.say(token, code.lower(), decision, "all  agree\n")
    assert answer.status_code == 200
    assert state_of(web, made) is state
    decided = web.house.store.proposals.decision(made.id)
    assert (decided.actor, decided.channel, decided.reason) == ("email:a@example.org", "link", "all agree")
    assert "Your answer counts" in answer.text
    assert ("Place the order yourself" in answer.text) == (decision == "approve")
    assert not web.house.store.audit.verify()


def test_a_scanner_that_gets_every_link_and_sends_every_form_changes_nothing(web):
    made = web.house.turn()
    token, code = web.link(made)
    before = web.dump()
    for _ in range(2 * GUESSES):
        page = web.client.get(f"/a/{token}")
        web.client.head(f"/a/{token}")
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            web.client.request(method, f"/a/{token}")
        for action, fields in forms(page.text):
            assert fields["code"] == [""]
            names = list(fields)
            for values in itertools.product(*fields.values()):
                filled = dict(zip(names, values, strict=True))
                for words in ("", "test", "a@example.org"):
                    sent = {**filled, "reason": words, "code": filled["code"] or words}
                    answer = web.client.post(httpx.URL(f"{web.url}/a/{token}").join(action or token), data=sent)
                    assert answer.status_code == 400
                    assert "type the two characters" in answer.text
    assert web.dump() == before
    assert web.say(token, code).status_code == 200


def test_everything_that_leads_nowhere_is_one_page_with_one_time(web):
    used = web.house.turn()
    token, code = web.link(used)
    live, live_code = web.link(used, "sms", "+491")
    wrong = f"{(int(live_code, 16) + 1) % 256:02X}"
    assert web.say(token, code, "hold").status_code == 200
    other = web.house.turn(at=T0 + 1)
    dead, dead_code = web.link(other)
    for n in range(GUESSES):
        web.say(dead, f"{(int(dead_code, 16) + n + 1) % 256:02X}")
    asked = {
        "used": lambda: web.client.get(f"/a/{token}"),
        "used, with its code": lambda: web.say(token, code),
        "forged": lambda: web.client.get("/a/AAAAAAAAAAAAAAAAAAAAAA"),
        "forged, with a code": lambda: web.say("AAAAAAAAAAAAAAAAAAAAAA", code),
        "nonsense": lambda: web.client.get("/a/%00%ff..%5c"),
        "wrong code": lambda: web.say(live, wrong),
        "closed": lambda: web.client.get(f"/a/{dead}"),
        "closed, with its code": lambda: web.say(dead, dead_code),
    }
    pages, times = {}, {}
    for name, ask in asked.items():
        begun = time.monotonic()
        answer = ask()
        times[name] = time.monotonic() - begun
        pages[name] = (answer.status_code, answer.content)
    web.house.clock.advance(900_000)
    late, _ = web.link(used, "sms", "+491")
    pages["expired"] = ((a := web.client.get(f"/a/{late}")).status_code, a.content)
    third, third_code = web.link(other, "sms", "+491")
    pages["expired, with its code"] = ((a := web.say(third, third_code)).status_code, a.content)
    assert len(set(pages.values())) == 1, [name for name, page in pages.items() if page != pages["forged"]]
    assert pages["forged"][0] == 403
    assert b"No answer was taken" in pages["forged"][1]
    assert min(times.values()) >= 0.02


def test_refused_answers_are_in_the_audit_trail_and_in_the_journal_without_their_token(web, caplog):
    made = web.house.turn()
    token, code = web.link(made)
    told = lambda: "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("hybridd", "uvicorn")))  # noqa: E731
    with caplog.at_level("INFO"):
        web.say("forged-forged-forged", code)
        web.say(token, f"{(int(code, 16) + 1) % 256:02X}")
        web.client.get(f"/a/{token}")
        wait_for(lambda: "GET /a/… 200" in told())  # the line is written after the answer has gone
    refused = [row for row in web.house.store.audit.list(10) if row.action == "answer refused"]
    assert [row.data["why"] for row in refused] == [
        "the code is not the one in the message", "a token that nobody was given",
    ]  # fmt: skip
    assert token not in told()
    assert "forged-forged" not in told()


def test_whoever_comes_second_learns_who_was_first(web):
    made = web.house.turn()
    assert web.say(*web.link(made), "reject", "weekend").status_code == 200
    late = web.link(made, "sms", "+491")
    page = web.client.get(f"/a/{late[0]}")
    assert "There is nothing left to decide" in page.text
    answer = web.say(*late)
    assert answer.status_code == 409
    for text in (page.text, answer.text):
        assert "rejected by email:a@example.org" in text
        assert "weekend" in text
    assert forms(page.text) == []


def test_of_many_who_answer_at_once_one_wins(web):
    made = web.house.turn()
    links = [web.link(made), web.link(made, "sms", "+491")]
    start, seen = threading.Barrier(20), []

    def answer(number):
        token, code = links[number % 2]
        with httpx.Client(timeout=60) as client:
            start.wait()
            decision = ("approve", "reject", "hold")[number % 3]
            seen.append(client.post(f"{web.url}/a/{token}", data={"code": code, "decision": decision}).status_code)

    threads = [threading.Thread(target=answer, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen.count(200) == 1
    assert set(seen) <= {200, 403, 409}
    assert len([row for row in web.house.store.audit.list(100) if row.action.startswith("proposal.")]) == 1


def test_a_price_that_moved_is_shown_beside_the_old_one_and_asked_again(web):
    made = web.house.turn()
    token, code = web.link(made)
    web.house.store.analyses.add_many([hot(at=T0 + 1, price=46_000.0)])
    again = web.say(token, code)
    assert again.status_code == 409
    assert "It needs your approval again" in again.text
    for text in ("45250 then, 46000 now", "<td>45,250.00</td><td>46,000.00</td>", "45,850.00"):
        assert text in again.text
    assert code not in [value for _, fields in forms(again.text) for value in fields["code"]]
    [(action, _)] = forms(again.text)
    assert action not in {"", token}
    assert state_of(web, made) is ProposalState.SUPERSEDED
    wrong = f"{(int(code, 16) + 1) % 256:02X}"
    assert web.say(action, wrong).status_code == 403
    assert web.say(token, code).status_code == 409
    assert web.say(action, code).status_code == 200
    renewed = web.house.store.proposals.list(1)[0]
    assert (renewed.state, renewed.price) == (ProposalState.APPROVED, 46_000)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda h: h.clock.advance(500_000), "the price is 500 s old"),
        (lambda h: h.store.analyses.add_many([hot(Signal.NEUTRAL, at=T0 + 1)]), "the signal is NEUTRAL"),
        (lambda h: set_pause(h.store, Pause.KILLED, "me", T0), "kill"),
    ],
)
def test_whatever_else_has_changed_is_said_and_a_no_still_counts(web, spoil, said):
    made = web.house.turn()
    token, code = web.link(made)
    spoil(web.house)
    again = web.say(token, code)
    assert again.status_code == 409
    assert said in again.text
    assert state_of(web, made) is ProposalState.OPEN
    assert web.say(token, code, "reject").status_code == 200


def test_what_nobody_can_carry_out_is_refused_with_its_reason(web):
    made = web.house.turn()
    token, code = web.link(made)
    web.desk._rules = replace(web.house.rules, broker="binance", real=True)
    with web.house.store.transaction():
        short = post(
            web.house.store,
            replace(made, id=0, side=Side.SHORT, alert_id=0),
            web.house.rules,
            [("email", "a@example.org")],
            T0,
        )
    token, code = web.link(short)
    refused = web.say(token, code)
    assert refused.status_code == 409
    for words in ("It cannot be carried out", "on spot nothing can be sold short"):
        assert words in refused.text
    assert state_of(web, short) is ProposalState.OPEN
    assert web.say(token, code, "reject").status_code == 200


def test_the_spread_of_now_is_shown_and_one_that_is_too_wide_keeps_a_yes_from_counting(web):
    made = web.house.turn()
    token, code = web.link(made)
    keep_quote(web.house.store, Quote(symbol=made.symbol, bid=made.price - 100, ask=made.price + 100, at=T0))
    assert "45,350.00 (+0.22 %), 0 s old, buyers and sellers 0.44 % apart" in web.client.get(f"/a/{token}").text
    again = web.say(token, code)
    assert (again.status_code, state_of(web, made)) == (409, ProposalState.OPEN)
    assert "buyers and sellers stand 0.44 % apart, the limit is 0.2 %" in again.text


@pytest.mark.parametrize(
    "nasty", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "\u202eevil"]
)
def test_words_of_others_stay_words(web, nasty):
    made = web.house.turn(symbol=f"{nasty[:40]}/USDT")
    token, code = web.link(made)
    shown = web.client.get(f"/a/{token}").text
    answer = web.say(token, code, "reject", f"{nasty} & more").text
    for page in (shown, answer):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "49/USDT" not in page
    assert "\u202e" not in web.house.store.proposals.decision(made.id).reason


def test_the_page_needs_no_script_and_no_other_server(web):
    made = web.house.turn()
    page = web.client.get(f"/a/{web.link(made)[0]}")
    assert "<style" not in page.text
    assert "style=" not in page.text
    assert " onclick" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    for name in ("page.css", "countdown.js", "icon.svg"):
        assert f"../static/{name}" in page.text
        assert web.client.get(f"/static/{name}").status_code == 200
