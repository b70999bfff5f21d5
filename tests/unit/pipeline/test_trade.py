"""Approved proposals become trades at a broker, whatever the broker and this process do in between."""

from dataclasses import replace

import pytest
from msgspec import structs

from hybridd.errors import BrokerError, DataError
from hybridd.model.order import Leg, MarketRules, OrderState
from hybridd.model.trade import Side, Target, TradeState
from hybridd.pipeline.booking import book_exit, move_stop
from hybridd.pipeline.entering import ENTRY_LIVES_MS
from hybridd.pipeline.orders import order_exit
from hybridd.pipeline.protection import REFUSED_MS
from hybridd.pipeline.standing import set_pause, standing
from hybridd.pipeline.trade import UNHEARD_MS
from hybridd.trading.risk import Pause
from tests.makers import T0, analysis
from tests.unit.pipeline.trade_house import D, House, Scripted, proposal


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "state.db")
    yield made
    assert made.store.verify() == []
    made.store.close()


def test_a_paper_trade_from_the_yes_to_the_last_target(house):
    house.approve()
    house.trader.round()
    assert house.trade is None
    house.candle(101, 102, 99)
    assert (house.trade.entry_price, house.trade.stop_price, house.trade.quantity) == (101.0, 91.0, 0.3)
    assert house.orders() == [
        ("entry", "filled", None), ("stop", "open", D(91)), ("target", "open", D(111)), ("target", "open", D(121)),
    ]  # fmt: skip
    house.candle(110, 112, 108)
    assert (house.trade.reached, house.trade.remaining, house.trade.stop_price) == (1, D("0.5"), 101.0)
    house.candle(120, 122, 119)
    assert (house.trade.state, house.trade.remaining) == (TradeState.CLOSED, 0)
    earned = D("0.15") * (111 - 101) + D("0.15") * (121 - 101)
    fees = D("0.001") * (D("0.3") * 101 + D("0.15") * 111 + D("0.15") * 121)
    assert house.trade.realised == earned - fees
    assert {state for _, state, _ in house.orders()} == {"filled", "cancelled"}
    assert [what for what, _, _ in house.told] == ["TRADE_OPENED", "TRADE_CLOSED"]


def test_a_short_trade_ends_at_its_stop_and_its_targets_are_taken_back(house):
    house.approve(proposal(Side.SHORT))
    house.trader.round()
    house.candle(100, 100, 100)
    house.candle(105, 111, 104)
    assert (house.trade.state, house.trade.exit_price) == (TradeState.CLOSED, 110.0)
    targets = [o[1:] for o in house.orders() if o[0] == "target"]
    assert targets == [("cancelled", D(90)), ("cancelled", D(80))]


def test_slippage_and_gaps_cost_what_they_cost(house):
    house.broker = house.paper(slippage=1.0)
    house.restart()
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    assert house.trade.entry_price == 101.0
    house.candle(80, 82, 79)
    assert house.trade.exit_price == pytest.approx(79.2)


def test_the_persons_own_stop_replaces_the_order(house):
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    move_stop(house.store, 1, 97.0, "cli:me", T0)
    house.trader.round()
    house.trader.round()
    stops = [o for o in house.orders() if o[0] == "stop"]
    assert stops == [("stop", "cancelled", D(90)), ("stop", "open", D(97))]


def test_an_exit_at_market_takes_everything_and_nothing_stays_behind(house):
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    order_exit(house.store, 1, house.clock.now())
    house.trader.round()
    house.candle(104, 105, 103)
    assert (house.trade.state, house.trade.exit_price) == (TradeState.CLOSED, 104.0)
    house.trader.round()
    assert {state for _, state, _ in house.orders()} == {"filled", "cancelled"}
    with pytest.raises(DataError, match="closed already"):
        order_exit(house.store, 1, T0)


def test_a_proposal_without_a_size_is_no_order(house):
    with pytest.raises(DataError, match="has no size"):
        house.approve(proposal(quantity="0"))
    assert house.orders() == []


@pytest.mark.parametrize("pause", [Pause.KILLED, Pause.PAUSED, Pause.REDUCE_ONLY])
def test_nothing_new_is_sent_once_the_person_has_said_stop(house, pause):
    house.approve()
    set_pause(house.store, pause, "me", T0)
    house.candle(100, 100, 100)
    assert house.orders() == [("entry", "cancelled", None)]


def test_the_kill_switch_also_keeps_what_closes_from_being_sent(house):
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    set_pause(house.store, Pause.KILLED, "me", T0)
    order_exit(house.store, 1, house.clock.now())
    house.candle(100, 101, 99)
    assert house.orders()[-1] == ("exit", "new", None)
    set_pause(house.store, Pause.NONE, "me", T0)
    house.candle(100, 101, 99)
    house.candle(100, 101, 99)
    assert house.trade.state is TradeState.CLOSED


@pytest.fixture
def scripted(house):
    house.broker = Scripted()
    house.restart()
    return house.broker


def test_an_order_that_arrived_and_was_not_heard_of_is_found_and_never_sent_again(house, scripted):
    scripted.fate = "accept and drop"
    order = house.approve()
    for _ in range(3):
        house.trader.round()
    assert scripted.submitted == [order.client_id]
    assert house.orders()[0][1] == "open"
    scripted.fill(order.client_id, ("0.3", "100"))
    house.trader.round()
    assert house.trade.quantity == 0.3


def test_an_order_that_never_arrived_is_given_up_and_told_and_not_repeated(house, scripted):
    scripted.fate = "drop"
    order = house.approve()
    house.trader.round()
    house.clock.advance(UNHEARD_MS - 1)
    house.trader.round()
    assert house.orders() == [("entry", "sent", None)]
    house.clock.advance(1)
    house.trader.round()
    house.trader.round()
    assert house.orders() == [("entry", "cancelled", None)]
    assert scripted.submitted == [order.client_id]
    assert "never arrived" in house.told[0][2]


def test_a_broker_that_is_down_is_asked_again_later(house, scripted):
    scripted.fate = "drop"
    house.approve()
    house.trader.round()
    scripted.down = True
    house.clock.advance(10 * UNHEARD_MS)
    house.trader.round()
    assert house.trader.trouble == "scripted is down"
    assert house.orders() == [("entry", "sent", None)]


def test_a_refused_order_is_told_with_the_reason(house, scripted):
    scripted.fate = "refuse"
    house.approve()
    house.trader.round()
    assert house.orders() == [("entry", "rejected", None)]
    ((what, _, words),) = house.told
    assert (what, words) == (
        "ORDER_REJECTED",
        "the entry order to buy 0.3 of BTC/USDT was refused: too small (scripted)",
    )


def test_parts_are_booked_once_each_as_they_come(house, scripted):
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.1", "100"), state=OrderState.OPEN)
    house.trader.round()
    house.trader.round()
    assert house.trade.quantity == 0.1
    scripted.fill(order.client_id, ("0.1", "100"), ("0.2", "103"))
    house.trader.round()
    house.trader.round()
    assert (house.trade.quantity, house.trade.entry_price) == (0.3, 102.0)
    assert len(house.store.fills.of(1)) == 2
    assert [o[0] for o in house.orders()] == ["entry", "stop", "target", "target"]


def test_a_target_that_is_partly_filled_keeps_its_place_and_the_stop_shrinks(house, scripted):
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.3", "100"))
    house.trader.round()
    target = next(k.order for k in house.store.orders.of_trade(1) if k.order.leg is Leg.TARGET)
    scripted.fill(target.client_id, ("0.05", "110"), state=OrderState.OPEN)
    house.trader.round()
    house.trader.round()
    stops = [k.order for k in house.store.orders.of_trade(1) if k.order.leg is Leg.STOP]
    assert [(o.state.value, o.quantity) for o in stops] == [("cancelled", D("0.3")), ("open", D("0.25"))]
    assert sum(k.order.client_id == target.client_id for k in house.store.orders.of_trade(1)) == 1


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_death_while_sending_neither_doubles_nor_loses(house, scripted, point):
    order = house.approve()
    real = scripted.submit

    def die(sent):
        if point == "after":
            real(sent)
        raise KeyboardInterrupt

    scripted.submit = die
    with pytest.raises(KeyboardInterrupt):
        house.trader.round()
    scripted.submit = real
    house.restart()
    house.clock.advance(UNHEARD_MS)
    house.trader.round()
    assert scripted.submitted == ([order.client_id] if point == "after" else [])
    assert house.orders()[0][1] == ("open" if point == "after" else "cancelled")


def test_a_broker_that_holds_only_the_stop_leaves_at_market_where_a_target_was_reached(house, scripted):
    scripted.both = False
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.3", "100"))
    house.trader.round()
    house.trader.round()
    assert [o[:2] for o in house.orders()] == [("entry", "filled"), ("stop", "open")]
    house.store.analyses.add_many([structs.replace(analysis(80.0), candle_close=T0 + 1, price=111.0)])
    house.trader.round()
    assert [o[:2] for o in house.orders()][1:] == [("stop", "cancelled"), ("target", "open")]
    target = house.store.orders.of_trade(1)[-1].order
    assert (target.quantity, target.price) == (D("0.15"), None)
    scripted.fill(target.client_id, ("0.15", "111"))
    house.trader.round()
    house.trader.round()
    assert house.trade.remaining == D("0.5")
    assert [o for o in house.orders() if o[0] == "stop"][-1] == ("stop", "open", D(100))


def opened(house, scripted, quantity="0.3"):
    """A trade that the scripted broker has filled, with what protects it."""
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, (quantity, "100"))
    house.trader.round()
    house.trader.round()
    return [k.order for k in house.store.orders.of_trade(1)]


def by_leg(house, leg):
    return [k for k in house.store.orders.of_trade(1) if k.order.leg is leg]


def test_an_entry_that_was_certainly_not_taken_is_sent_once_more_by_the_same_name(house, scripted):
    scripted.fate = "return"
    order = house.approve()
    house.trader.round()
    assert (house.orders(), house.trader.trouble) == ([("entry", "new", None)], "too busy")
    scripted.fate = "accept"
    house.trader.round()
    assert scripted.submitted == [order.client_id] * 2
    assert house.orders() == [("entry", "open", None)]
    assert house.told == []


def test_an_entry_that_is_not_taken_twice_is_given_up(house, scripted):
    scripted.fate = "return"
    order = house.approve()
    for _ in range(4):
        house.trader.round()
    assert scripted.submitted == [order.client_id] * 2
    assert house.orders() == [("entry", "rejected", None)]
    assert "too busy (tried twice)" in house.told[0][2]


def test_what_protects_is_sent_until_it_is_taken(house, scripted):
    scripted.both = False
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.3", "100"))
    scripted.fate = "return"
    for _ in range(5):
        house.trader.round()
    assert by_leg(house, Leg.STOP)[0].order.state is OrderState.NEW
    scripted.fate = "accept"
    house.trader.round()
    assert [k.order.state.value for k in by_leg(house, Leg.STOP)] == ["open"]
    assert len(set(scripted.submitted)) == 2


def test_an_old_approval_is_not_carried_out_with_real_money(house, scripted):
    house.approve()
    house.clock.advance(ENTRY_LIVES_MS + 1)
    house.trader.round()
    assert (house.orders(), scripted.submitted) == ([("entry", "cancelled", None)], [])
    assert "the approval is 120 s old" in house.told[0][2]


def test_amounts_are_rounded_down_to_whole_lots(house, scripted):
    order = house.approve(proposal(quantity="0.30099"))
    house.trader.round()
    assert house.store.orders.get(order.client_id).order.quantity == D("0.300")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (MarketRules(tick=D("0.01"), lot=D("0.001"), least_quantity=D("0.5")), "the least that can be traded (0.5)"),
        (MarketRules(tick=D("0.01"), lot=D("1")), "0 is less than the least that can be traded (1)"),
        (MarketRules(tick=D("0.01"), lot=D("0.001"), least_money=D(50)), "it is worth 30.00, less than"),
    ],
)  # fmt: skip
def test_an_order_that_the_market_would_not_take_is_refused_before_it_is_sent(house, scripted, rules, words):
    scripted.the_rules = rules
    house.approve()
    house.trader.round()
    assert (house.orders(), scripted.submitted) == ([("entry", "rejected", None)], [])
    assert words in house.told[0][2]


def test_a_stop_and_a_target_in_one_candle_close_a_trade_once(house):
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    house.candle(100, 125, 85)
    assert (house.trade.state, house.trade.exit_price) == (TradeState.CLOSED, 90.0)
    assert [o[:2] for o in house.orders()][1:] == [("stop", "filled"), ("target", "cancelled"), ("target", "cancelled")]
    assert [what for what, _, _ in house.told] == ["TRADE_OPENED", "TRADE_CLOSED"]


def test_three_thirds_are_a_whole(house):
    third = D(1) / 3
    made = replace(
        proposal(), targets=tuple(Target(r=D(k), price=D(100 + 10 * k), share=third) for k in (1, 2, 3))
    )  # fmt: skip
    house.approve(replace(made, targets=(*made.targets[:2], replace(made.targets[2], share=1 - 2 * third))))
    house.trader.round()
    house.candle(100, 100, 100)
    assert sum(k.order.quantity for k in by_leg(house, Leg.TARGET)) == D("0.3")
    for price in (110, 120, 130):
        house.candle(price, price, price)
    assert (house.trade.state, house.trade.remaining) == (TradeState.CLOSED, 0)
    assert len(house.store.fills.of(1)) == 4


def test_less_than_one_step_that_is_left_counts_as_nothing(house, scripted):
    opened(house, scripted, "0.2995")
    stop = by_leg(house, Leg.STOP)[0].order
    assert stop.quantity == D("0.299")
    scripted.fill(stop.client_id, ("0.299", "90"))
    for _ in range(3):
        house.trader.round()
    assert house.trade.state is TradeState.CLOSED
    paid, got = D("0.2995") * 100, D("0.299") * 90
    assert house.trade.realised == got - paid
    assert house.told[-1][0] == "TRADE_CLOSED"


def test_a_stop_that_somebody_took_back_is_told_and_not_placed_anew_until_it_moves(house, scripted):
    opened(house, scripted)
    stop = by_leg(house, Leg.STOP)[0].order
    scripted.book[stop.client_id] = replace(scripted.book[stop.client_id], state=OrderState.CANCELLED)
    for _ in range(3):
        house.trader.round()
    assert [k.order.state.value for k in by_leg(house, Leg.STOP)] == ["cancelled"]
    assert [t[0] for t in house.told] == ["TRADE_OPENED", "ORDER_CANCELLED"]
    move_stop(house.store, 1, 95.0, "cli:me", T0)
    house.trader.round()
    assert [(k.order.state.value, k.order.price) for k in by_leg(house, Leg.STOP)][1:] == [("open", D(95))]


def test_an_own_order_taken_back_with_the_answer_lost_is_not_somebody_elses_doing(house, scripted):
    opened(house, scripted)
    real = scripted.cancel

    def lost(order):
        real(order)
        raise BrokerError("time-out")

    scripted.cancel = lost
    move_stop(house.store, 1, 95.0, "cli:me", T0)
    house.trader.round()
    scripted.cancel = real
    for _ in range(2):
        house.trader.round()
    move_stop(house.store, 1, 90.0, "cli:me", T0)
    for _ in range(2):
        house.trader.round()
    assert [(k.order.state.value, k.order.price) for k in by_leg(house, Leg.STOP)] == [
        ("cancelled", D(90)), ("cancelled", D(95)), ("open", D(90)),
    ]  # fmt: skip
    assert [t[0] for t in house.told] == ["TRADE_OPENED"]


def test_a_refused_stop_is_asked_for_again_later_and_not_each_round(house, scripted):
    scripted.both = False
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.3", "100"))
    scripted.fate = "refuse"
    for _ in range(5):
        house.trader.round()
    assert len(by_leg(house, Leg.STOP)) == 1
    house.clock.advance(REFUSED_MS)
    scripted.fate = "accept"
    house.trader.round()
    assert [k.order.state.value for k in by_leg(house, Leg.STOP)] == ["rejected", "open"]
    assert [t[0] for t in house.told] == ["TRADE_OPENED", "ORDER_REJECTED"]


def test_where_a_refused_target_would_stand_the_stop_comes_back(house, scripted):
    scripted.both = False
    opened(house, scripted)
    house.store.analyses.add_many([structs.replace(analysis(80.0), candle_close=T0 + 1, price=111.0)])
    scripted.fate = "refuse"
    house.trader.round()
    scripted.fate = "accept"
    for _ in range(2):
        house.trader.round()
    assert [o[:2] for o in house.orders()][1:] == [("stop", "cancelled"), ("target", "rejected"), ("stop", "open")]


def test_a_target_too_small_to_be_sold_alone_waits_for_the_next(house, scripted):
    scripted.both = False
    scripted.the_rules = MarketRules(tick=D("0.01"), lot=D("0.001"), least_money=D(20))
    opened(house, scripted)
    house.store.analyses.add_many([structs.replace(analysis(80.0), candle_close=T0 + 1, price=111.0)])
    for _ in range(3):
        house.trader.round()
    assert (house.trade.reached, house.trade.stop_price) == (1, 100.0)
    assert [o[0] for o in house.orders()].count("target") == 0
    house.store.analyses.add_many([structs.replace(analysis(80.0), candle_close=T0 + 2, price=121.0)])
    for _ in range(3):
        house.trader.round()
    assert by_leg(house, Leg.TARGET)[0].order.quantity == D("0.3")


def test_an_exit_waits_until_the_stop_that_locks_its_coins_has_gone(house, scripted):
    scripted.both = False
    opened(house, scripted)
    real = scripted.cancel

    def down(order):
        raise BrokerError("time-out")

    scripted.cancel = down
    order_exit(house.store, 1, house.clock.now())
    house.trader.round()
    assert by_leg(house, Leg.EXIT)[0].order.state is OrderState.NEW
    scripted.cancel = real
    house.trader.round()
    assert [o[:2] for o in house.orders()][1:] == [("stop", "cancelled"), ("exit", "open")]
    with pytest.raises(DataError, match="on its way out already"):
        order_exit(house.store, 1, house.clock.now())


def test_what_was_closed_by_hand_meanwhile_is_told_and_booked_no_second_time(house, scripted):
    opened(house, scripted)
    stop = by_leg(house, Leg.STOP)[0].order
    scripted.fill(stop.client_id, ("0.3", "90"))
    book_exit(house.store, 1, price=D(91), actor="cli:me", now=house.clock.now(), at=T0 + 5)
    for _ in range(3):
        house.trader.round()
    assert (house.trade.exit_price, len(house.store.fills.of(1))) == (91.0, 2)
    assert [t[0] for t in house.told] == ["TRADE_OPENED", "ORDER_REJECTED"]
    assert "trade 1 held 0" in house.told[-1][2]
    assert {o[1] for o in house.orders()} == {"filled", "cancelled"}


def test_the_kill_switch_leaves_what_protects_where_it_is(house, scripted):
    opened(house, scripted)
    set_pause(house.store, Pause.KILLED, "me", T0)
    move_stop(house.store, 1, 95.0, "cli:me", T0)
    sent = list(scripted.submitted)
    house.trader.round()
    assert by_leg(house, Leg.STOP)[0].order.state is OrderState.OPEN
    assert scripted.submitted == sent


@pytest.mark.parametrize(("account", "differs"), [("0.3", False), ("0.2991", False), ("0.299", True), ("-0.3", True)])
def test_an_account_that_holds_less_than_the_trades_is_noticed(house, scripted, account, differs):
    opened(house, scripted)
    scripted.account = D(account)
    found = house.trader.differences()
    assert bool(found) is differs
    if differs:
        assert found["BTC/USDT"] == f"the account holds {account}, the open trades say 0.3"
        house.trader.unguarded = frozenset(found)
        move_stop(house.store, 1, 95.0, "cli:me", T0)
        house.trader.round()
        assert [k.order.price for k in by_leg(house, Leg.STOP)] == [D(90)]


def test_an_entry_on_its_way_counts_as_an_open_trade(house, scripted):
    order = house.approve()
    assert [t.symbol for t in standing(house.store, 0, "UTC", T0).open_trades] == ["BTC/USDT"]
    house.trader.round()
    scripted.fill(order.client_id, ("0.1", "100"), state=OrderState.OPEN)
    house.trader.round()
    assert [t.id for t in standing(house.store, 0, "UTC", T0).open_trades] == [1]


def test_a_broker_that_is_down_is_not_asked_about_every_order(house, scripted):
    opened(house, scripted)
    for _ in range(3):
        house.approve()
    house.trader.round()
    asked = []

    def down(order):
        asked.append(order.client_id)
        raise BrokerError("time-out")

    scripted.find = down
    house.trader.round()
    assert len(asked) == 3


def test_an_exit_takes_back_an_entry_that_still_grows(house, scripted):
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.1", "100"), state=OrderState.OPEN)
    house.trader.round()
    order_exit(house.store, 1, house.clock.now())
    scripted.fill(order.client_id, ("0.1", "100"), ("0.05", "100"), state=OrderState.OPEN)
    for _ in range(2):
        house.trader.round()
    assert [o[:2] for o in house.orders()] == [("entry", "cancelled"), ("exit", "open")]
    assert by_leg(house, Leg.EXIT)[0].order.quantity == D("0.15")


def test_what_still_came_after_a_trade_was_closed_by_hand_is_a_trade_of_its_own(house, scripted):
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.1", "100"), state=OrderState.OPEN)
    house.trader.round()
    book_exit(house.store, 1, price=D(101), actor="cli:me", now=house.clock.now(), at=T0 + 5)
    scripted.fill(order.client_id, ("0.1", "100"), ("0.2", "102"))
    for _ in range(4):
        house.trader.round()
    first, second = house.store.trades.list()
    assert (first.state, second.state, second.quantity, second.entry_price) == ("closed", "open", 0.2, 102.0)
    assert len(house.store.fills.of(2)) == 1
    assert [(k.order.leg.value, k.order.quantity) for k in house.store.orders.of_trade(2)][-3:-2] == [
        ("stop", D("0.2"))
    ]
