"""Answers to proposals: the first valid one wins, and at that moment everything is looked at again."""

import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from hybridd.alerts.compose import market_alert
from hybridd.alerts.routing import Route, Step
from hybridd.clock import ManualClock
from hybridd.decisions.answers import Objection
from hybridd.decisions.propose import ProposeRules
from hybridd.decisions.tokens import credential
from hybridd.errors import DataError, FeedUnavailable
from hybridd.model.analysis import Odds, Signal, SignalState
from hybridd.model.change import Change, Reason, Severity, Verdict
from hybridd.model.proposal import ProposalEvent, ProposalState
from hybridd.model.quote import Quote
from hybridd.pipeline.booking import book_entry, book_exit
from hybridd.pipeline.decide import GUESSES, Answer, Result, by_code, by_token, decide
from hybridd.pipeline.propose import expire_due, propose, supersede
from hybridd.pipeline.quotes import FRESH_MS, Quotes, fresh_quote, keep_quote
from hybridd.pipeline.record import post
from hybridd.pipeline.standing import set_pause
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store
from hybridd.trading.risk import Pause, RiskRules
from hybridd.trading.sizing import SizeRules
from tests.makers import STEP, T0, analysis, trade

KEY = b"k" * 32
RULES = TradingRules(making=True, key=KEY, size=SizeRules(account=Decimal(10_000), fee_percent=0.1))
ROUTES = (Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=("sms", "email")),)),)
CHANNELS = {"sms": ("+491",), "email": ("a@example.org",)}
APPROVE, REJECT, HOLD = ProposalEvent.APPROVE, ProposalEvent.REJECT, ProposalEvent.HOLD


def hot(signal=Signal.LONG, price=45_250.0, at=T0, **changes):
    made = analysis(80.0 if signal is Signal.LONG else 20.0)
    facts = {"candle_close": at, "price": price, "state": SignalState(signal=signal), "confidence": 0.8, "late": False}
    return structs.replace(made, **(facts | changes))


class House:
    """A state in which a signal has just turned."""

    def __init__(self, path, rules=RULES):
        self.clock = ManualClock(T0)
        self.store = open_store(f"sqlite:///{path}", clock=self.clock)
        self.rules = rules

    def turn(self, now=None, atr=100.0, **changes):
        now = now or hot(**changes)
        self.store.analyses.add_many([now])
        change = Change(
            subject=now.symbol, reason=Reason.SIGNAL_CHANGED, at=now.candle_close, before="NEUTRAL",
            after=now.signal.value,
        )  # fmt: skip
        alert = market_alert([Verdict(change=change)], now, None, None, made_at=T0, time_to_live_ms=900_000)
        with self.store.transaction():
            supersede(self.store, now, self.clock.now())
            stored = post(self.store, alert, ROUTES, CHANNELS, self.clock.now())
            pairs = [(d.channel, d.recipient) for d in self.store.outbox.of_alert(stored.id)]
            return propose(self.store, stored, atr, self.rules, pairs, self.clock.now())

    def say(self, proposal, event, actor="cli:me", **more):
        return decide(
            self.store, Answer(proposal_id=proposal.id, event=event, actor=actor, channel="cli", **more), self.rules,
            self.clock.now(),
        )  # fmt: skip

    def token(self, proposal, channel="email", recipient="a@example.org"):
        return credential(KEY, proposal, channel, recipient)


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "state.db")
    yield made
    made.store.close()


def test_a_proposal_has_stop_targets_and_a_size_that_loses_what_was_allowed(house):
    house.rules = replace(RULES, propose=ProposeRules(targets=(1, 1.618, 2.618)))
    made = house.turn()
    assert (made.side, made.price, made.stop) == ("LONG", Decimal("45250.0"), Decimal(45_100))
    assert [t.price for t in made.targets] == [Decimal(45_400), Decimal("45492.7"), Decimal("45642.7")]
    assert sum(t.share for t in made.targets) == 1
    lost = made.quantity * 150 + made.quantity * (made.price + made.stop) * Decimal("0.001")
    assert lost == made.risk_money
    assert made.quantity * made.price <= 10_000
    assert house.store.proposals.get(made.id) == made


def test_a_short_one_is_its_mirror(house):
    made = house.turn(signal=Signal.SHORT)
    assert (made.side, made.stop, made.targets[0].price) == ("SHORT", 45_400, 44_950)


def test_without_an_account_no_size_is_made_up(house):
    house.rules = replace(RULES, size=SizeRules())
    made = house.turn()
    assert (made.quantity, made.size_reason) == (0, "the account's size is not set")


def test_bad_odds_make_the_size_nothing(house):
    made = house.turn(odds=Odds(probability=0.2, low=0.1, high=0.3, n=500))
    assert made.quantity == 0
    assert "the odds justify no more" in made.size_reason


@pytest.mark.parametrize(
    ("spoil", "veto"),
    [
        (lambda h: h.turn(confidence=0.3), "CONFIDENCE"),
        (lambda h: h.turn(atr=float("nan")), "NO_RANGE"),
        (lambda h: h.turn(atr=30.0), "FEES"),
        (lambda h: (set_pause(h.store, Pause.PAUSED, "me", T0), h.turn()), "PAUSED"),
        (lambda h: (set_pause(h.store, Pause.REDUCE_ONLY, "me", T0), h.turn()), "REDUCE_ONLY"),
        (lambda h: (set_pause(h.store, Pause.KILLED, "me", T0), h.turn()), "KILLED"),
        (lambda h: (book_entry(h.store, trade(), "me", T0), h.turn()), "SYMBOL_TRADES"),
        (lambda h: ([book_entry(h.store, trade(symbol="ETH/USDT"), "me", T0) for _ in "123"], h.turn()), "OPEN_TRADES"),
        (lambda h: (lose(h, 44_000), h.turn()), "DAILY_LOSS"),
    ],
)
def test_a_veto_is_stored_with_its_reason(house, spoil, veto):
    spoil(house)
    assert house.store.proposals.list() == []
    (found,) = house.store.proposals.vetoes()
    assert found.veto == veto
    assert found.detail
    assert found.alert_id


def lose(house, price):
    made = book_entry(house.store, trade(quantity=0.3), "me", T0)
    book_exit(house.store, made.id, price=Decimal(price), actor="me", now=T0)


def test_fees_that_leave_little_are_said_and_the_person_sets_how_much_is_too_much(house):
    made = house.turn(atr=40.0)
    assert made.reasons_against[0].startswith("fees: they cost 1.51 R whatever comes, 76% of the gain at the targets")
    house.rules = replace(RULES, propose=ProposeRules(most_fee_share=0.5))
    assert house.turn(atr=40.0, signal=Signal.SHORT, at=T0 + 1) is None
    (veto,) = house.store.proposals.vetoes(1)
    assert (veto.veto, veto.detail) == ("FEES", "fees would take 75% of the gain at the targets, the limit is 50%")


def test_a_fall_from_the_highest_stops_proposals_for_good(house):
    day = 86_400_000
    for days in range(8, 0, -1):
        made = book_entry(house.store, trade(at=T0 - days * day, quantity=0.2), "me", T0)
        book_exit(house.store, made.id, price=Decimal(43_800), actor="me", now=T0, at=T0 - days * day + 1)
    house.turn()
    assert house.store.proposals.vetoes()[0].veto == "DRAWDOWN"
    house.rules = replace(RULES, risk=RiskRules(max_drawdown_percent=0))
    house.store.close()


@pytest.mark.parametrize(("event", "state"), [(APPROVE, "approved"), (REJECT, "rejected"), (HOLD, "held")])
def test_an_answer_stands(house, event, state):
    made = house.turn()
    answered = house.say(made, event, reason="because")
    assert (answered.result, answered.proposal.state) == (Result.DONE, state)
    decision = house.store.proposals.decision(made.id)
    assert (decision.event, decision.reason, decision.price) == (event, "because", Decimal("45250.0"))


def test_the_second_answer_is_told_who_was_first(house):
    made = house.turn()
    house.say(made, REJECT, actor="telegram:7")
    late = house.say(made, APPROVE)
    assert (late.result, late.decision.actor, late.proposal.state) == (Result.LOST, "telegram:7", "rejected")


def test_nobody_answering_means_no(house):
    made = house.turn()
    house.clock.advance(900_000)
    assert [p.id for p in expire_due(house.store, house.clock.now())] == [made.id]
    assert house.say(made, APPROVE).result is Result.LOST
    assert house.store.proposals.get(made.id).state is ProposalState.EXPIRED


def test_an_answer_after_the_end_is_none_even_before_it_was_swept(house):
    made = house.turn()
    house.clock.advance(900_000)
    answered = house.say(made, APPROVE)
    assert (answered.result, answered.decision.event) == (Result.LOST, ProposalEvent.EXPIRE)


def test_newer_news_takes_its_place(house):
    made = house.turn()
    house.turn(signal=Signal.SHORT, at=T0 + STEP)
    assert house.store.proposals.get(made.id).state is ProposalState.SUPERSEDED


def test_a_price_beyond_the_band_is_asked_again_with_the_same_distances(house):
    made = house.turn()
    house.store.analyses.add_many([hot(at=T0 + STEP, price=45_600.0)])
    house.clock.advance(STEP)
    again = house.say(made, APPROVE)
    assert (again.result, [o.objection for o in again.objections]) == (Result.AGAIN, [Objection.PRICE])
    assert "45250 then, 45600 now (+0.77 %)" in again.objections[0].detail
    renewed = again.renewed
    assert (renewed.price - renewed.stop, renewed.price) == (made.price - made.stop, Decimal("45600.0"))
    assert renewed.content_hash != made.content_hash
    assert house.store.proposals.get(made.id).state is ProposalState.SUPERSEDED
    old = by_token(house.store, house.token(made).token, house.token(made).code, APPROVE, "", RULES, T0)
    assert old.result is Result.LOST
    assert house.say(renewed, APPROVE).result is Result.DONE


@pytest.mark.parametrize(
    ("spoil", "objection"),
    [
        (lambda h: h.clock.advance(500_000), Objection.STALE),
        (lambda h: h.store.analyses.add_many([hot(Signal.NEUTRAL, at=T0 + 1)]), Objection.SIGNAL),
        (lambda h: book_entry(h.store, trade(), "me", T0), Objection.LIMIT),
        (lambda h: set_pause(h.store, Pause.KILLED, "me", T0), Objection.LIMIT),
    ],
)
def test_what_has_changed_keeps_a_yes_from_counting_and_nothing_else(house, spoil, objection):
    made = house.turn()
    spoil(house)
    again = house.say(made, APPROVE)
    assert (again.result, again.renewed) == (Result.AGAIN, None)
    assert objection in [o.objection for o in again.objections]
    assert house.store.proposals.get(made.id).state is ProposalState.OPEN
    assert house.say(made, REJECT).result is Result.DONE


def quote(house, bid, ask, at=None):
    return Quote(symbol="BTC/USDT", bid=Decimal(bid), ask=Decimal(ask), at=house.clock.now() if at is None else at)


def test_a_quote_is_the_price_of_now_and_its_spread_counts(house):
    made = house.turn()
    house.clock.advance(500_000)  # the candle is old by now
    keep_quote(house.store, quote(house, 45_255, 45_260))
    wide = house.clock.now()
    keep_quote(house.store, quote(house, 45_200, 45_300))
    again = house.say(made, APPROVE)
    assert [one.objection for one in again.objections] == [Objection.SPREAD]
    assert "0.22 % apart, the limit is 0.2 %" in again.objections[0].detail
    keep_quote(house.store, quote(house, 45_255, 45_260, at=wide - FRESH_MS - 1))
    assert [one.objection for one in house.say(made, APPROVE).objections] == [Objection.STALE]
    keep_quote(house.store, quote(house, 45_255, 45_260))
    done = house.say(made, APPROVE)
    assert (done.result, done.decision.price) == (Result.DONE, 45_260)


def test_an_entry_costs_what_is_asked_and_an_exit_brings_what_is_bid(house):
    for at, signal, price in ((T0, Signal.LONG, 45_600), (T0 + 1, Signal.SHORT, 45_595)):
        made = house.turn(signal=signal, at=at)
        keep_quote(house.store, quote(house, 45_595, 45_600))
        again = house.say(made, APPROVE)
        assert again.renewed.price == price
        assert abs(again.renewed.price - again.renewed.stop) == abs(made.price - made.stop)
        house.say(again.renewed, REJECT)


def test_quotes_are_asked_for_only_while_somebody_may_answer(house):
    asked = []

    def ask(symbol, now):
        asked.append(symbol)
        if len(asked) == 1:
            raise FeedUnavailable("no")
        return quote(house, 1, 2)

    quotes = Quotes(store=house.store, ask=ask, clock=house.clock)
    quotes.turn()
    made = house.turn()
    quotes.turn()
    assert (asked, fresh_quote(house.store, "BTC/USDT", T0)) == (["BTC/USDT"], None)
    quotes.turn()
    assert fresh_quote(house.store, "BTC/USDT", T0) == quote(house, 1, 2)
    house.clock.set(made.expires_at)
    quotes.turn()
    assert len(asked) == 2


def test_a_link_answers_once_with_the_code_of_the_message(house):
    made = house.turn()
    mail = house.token(made)
    wrong = "00" if mail.code != "00" else "01"
    answer = lambda code, token=mail.token: by_token(house.store, token, code, APPROVE, "", RULES, T0)  # noqa: E731
    assert answer(wrong).result is Result.REFUSED
    assert answer("").result is Result.REFUSED
    assert answer(mail.code, "forged").result is Result.REFUSED
    other = house.token(made, "sms", "+491").code
    assert answer(other if other != mail.code else wrong).result is Result.REFUSED
    assert answer(mail.code.lower()).result is Result.DONE
    assert answer(mail.code).result is Result.REFUSED
    assert not house.store.audit.verify()


def test_too_many_guesses_close_the_link(house):
    made = house.turn()
    mail = house.token(made)
    for n in range(GUESSES):
        guess = f"{(int(mail.code, 16) + n + 1) % 256:02X}"
        assert by_token(house.store, mail.token, guess, APPROVE, "", RULES, T0).result is Result.REFUSED
    closed = by_token(house.store, mail.token, mail.code, APPROVE, "", RULES, T0)
    assert (closed.result, closed.why) == (Result.REFUSED, "too many wrong codes")


def test_words_answer_only_from_who_was_asked(house):
    made = house.turn()
    code = house.token(made, "sms", "+491").code
    say = lambda sender, channel="sms": by_code(house.store, made.id, code, APPROVE, sender, channel, RULES, T0)  # noqa: E731
    assert say("+492").result is Result.REFUSED
    assert say("+491", "telegram").result is Result.REFUSED
    assert by_code(house.store, 99, code, APPROVE, "+491", "sms", RULES, T0).result is Result.REFUSED
    assert say("+491").result is Result.DONE


def test_an_answer_to_nothing(house):
    with pytest.raises(DataError, match="there is no proposal 99"):
        decide(house.store, Answer(proposal_id=99, event=APPROVE, actor="me", channel="cli"), RULES, T0)


def test_of_a_hundred_who_answer_at_once_one_wins_and_the_others_learn_who(house):
    made = house.turn()
    start, answers = threading.Barrier(100), []

    def answer(number):
        event = (APPROVE, REJECT, HOLD)[number % 3]
        start.wait()
        answers.append((number, house.say(made, event, actor=f"browser:{number}")))

    threads = [threading.Thread(target=answer, args=(n,)) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    winners = [number for number, answered in answers if answered.result is Result.DONE]
    assert len(answers) == 100
    assert len(winners) == 1
    assert {a.decision.actor for _, a in answers} == {f"browser:{winners[0]}"}
    rows = [row for row in house.store.audit.list(1000) if row.action.startswith("proposal.")]
    assert len(rows) == 1


def test_the_state_never_holds_what_answers(house, tmp_path):
    made = house.turn()
    found = house.token(made)
    house.store.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert found.token.encode() not in stored
    assert KEY not in stored
    assert found.token not in repr(found)
    assert "kkk" not in repr(RULES)
