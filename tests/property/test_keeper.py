"""Whatever a source sends, the keeper ends where plain dictionaries end that look at everything anew each time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.market.keeper import SeriesKeeper, Update
from hybridd.market.quality import IncidentKind
from hybridd.model.candle import Candles, candles_from_rows
from hybridd.model.instrument import Instrument
from tests.unit.market.rows import M5, T0, row

BTC = Instrument("BTC", "USDT")
HISTORY = 12
ODD = (IncidentKind.UNORDERED, IncidentKind.DUPLICATE, IncidentKind.QUARANTINED)

Rows = dict[int, tuple]
Told = list[tuple[IncidentKind, int, int]]


@dataclass
class RaggedFeed:
    """Answers from `table`, each time in the order and with the repetitions of `shuffle`; remembers what it sent."""

    name: str = "ragged"
    simulated: bool = True
    clock: int = T0
    table: Rows = field(default_factory=dict)
    shuffle: list[int] = field(default_factory=list)
    sent: list[list[tuple]] = field(default_factory=list)

    def now(self):
        return self.clock

    def instrument(self, text):
        return BTC

    def rows(self, instrument, timeframe, since, limit):
        found = [self.table[k] for k in sorted(self.table) if since <= self.table[k][0] < since + limit * M5.ms]
        for place in self.shuffle:
            if found:
                found.insert(place % (len(found) + 1), found[(place * 7) % len(found)])
        self.sent.append(found)
        return found

    def close(self):
        pass


@dataclass
class Plain:
    """The same rules over dictionaries, place by place: what is known, and what one update would tell."""

    known: Rows = field(default_factory=dict)

    def update(self, answers: list[list[tuple]], closed_before: int, count: int) -> tuple[set[int], Told]:
        before, told, found = dict(self.known), [], set()
        for turn, answer in enumerate(answers):
            earlier, sent = dict(self.known), {}
            for one in answer:
                place = (int(one[0]) - T0) // M5.ms
                if one[3] <= 0 or place >= closed_before:  # the rubbish of these tests has no price
                    continue
                if place in sent and sent[place] != one:
                    told.append((IncidentKind.REVISION, place, 1))
                sent[place] = one
            told += [(IncidentKind.REVISION, k, 1) for k in sent if k in earlier and earlier[k] != sent[k]]
            self.known |= sent
            if turn == 0:
                found = set(holes(self.known)) - set(holes(before))
        self.known = {k: self.known[k] for k in sorted(self.known)[-count:]}
        fresh = set(self.known) - set(before)
        told += [
            (IncidentKind.GAP, at, n) for at, n in holes(self.known) if fresh and not {at - 1, at + n} <= set(before)
        ]
        for at, n in [*holes(before), *found]:
            arrived = sorted(k for k in range(at, at + n) if k in (fresh if (at, n) in holes(before) else self.known))
            told += [(IncidentKind.GAP_FILLED, arrived[0], len(arrived))] if arrived else []
        return fresh, told


def holes(known: Rows) -> list[tuple[int, int]]:
    places = sorted(known)
    return [(a + 1, b - a - 1) for a, b in pairwise(places) if b - a > 1]


def as_rows(candles: Candles) -> Rows:
    names = ("open_time", "open", "high", "low", "close", "volume")
    columns = [getattr(candles, name).tolist() for name in names]
    return {(one[0] - T0) // M5.ms: one for one in zip(*columns, strict=True)}


def news(update: Update) -> Told:
    told = [(i.kind, (i.open_time - T0) // M5.ms, i.count) for i in update.incidents]
    return sorted(one for one in told if one[0] not in ODD)


def stored_after(stored: Rows, update: Update) -> Rows:
    """What a state holds that is told of nothing but news: fresh candles, and those that were corrected."""
    now = as_rows(update.candles)
    revised = {k for kind, k, _ in news(update) if kind is IncidentKind.REVISION and k in now}
    return stored | {k: now[k] for k in revised} | as_rows(update.fresh)


STEP = st.fixed_dictionaries(
    {
        "further": st.integers(1, 3),
        "late": st.lists(st.integers(0, 6), max_size=3),
        "revised": st.lists(st.integers(0, 4), max_size=2),
        "bad": st.booleans(),
        "shuffle": st.lists(st.integers(0, 9), max_size=3),
        "restart": st.sampled_from([False, False, False, True]),
    }
)


def play(steps: list[dict]) -> Iterator[tuple[RaggedFeed, int, dict]]:
    feed, place, missing = RaggedFeed(), 20, set()
    feed.table = {k: row(k) for k in range(place)}
    for number, step in enumerate(steps):
        newest = range(place, place + step["further"])
        missing = (missing | {place + late - 3 for late in step["late"]}) if number % 3 else set()
        feed.table |= {k: row(k) for k in range(place - 12, newest.stop) if k not in feed.table and k not in missing}
        feed.table |= {
            k: row(k, 50.0 + number) for back in step["revised"] if (k := newest.stop - 1 - back) in feed.table
        }
        if step["bad"]:
            feed.table[newest.stop - 1] = (*row(newest.stop - 1)[:3], 0.0, 1.0, 1.0)
        elif feed.table.get(place - 1, (0, 0, 0, 1))[3] == 0:
            feed.table[place - 1] = row(place - 1)
        place, feed.clock, feed.shuffle = newest.stop, T0 + newest.stop * M5.ms, step["shuffle"]
        yield feed, place, step


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEP, min_size=2, max_size=12))
def test_gaps_corrections_disorder_and_restarts_end_where_plain_dictionaries_end(steps):
    keeper, plain, stored = None, Plain(), {}
    for feed, place, step in play(steps):
        if keeper is None or step["restart"]:
            keeper = SeriesKeeper(feed=feed, history=HISTORY)
            kept = {k: stored[k] for k in sorted(stored)[-HISTORY:]}
            keeper.seed(BTC, M5, candles_from_rows(M5.ms, list(kept.values())))
            plain.known = kept
        feed.sent.clear()
        update = keeper.update(BTC, M5)
        fresh, told = plain.update(feed.sent, place, len(update.candles))
        assert as_rows(update.candles) == plain.known
        assert set(as_rows(update.fresh)) == fresh
        assert as_rows(update.fresh) == {k: plain.known[k] for k in sorted(fresh)}
        assert news(update) == sorted(told)
        stored = stored_after(stored, update)
        assert {k: stored[k] for k in plain.known} == plain.known, "what is told is enough to begin again with"
