"""One alert, five lengths, the same facts: whatever the market is called and whatever its numbers are."""

import math
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.delivery.figures import percent, score
from hybridd.delivery.gsm import _ALPHABET, gsm
from hybridd.delivery.lengths import CHAT_LENGTH, PUSH_LENGTH
from hybridd.delivery.render import message_for, render
from hybridd.model.alert import Alert, Before
from hybridd.model.analysis import Direction, Odds, Signal, Trend
from hybridd.model.change import MARKET, Change, Reason
from hybridd.model.reading import Reading
from tests.html_reader import Reader, plain
from tests.makers import STEP, T0, analysis
from tests.unit.delivery.test_render import delivery

LETTERS = st.text(st.characters(exclude_categories=[]), min_size=1, max_size=60)
SYMBOLS = st.one_of(
    st.sampled_from(
        ["BTC/USDT", "1000PEPE/USDT:USDT", "币安人生/USDT", "<b>&/\"'", "€/₿", "a" * 200, "{p}/{{x}}", "\u202eTDSU"]
    ),
    LETTERS,
)
NUMBERS = st.one_of(
    st.sampled_from([0.0, 1e-300, 1.234e-8, 0.5, 45_250.0, 1e12, 1e300, math.nan, math.inf]),
    st.floats(min_value=0, allow_infinity=True),
)
SCORES = st.floats(0, 100)
SHARES = st.floats(0, 1)
NAMES = st.one_of(st.sampled_from(["trend", "fractal", "<script>alert(1)</script>", "a&b"]), LETTERS)
ODDS = st.one_of(
    st.none(),
    st.builds(Odds, probability=SHARES, low=SHARES, high=SHARES, n=st.integers(0, 10**9)),
    st.just(Odds(probability=math.nan, low=math.nan, high=math.nan, n=0)),
)
READING = st.builds(Reading, layer=NAMES, score=st.one_of(st.none(), SCORES), weight=st.just(1.0), reason=LETTERS)
TRENDS = st.one_of(
    st.none(),
    st.builds(
        Trend, trend=st.sampled_from(Direction), change=st.none(), percent_change=st.none(),
        first_score=st.one_of(st.none(), SCORES), last_score=SCORES, samples=st.integers(0, 10**6),
    ),
)  # fmt: skip


@st.composite
def alerts(draw) -> Alert:
    symbol, signal, now = draw(SYMBOLS), draw(st.sampled_from(Signal)), draw(SCORES)
    readings = tuple(draw(st.lists(READING, max_size=15, unique_by=lambda r: r.layer)))
    seen = analysis(
        now, signal, symbol=symbol, price=draw(NUMBERS), confidence=draw(SHARES), readings=readings, odds=draw(ODDS),
        answered=draw(st.integers(0, 15)), missing=tuple(draw(st.lists(NAMES, max_size=3))),
        degraded=draw(st.booleans()), simulated=draw(st.booleans()),
        source=draw(st.sampled_from(["binance", "recorded data"])),
    )  # fmt: skip
    before = Before(
        candle_close=T0 - draw(st.integers(1, 1000)) * STEP, price=draw(NUMBERS), score=draw(SCORES),
        signal=draw(st.sampled_from(Signal)), confidence=draw(SHARES), readings=tuple(draw(st.lists(READING))),
    )  # fmt: skip
    changes = tuple(draw(st.lists(changes_of(symbol, signal, now), min_size=1, max_size=4)))
    return Alert(
        key="k", subject=symbol, created_at=T0 + draw(st.integers(0, 10**9)), expires_at=T0 + 10**9 + 900_000,
        changes=changes, analysis=seen, before=draw(st.one_of(st.none(), st.just(before))), trend=draw(TRENDS),
        id=draw(st.integers(1, 2**63 - 1)),
    )  # fmt: skip


def changes_of(symbol, signal, now):
    market_ones = st.builds(
        lambda reason, was: Change(
            subject=symbol, reason=reason, at=T0, before=was if reason is not Reason.SIGNAL_CHANGED else "NEUTRAL",
            after=now if reason is not Reason.SIGNAL_CHANGED else str(signal),
        ),
        st.sampled_from(sorted(MARKET)),
        SCORES,
    )  # fmt: skip
    reached = st.builds(
        lambda reason, at: Change(subject="trade 42", reason=reason, at=T0, before=at, after=at, detail=symbol),
        st.sampled_from([Reason.TRADE_STOP, Reason.TRADE_TARGET]),
        NUMBERS,
    )
    against = Change(
        subject="trade 42", reason=Reason.TRADE_AGAINST, at=T0, before=str(signal.opposite), after=str(signal),
        detail=symbol,
    )  # fmt: skip
    return st.one_of(market_ones, reached, st.just(against))


PAGE = {
    "html", "head", "meta", "title", "body", "table", "tr", "td", "div", "span", "h1", "h2", "p", "a", "strong", "br",
    "code", "img",
}  # fmt: skip


def shown(symbol: str) -> str:
    """The symbol as a message can hold it."""
    return plain("".join(c if c.isprintable() else " " for c in symbol.encode(errors="replace").decode()))


def expected(alert: Alert) -> dict[str, str]:
    """The facts that each length must tell, as text."""
    now = alert.analysis
    found = {"signal": str(now.signal), "score": score(now.score)}
    if len(now.symbol) <= 40:
        found["symbol"] = shown(now.symbol)
    if alert.simulated or now.simulated:
        found["unreal"] = "SIMULATED"
    elif now.source.startswith("recorded"):
        found["unreal"] = "RECORDED"
    if now.degraded:
        found["degraded"] = "degraded"
    return found


@settings(max_examples=80, deadline=None)
@given(alerts())
def test_any_alert_is_one_sms_with_symbol_signal_score_and_the_words_to_answer_with(alert):
    words = render(alert).short
    assert len(words) <= 160
    assert set(words) <= _ALPHABET
    assert words.endswith(f". Reply ACK {alert.id}")
    missing = {name: fact for name, fact in expected(alert).items() if gsm(fact) not in words}
    assert not {name for name in missing if name != "score"}
    # A jump and a confidence are told with as many decimals as tell them apart from what was before.
    assert "score" not in missing or re.search(rf"\b{int(alert.analysis.score)}", words)


@settings(max_examples=80, deadline=None)
@given(alerts())
def test_any_alert_tells_the_same_facts_in_every_length(alert):
    words = render(alert, link="https://watch.example.org/alerts/1")
    chat, page = Reader(words.chat), Reader(words.html)
    texts = {
        "push": plain(f"{words.title} {words.body}"),
        "chat": chat.text,
        "text": plain(words.text),
        "html": page.text,
    }
    facts = expected(alert) | {"confidence": percent(alert.analysis.confidence)}
    for name, text in texts.items():
        absent = {fact for fact, said in facts.items() if said not in text}
        if name in {"push", "chat"} and len(alert.analysis.symbol) > 40:
            continue
        assert absent <= ({"score"} if moved(alert) else set()), (name, absent)
    assert len(words.body) <= PUSH_LENGTH
    assert len(words.body.splitlines()) <= 3
    assert len(words.chat.encode("utf-16-le")) // 2 <= CHAT_LENGTH


def moved(alert: Alert) -> bool:
    """Whether the headline shows a score with more decimals, to tell it from another."""
    return any(c.reason is not Reason.CONFIDENCE_HIGH for c in alert.changes)


@settings(max_examples=60, deadline=None)
@given(alerts())
def test_any_alert_is_well_formed_html_that_runs_and_fetches_nothing(alert):
    words = render(alert, link='https://watch.example.org/"><script>', image="chart@hybridd")
    assert Reader(words.html).tags <= PAGE
    assert Reader(words.chat).tags <= {"b", "i", "code"}
    assert set(re.findall(r'src="([^"]*)"', words.html)) == {"cid:chart@hybridd"}
    assert not set(re.findall(r"&\w+;", words.chat)) - {"&lt;", "&gt;", "&amp;", "&quot;"}


@settings(max_examples=60, deadline=None)
@given(alerts())
def test_no_text_holds_what_cannot_be_sent(alert):
    message = message_for(alert, delivery(), zone="UTC", repeat=True, image=b"x")
    for text in (message.title, message.short, message.body, message.chat, message.text, message.html):
        text.encode()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    if alert.subject == "BTC/USDT":
        assert not re.search(r"\b(nan|inf)\b", message.short, re.I)
