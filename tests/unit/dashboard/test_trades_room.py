"""The room of trades: what is open runs with the price, what is closed is summed up, nothing is acted on."""

from contextlib import closing
from decimal import Decimal

import pytest
from msgspec import structs

from hybridd.pipeline.booking import book_entry, book_exit
from hybridd.pipeline.page_trades import trades_page
from tests.html_reader import Reader
from tests.makers import STEP, T0, trade
from tests.unit.pipeline.test_decide import hot

DAY = 86_400_000


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def closed(web, price, at=T0, **changes):
    store = web.house.store
    made = book_entry(store, structs.replace(trade(quantity=1.0, fee_percent=0.0), **changes), "me", T0)
    return book_exit(store, made.id, price=Decimal(price), actor="me", now=T0, at=at, reason="<i>enough</i>")


def text(answer):
    return Reader(answer.text).text


def test_an_empty_room_says_so(client):
    said = text(client.get("/trades"))
    assert "No trade is open." in said
    assert "No trade was closed in this period." in said


def test_an_open_trade_runs_with_the_newest_price(web, client):
    store = web.house.store
    book_entry(store, trade(quantity=2.0, stop_price=45_000.0), "me", T0)
    store.analyses.add_many([hot(price=45_702.5)])
    said = text(client.get("/trades"))
    assert "+1.00 % (+905.00)" in said
    assert "45,702.50, 0 s old" in said
    assert "45,000.00" in said


def test_without_a_price_nothing_is_made_up(web, client):
    book_entry(web.house.store, trade(), "me", T0)
    assert "no price" in text(client.get("/trades"))


def test_a_short_one_earns_when_price_falls(web):
    store = web.house.store
    book_entry(store, trade("SHORT"), "me", T0)
    store.analyses.add_many([hot(price=44_797.5)])
    [one] = trades_page(store, 30, 10, T0).open
    assert one.percent == pytest.approx(1.0)
    assert one.money is None, "its size is not known"


def test_what_is_closed_is_listed_newest_first_and_summed_up_with_a_curve(web, client):
    closed(web, 45_702.5, at=T0 - 2 * STEP)
    closed(web, 45_023.75, at=T0 - STEP)
    page = client.get("/trades")
    said = text(page)
    assert said.index("-0.50 %") < said.index("+1.00 % (+452.50)")
    assert "&lt;i&gt;enough&lt;/i&gt;" in page.text
    assert "Win rate" in said
    assert '<svg viewBox="0 0 480' in page.text


def test_a_period_leaves_out_what_came_before_it(web, client):
    closed(web, 46_000, at=T0 - 20 * DAY, entry_at=T0 - 21 * DAY)
    closed(web, 45_500, at=T0)
    assert len(trades_page(web.house.store, 7, 10, T0 + STEP).closed) == 1
    assert len(trades_page(web.house.store, None, 10, T0 + STEP).closed) == 2
    assert len(trades_page(web.house.store, None, 1, T0 + STEP).closed) == 1
    assert trades_page(web.house.store, None, 1, T0 + STEP).more == 1
    assert 'days=all" aria-current="true"' in client.get("/trades?days=all").text
    assert 'days=30" aria-current="true"' in client.get("/trades?days=<script>").text


def test_a_made_up_one_is_marked_where_the_house_is_not(web, client):
    book_entry(web.house.store, trade(simulated=True), "me", T0)
    assert "SIMULATED" in text(client.get("/trades"))


def test_nobody_sees_it_without_a_login(web):
    assert web.client.get("/trades").status_code == 401
