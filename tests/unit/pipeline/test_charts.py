"""Charts for messages: made of what the state holds, drawn once, and never at the cost of an alert."""

import io
import re
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from PIL import Image

from hybridd.alerts.routing import Route, Step
from hybridd.clock import ManualClock
from hybridd.delivery.figures import zone_of
from hybridd.delivery.memory import MemoryChannel
from hybridd.errors import DataError, StoreBusy
from hybridd.model.alert import Alert, AlertEvent
from hybridd.model.change import Change, Reason, Severity, Verdict
from hybridd.model.delivery import DeliveryState
from hybridd.pictures.alert_chart import Mark, draw_alert
from hybridd.pipeline.chart_scene import chart_of
from hybridd.pipeline.charts import LATE_MS, REST_S, Charts
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.record import post
from hybridd.store.store import open_store
from tests.fakes.smtp import FakeSmtp
from tests.makers import STEP, T0, analysis
from tests.recorded_candles import walk
from tests.unit.delivery.conftest import channel_to

SYMBOL = "BTC/USDT"
FRAME_STEPS = {"5m": STEP, "1d": 86_400_000, "1s": 1_000}


class Illustrated(MemoryChannel):
    wants_image = True


class World:
    """A state with candles, analyses and one alert; what is asked to be drawn is kept."""

    def __init__(self, *, timeframe="5m", candles=120, end=T0, symbol=SYMBOL):
        self.clock = ManualClock(end)
        self.store = open_store("sqlite://:memory:", clock=self.clock)
        self.step = step = FRAME_STEPS[timeframe]
        self.symbol, self.end, self.timeframe = symbol, end, timeframe
        series = walk(candles, step=step, start=end - candles * step)
        self.store.candles.save(symbol, timeframe, series)
        self.analyses = [
            self._analysis(i, *one) for i, one in enumerate(zip(series.close_time, series.close, strict=True))
        ]
        with self.store.transaction():
            self.ids = self.store.analyses.add_many(self.analyses)
        self.drawn = []
        self.trouble = None

    def _analysis(self, i, at, price):
        signal = "LONG" if i % 30 > 15 else "NEUTRAL"
        place = {"symbol": self.symbol, "timeframe": self.timeframe, "at": int(at), "price": float(price)}
        return analysis(50.0 + i % 30, signal, **place)

    def alert(self, channel=None, **changes) -> Alert:
        change = Change(subject=self.symbol, reason=Reason.SIGNAL_CHANGED, at=self.end, before="NEUTRAL", after="LONG")
        made = Alert(
            key="k", subject=self.symbol, created_at=self.end, expires_at=self.end + 900_000, changes=(change,),
            analysis=self.analyses[-1],
        )  # fmt: skip
        made = replace(made, **changes)
        addresses = {channel.name: channel.recipients} if channel else {}
        route = Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=tuple(addresses)),))
        with self.store.transaction():
            return post(self.store, made, (route,), addresses, self.end)

    def told(self, at, suppressed=None):
        change = Change(subject=self.symbol, reason=Reason.SCORE_JUMP, at=at, before=50.0, after=60.0)
        with self.store.transaction():
            self.store.changes.add(
                Verdict(change=change, suppressed=suppressed), analysis_id=self.ids[at], alert_id=None
            )

    def draw(self, chart):
        self.drawn.append(chart)
        if self.trouble:
            raise self.trouble
        return b"\x89PNG"

    def charts(self, draw=True) -> Charts:
        how = {"draw": self.draw} if draw else {}
        return Charts(store=self.store, clock=self.clock, zone="Europe/Berlin", thresholds=(35.0, 65.0), **how)

    def chart(self, zone="UTC", **changes):
        return chart_of(self.store, self.alert(**changes), zone_of(zone), (35.0, 65.0))


@pytest.fixture
def world():
    made = World()
    yield made
    made.store.close()


def test_it_shows_the_hundred_candles_until_the_alert_with_their_scores(world):
    chart = world.chart()
    assert len(chart.candles) == len(chart.scores) == 100
    assert chart.candles[-1][0] + STEP == chart.scores[-1][0] == T0
    assert chart.title == "BTC/USDT 5m"
    assert chart.score_label == "79"


def test_candles_that_came_after_the_alert_are_not_in_it(world):
    world.store.candles.save(SYMBOL, "5m", walk(5, start=T0))
    assert world.chart().candles[-1][0] + STEP == T0


def test_gaps_stay_gaps(world):
    with world.store.transaction():
        world.store._database.engine.cursor().execute(f"DELETE FROM candles WHERE open_time = {T0 - 50 * STEP}")
    chart = world.chart()
    assert len(chart.candles) == 99
    assert T0 - 50 * STEP not in {candle[0] for candle in chart.candles}


def test_this_alert_and_earlier_ones_are_marked_but_not_what_nobody_was_told(world):
    world.told(T0 - 7 * STEP)
    world.told(T0 - 9 * STEP, suppressed="COOL_DOWN")
    world.told(T0 - 110 * STEP)
    earlier, this = world.chart().marks
    assert earlier == Mark(at=T0 - 7 * STEP, kind="LONG", this=False)
    assert (this.at, this.this) == (T0, True)


def test_times_are_round_ones_of_the_readers_day(world):
    chart = world.chart("Asia/Kolkata")
    assert chart.foot.endswith("times in IST")
    assert [label[-2:] for _, label in chart.times] == ["00"] * len(chart.times)
    assert 2 <= len(chart.times) <= 5
    assert all(chart.candles[0][0] < at < T0 for at, _ in chart.times)


@pytest.mark.parametrize(("timeframe", "form"), [("1d", r"\d\d \w{3}"), ("1s", r"\d\d:\d\d:\d\d")])
def test_a_time_frame_has_labels_of_its_length(timeframe, form):
    made = World(timeframe=timeframe, end=T0 // 86_400_000 * 86_400_000)
    chart = made.chart("Europe/Berlin")
    assert chart.times
    for _, label in chart.times:
        assert re.fullmatch(form, label)
    made.store.close()


def test_an_hour_that_the_clocks_skip_is_labelled_as_the_clocks_show_it():
    spring = 1_774_755_000_000 // STEP * STEP  # 2026-03-29 03:30 UTC, two and a half hours after the change
    made = World(end=spring)
    chart = made.chart("Europe/Berlin")
    shown = {label: at for at, label in chart.times}
    assert "02:00" not in shown, "there was no such hour"
    assert "times in CEST" in chart.foot
    made.store.close()


def test_a_name_that_the_font_cannot_write_is_still_a_chart():
    made = World(symbol="币安/USDT")
    assert made.chart().title == "??/USDT 5m"
    made.store.close()


def test_there_is_no_chart_where_there_is_nothing_to_see(world):
    assert world.chart(analysis=None) is None
    few = World(candles=1)
    assert few.chart() is None
    few.store.close()
    assert (
        chart_of(
            world.store, replace(world.alert(key="x"), analysis=analysis(1.0, at=T0 + STEP)), zone_of("UTC"), (35, 65)
        )
        is None
    )


def test_an_alert_to_several_is_drawn_once(world):
    charts, alert = world.charts(), world.alert()
    assert {charts.of(alert) for _ in range(3)} == {b"\x89PNG"}
    assert len(world.drawn) == 1


@pytest.mark.parametrize("trouble", [DataError("it took over 3 s"), StoreBusy("locked"), ZeroDivisionError("a defect")])
def test_a_picture_that_fails_costs_one_alert_a_moment_and_the_next_ones_nothing(world, caplog, trouble):
    charts, world.trouble = world.charts(), trouble
    assert charts.of(world.alert()) == b""
    assert "goes without a chart" in caplog.text
    world.trouble = None
    assert charts.of(world.alert(key="2")) == b""
    assert len(world.drawn) == 1
    world.clock.advance(round(REST_S * 1000) + 1)
    assert charts.of(world.alert(key="3", created_at=world.clock.now())) == b"\x89PNG"


def test_an_alert_that_is_late_already_waits_for_no_picture(world):
    charts, alert = world.charts(), world.alert()
    world.clock.advance(LATE_MS + 1)
    assert charts.of(alert) == b""
    assert not world.drawn


def test_without_the_library_nothing_is_tried_and_nothing_is_said(world, monkeypatch, caplog):
    monkeypatch.setattr("hybridd.pipeline.charts.can_draw", lambda: False)
    assert world.charts(draw=False).of(world.alert()) == b""
    assert not caplog.records


def test_health_alerts_have_no_chart(world):
    assert world.charts().of(world.alert(analysis=None)) == b""
    assert not world.drawn


def send(world, channel, **more):
    courier = Courier(store=world.store, channel=channel, clock=world.clock, zone="UTC", charts=world.charts(), **more)
    courier.round(lambda: False)


def test_only_a_channel_that_wants_images_has_them_drawn(world):
    plain, pictured = MemoryChannel(), Illustrated()
    for channel in (plain, pictured):
        world.alert(channel, key=str(id(channel)))
        send(world, channel)
    assert [m.image for m in plain.sent + pictured.sent] == [b"", b"\x89PNG"]
    assert "cid:" in pictured.sent[0].html
    assert "cid:" not in plain.sent[0].html


def test_the_alert_goes_out_where_its_picture_does_not(world):
    channel, world.trouble = Illustrated(), DataError("no")
    alert = world.alert(channel)
    send(world, channel)
    assert [m.image for m in channel.sent] == [b""]
    assert "<img" not in channel.sent[0].html
    assert [d.state for d in world.store.outbox.of_alert(alert.id)] == [DeliveryState.ACCEPTED]


def test_an_answer_that_comes_while_it_is_drawn_is_heeded(world):
    channel = Illustrated()
    alert = world.alert(channel)
    draw = world.draw

    def answered(chart):
        with world.store.transaction():
            world.store.alerts.advance(alert.id, AlertEvent.ACK, now=T0, actor="person")
        return draw(chart)

    world.draw = answered
    send(world, channel)
    assert world.drawn
    assert not channel.sent


def test_a_mail_with_its_chart_arrives_whole_and_small(world):
    with FakeSmtp() as server:
        channel = channel_to(server)
        world.alert(channel)
        charts = world.charts(draw=False)
        charts._draw = lambda chart: draw_alert(chart, timeout=60.0)
        Courier(store=world.store, channel=channel, clock=world.clock, zone="UTC", charts=charts).round(lambda: False)
        (mail,) = server.mails
    whole = message_from_bytes(mail.raw.encode("latin-1"), policy=policy.default)
    (picture,) = [part for part in whole.walk() if part.get_content_type() == "image/png"]
    assert Image.open(io.BytesIO(picture.get_content())).size == (1120, 920)
    assert f'src="cid:{picture["Content-ID"][1:-1]}"' in whole.get_body(("html",)).get_content()
    assert len(mail.raw) < 100_000


@pytest.mark.parametrize(
    ("channel", "url", "link"),
    [
        ("memory", "https://watch.example.org/", "https://watch.example.org/alerts/1"),
        ("memory", "http://127.0.0.1:8787", ""),
        ("memory", "http://localhost:8787", ""),
        ("journal", "http://127.0.0.1:8787", "http://127.0.0.1:8787/alerts/1"),
        ("memory", "", ""),
    ],
)
def test_a_message_links_to_where_its_reader_can_go(world, channel, url, link):
    made = MemoryChannel(channel)
    world.alert(made)
    send(world, made, public_url=url)
    (message,) = made.sent
    assert message.link == link
    assert (link in message.text) if link else ("See it and answer" not in message.text)
    assert [action.data for action in message.actions] == ["ACK 1"]
