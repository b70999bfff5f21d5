"""Reports from a real state: what is gathered, the page, and the mail through the outbox to a real mail server."""

import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from hybridd.alerts.compose import health_alert, resolution
from hybridd.clock import ManualClock
from hybridd.delivery.email import EmailChannel
from hybridd.errors import DataError
from hybridd.model.change import Reason
from hybridd.model.delivery import DeliveryState
from hybridd.model.proposal import Decision, ProposalEvent
from hybridd.model.trade import Side
from hybridd.pipeline.booking import book_entry, book_exit
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.housekeep import SERVICE
from hybridd.pipeline.propose import post as post_proposal
from hybridd.pipeline.record import post
from hybridd.pipeline.report_mail import LIVES_MS, post_report, write
from hybridd.pipeline.report_page import html
from hybridd.pipeline.report_plain import plain_journal, plain_report
from hybridd.pipeline.report_trades import Span, span_of
from hybridd.pipeline.reporting import ReportRules, journal_of, report_of
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.reports.report import document
from hybridd.reports.text import text
from hybridd.store.store import open_store
from hybridd.trading.ledger import open_trade
from hybridd.trading.rules_alone import FollowRules
from tests.fakes.smtp import Act, FakeSmtp
from tests.makers import STEP, T0, analysis
from tests.unit.pipeline.house import route
from tests.unit.reports.cases import candles, proposal

DAY, UTC = 86_400_000, ZoneInfo("UTC")
RULES = ReportRules(
    zone="UTC", horizon=3, thresholds=(35, 65), follow=FollowRules(fee_percent=0.0, break_even_after=1), settle_ms=2000
)
TO = "me@example.org"


class Past:
    """A state with a week in it: ninety candles that rise by one from 100, and what was made of them."""

    def __init__(self, path):
        self.clock = ManualClock(T0 + DAY)
        self.store = open_store(f"sqlite:///{path}", clock=self.clock)
        self.span = Span(start=T0 - DAY, end=T0 + DAY)

    def market(self, n=90, skip=(), late=()):
        rows = [(100 + i, 101.0 + i, 99.0 + i, 100.5 + i) for i in range(n)]
        self.store.candles.save("BTC/USDT", "5m", candles(*rows))
        made = [
            analysis(50 + i % 9, at=T0 + (i + 1) * STEP, price=100.5 + i, late=i in late)
            for i in range(n)
            if i not in skip
        ]
        self.store.analyses.add_many(made)

    def propose(self, side="LONG", at=10, price=110, **changes):
        sign = Side(side).sign
        made = proposal(
            side, id=0, candle_close=T0 + at * STEP, created_at=T0 + at * STEP + 2000, price=Decimal(price),
            stop=Decimal(price - 10 * sign), targets=proposal(side).targets[:0], **changes,
        )  # fmt: skip
        with self.store.transaction():
            return post_proposal(self.store, made, TradingRules(), [], made.created_at)

    def say(self, made, event, reason="", after=60_000):
        decision = Decision(
            proposal_id=made.id, event=event, actor="cli:me", channel="cli", at=made.created_at + after, reason=reason,
            price=made.price,
        )  # fmt: skip
        assert self.store.proposals.decide(decision)

    def trade(self, made, entry, left):
        trade = open_trade(
            symbol=made.symbol, side=made.side, entry_price=entry, entry_at=made.created_at + 90_000, quantity=1.0,
            proposal_id=made.id,
        )  # fmt: skip
        stored = book_entry(self.store, trade, "cli:me", trade.entry_at)
        book_exit(self.store, stored.id, price=Decimal(left), actor="cli:me", now=trade.entry_at + STEP)

    def report(self):
        return report_of(self.store, self.span, RULES)


@pytest.fixture
def past(tmp_path):
    made = Past(tmp_path / "state.db")
    yield made
    made.store.close()


def shown(report):
    return document(report, UTC, RULES.thresholds)


def test_a_proposal_that_was_refused_is_walked_through_the_stored_candles(past):
    past.market()
    # Price only rises: a SHORT from 110 meets its stop at 120, a LONG is never left.
    short, long = past.propose("SHORT"), past.propose("LONG", at=20, price=120)
    past.say(short, ProposalEvent.REJECT, "against the trend")
    past.say(long, ProposalEvent.HOLD)
    found = journal_of(past.store, past.span, RULES)
    assert [case.rules.standing.value for case in found.cases] == ["final", "open"]
    assert found.veto.value.total == pytest.approx(1.0)
    assert found.cases[1].rules.r == pytest.approx((189.5 - 120) / 10)
    assert plain_journal(found)["cases"][0]["rules"]["ended_at"] == T0 + 19 * STEP


def test_a_taken_proposal_meets_its_trade(past):
    past.market()
    made = past.propose("SHORT")
    past.say(made, ProposalEvent.APPROVE)
    past.trade(made, entry=112.0, left="115")
    (case,) = journal_of(past.store, past.span, RULES).cases
    assert case.fate.value == "taken"
    # 3 lost at an R of 10, where the rules would have lost all of it.
    assert case.made == pytest.approx(-0.3)
    assert case.added == pytest.approx(0.7)
    assert past.report().trades.all["total_trades"] == 1
    assert past.report().trades.money == Decimal(-3)


def test_a_missing_candle_leaves_the_outcome_unknown(past):
    past.market()
    past.propose("SHORT", at=95, price=195)
    past.store.candles.save("BTC/USDT", "5m", candles((300, 300, 300, 300), start=T0 + 96 * STEP))
    (case,) = journal_of(past.store, past.span, RULES).cases
    assert case.rules.standing.value == "unknown"
    assert "no candles" in text(shown(past.report()))


def test_only_what_was_proposed_in_the_period_is_in_it(past):
    past.market()
    past.propose("SHORT")
    assert journal_of(past.store, Span(start=T0 + DAY, end=T0 + 2 * DAY), RULES).cases == ()


def test_candles_in_time_late_and_never(past):
    past.market(skip={3, 4}, late={7})
    past.span = Span(start=T0 - DAY, end=T0 + 90 * STEP + 2001)
    (watched,) = past.report().health.markets
    assert (watched.due, watched.on_time, watched.late, watched.missing) == (90, 87, 1, 2)
    # The newest candle has only just closed: it is not due yet.
    past.span = Span(start=T0 - DAY, end=T0 + 90 * STEP + 1000)
    assert past.report().health.markets[0].due == 89


def test_troubles_last_until_their_end_is_told(past):
    routes, channels = (route("memory"),), {"memory": ("a",)}
    for i, ends in ((0, True), (20, False)):
        began = T0 + i * STEP
        alert = health_alert(Reason.FEED_STALE, "BTC/USDT", "old", began, 60_000, simulated=False)
        stored = post(past.store, alert, routes, channels, began)
        if ends:
            post(past.store, resolution(stored, began + 600_000, 60_000), routes, channels, began + 600_000)
    past.store.events.append(SERVICE, "hybridd", {"what": "started"}, T0)
    health = past.report().health
    (trouble,) = health.troubles
    assert (trouble.n, trouble.lasted, trouble.standing) == (2, 600_000, 1)
    assert health.starts == 1
    assert health.backups == 0


def test_an_empty_period_says_so_in_every_part(past):
    words = text(shown(past.report()))
    for sentence in (
        "Nothing was proposed in this period, so there was nothing to decide.", "No trade was closed in this period.",
        "No market was analysed in this period.", "Nothing was worth an alert in this period.", "Too few odds to judge",
        "No trouble was told.",
    ):  # fmt: skip
        assert sentence in words
    assert "nan" not in words
    json.dumps(plain_report(past.report()), allow_nan=False)


def test_a_period_ends_where_the_market_is(past):
    past.market()
    assert span_of(past.store, 1, 0).end == T0 + 90 * STEP + 1
    assert span_of(past.store, 2, T0 + DAY) == Span(start=T0 - DAY, end=T0 + DAY)


class Page(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.asked, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.asked += [value for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def lively(past):
    past.market()
    for i in range(6):
        made = past.propose("SHORT", at=10 + i, price=110 + i)
        past.say(made, ProposalEvent.REJECT, "<script>alert(1)</script> & co")
    return past.report()


def test_the_page_asks_nobody_and_runs_nothing(past):
    page = html(shown(lively(past)))
    read = Page(page)
    assert read.open == []
    assert read.asked == []
    assert not {"script", "iframe", "link", "form", "object"} & set(read.tags)
    assert "svg" in read.tags
    assert not re.search(r"https?:|url\(|@import", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_a_mail_shows_words_where_nothing_can_be_painted(past):
    def broken(scenes):
        raise DataError("no brush", remedy="buy one")

    letter = write(shown(lively(past)), "T", "t.html", broken)
    assert letter.pictures == {}
    assert "<img" not in letter.html
    assert "Outcomes of 6 proposals" in letter.html


class Office:
    """A mail server, and the courier that works its channel."""

    def __init__(self, past, server):
        self.past, self.server = past, server
        channel = EmailChannel(
            host="127.0.0.1", port=server.port, security="none", username="", password="",
            sender="hybridd@example.org", recipients=(TO,), timeout=5.0,
        )  # fmt: skip
        self.courier = Courier(store=past.store, channel=channel, clock=past.clock, zone="UTC")

    def post(self, report):
        return post_report(self.past.store, report, (TO,), UTC, RULES.thresholds, self.past.clock.now())

    def states(self, posted):
        return [d.state for d in self.past.store.outbox.of_alert(posted.alert_id)]


@pytest.fixture
def office(past):
    with FakeSmtp(mode="none") as server:
        yield Office(past, server)


def test_a_report_goes_out_once_as_a_mail_with_its_pictures_and_its_page(past, office):
    report = lively(past)
    posted = office.post(report)
    office.courier.drain()
    assert office.states(posted) == [DeliveryState.ACCEPTED]
    assert office.post(report).again
    assert office.post(report).alert_id == posted.alert_id
    office.courier.drain()
    (mail,) = office.server.mails
    parsed = mail.parsed
    assert parsed["Subject"].startswith("hybridd, the 2 days to 2025-06-16: 6 proposals")
    body = parsed.get_body(("html",)).get_content()
    asked = Page(body).asked
    given = {part["Content-ID"].strip("<>"): part for part in parsed.walk() if part["Content-ID"]}
    assert sorted(asked) == sorted(f"cid:{name}" for name in given)
    assert len(given) >= 3
    assert all(part.get_content().startswith(b"\x89PNG") for part in given.values())
    assert "Your decisions" in parsed.get_body(("plain",)).get_content()
    (page,) = parsed.iter_attachments()
    assert page.get_filename() == "hybridd-2-days-2025-06-16.html"
    assert "<svg" in page.get_content()
    assert past.store.changes.conservation().missing == 0
    assert past.store.verify() == []


def test_a_mail_is_the_same_at_every_attempt(past, office):
    posted = office.post(lively(past))
    office.server.next(Act("content", drop=True, keep=True))
    office.courier.drain()
    assert office.states(posted) != [DeliveryState.ACCEPTED]
    past.clock.advance(120_000)
    office.courier.drain()
    first, second = office.server.mails
    assert office.states(posted) == [DeliveryState.ACCEPTED]
    assert first.raw == second.raw
    assert first.message_id == second.message_id


def test_another_day_or_another_length_is_another_report(past, office):
    ids = [office.post(past.report()).alert_id]
    past.span = Span(start=T0, end=T0 + DAY)
    ids.append(office.post(past.report()).alert_id)
    past.span = Span(start=T0 + DAY, end=T0 + 2 * DAY)
    ids.append(office.post(past.report()).alert_id)
    assert len(set(ids)) == 3
    office.courier.drain()
    # The letters of one kind lie in one place: what was replaced before it went out goes as its title alone.
    assert len(office.server.mails) == 3
    assert all("hybridd" in mail.subject or "report" in mail.subject for mail in office.server.mails)


def test_a_report_that_cannot_be_sent_gives_up_before_the_next(past, office):
    posted = office.post(past.report())
    past.clock.advance(LIVES_MS + 1)
    past.store.outbox.expire_due(past.clock.now())
    assert office.states(posted) == [DeliveryState.EXPIRED]
    office.courier.drain()
    assert office.server.mails == []
