"""Ten thousand alerts become one: how many, about what, and the dozen that matter most."""

from hybridd.alerts.compose import health_alert
from hybridd.alerts.digest import LINES, Member, digest_alert, digest_of
from hybridd.delivery.digest_words import digest_headline
from hybridd.delivery.gsm import segments
from hybridd.delivery.render import render
from hybridd.model.alert import Alert
from hybridd.model.change import Change, Reason, Severity, Suppression
from hybridd.store.codec import read_as, to_text
from tests.makers import T0, analysis

RATE = (Suppression.RATE,)


def market(number, *, at=T0, symbol="BTC/USDT"):
    change = Change(subject=symbol, reason=Reason.SIGNAL_CHANGED, at=at, before="NEUTRAL", after="LONG")
    return Alert(
        key=str(number), id=number, subject=symbol, created_at=at, expires_at=at + 1, changes=(change,),
        analysis=analysis(78, "LONG", symbol=symbol),
    )  # fmt: skip


def member(alert, *, past=False):
    return Member(
        alert_id=alert.id, subject=alert.subject, severity=alert.urgency, created_at=alert.created_at, past=past,
        digest=alert.digest,
    )  # fmt: skip


def made(*alerts, past=(), causes=RATE):
    known = {alert.id: alert for alert in alerts}
    return digest_of((member(a, past=a.id in past) for a in alerts), causes, T0 + 600_000, known.__getitem__)


def test_a_digest_counts_what_it_sums_up():
    alerts = [market(i, at=T0 + i * 1000) for i in range(1, 6)] + [market(9, symbol="ETH/USDT")]
    digest = made(*alerts, past={1, 2})
    assert (digest.count, digest.past, digest.since, digest.until) == (6, 2, T0, T0 + 5000)
    assert [(t.subject, t.count) for t in digest.tallies] == [("BTC/USDT", 5), ("ETH/USDT", 1)]
    assert [line.alert_id for line in digest.lines] == [9, 1, 2, 3, 4, 5]
    assert [line.alert_id for line in digest.lines if line.past] == [1, 2]


def test_the_lines_are_those_that_still_hold_then_the_urgent_then_the_new():
    alerts = [market(i, at=T0 + i) for i in range(1, 41)]
    trouble = health_alert(Reason.DISK_LOW, "/", "", T0 - 5, 1, simulated=False)
    alerts.append(Alert(**{**{f: getattr(trouble, f) for f in trouble.__slots__}, "id": 99}))
    digest = made(*alerts, past=set(range(20, 41)))
    assert len(digest.lines) == LINES
    assert [line.alert_id for line in digest.lines] == [99, *range(9, 20)]
    assert digest_alert(digest, "push", "a", T0).severity is Severity.CRITICAL


def test_what_is_over_makes_no_digest_critical():
    trouble = health_alert(Reason.DISK_LOW, "/", "", T0, 1, simulated=False)
    digest = digest_of([member(trouble, past=True)] * 2, RATE, T0, lambda _: trouble)
    assert digest_alert(digest, "push", "a", T0).severity is Severity.WARNING


def test_a_digest_of_a_digest_is_flat():
    inner = digest_alert(made(*(market(i, at=T0 + i) for i in range(1, 30))), "push", "a", T0 + 50)
    inner = Alert(**{**{f: getattr(inner, f) for f in inner.__slots__}, "id": 50})
    outer = made(inner, market(60, at=T0 + 60), causes=(Suppression.QUIET_HOURS,))
    assert outer.count == 30
    assert set(outer.causes) == {Suppression.QUIET_HOURS, Suppression.RATE}
    assert [line.alert_id for line in outer.lines] == [*range(19, 30), 60]


def test_ten_thousand_are_looked_at_once_and_a_dozen_are_fetched():
    fetched = []

    def fetch(number):
        fetched.append(number)
        return market(number, at=T0 + number)

    members = (
        Member(
            alert_id=i, subject=f"S{i % 500}/USDT", severity=Severity.WARNING, created_at=T0 + i, past=False
        )
        for i in range(10_000)
    )  # fmt: skip
    digest = digest_of(members, RATE, T0 + 10_000, fetch)
    assert digest.count == 10_000
    assert len(fetched) == LINES
    assert len(to_text(digest)) < 20_000


def test_it_survives_the_state_database_and_reads_well():
    digest = made(*(market(i, at=T0 + i * 60_000) for i in range(1, 8)), market(9, symbol="ETH/USDT"), past={1})
    alert = digest_alert(digest, "push", "a", T0 + 600_000)
    assert read_as(Alert, to_text(alert)) == alert
    assert digest_headline(digest) == "8 more alerts in 7 min: BTC/USDT 7, ETH/USDT 1"
    words = render(alert, zone="Europe/Berlin")
    assert words.title == "8 more alerts in 7 min: BTC/USDT 7, ETH/USDT 1"
    assert segments(words.short) == 1
    assert "17:11 CEST BTC/USDT LONG 78 (was NEUTRAL) @ 45,250.00 (past)" in words.text
    assert "8 alerts in your quiet hours" in digest_headline(
        made(*map(market, range(8)), causes=[Suppression.QUIET_HOURS])
    )


def test_a_test_of_segments_knows_what_a_long_text_costs():
    assert [segments(text) for text in ("", "a" * 160, "a" * 161, "a" * 306, "a" * 307)] == [1, 1, 2, 2, 3]
    assert [segments(text) for text in ("≥" * 70, "≥" * 71, "€" * 80, "€" * 81, "😀" * 35)] == [1, 2, 1, 2, 1]
