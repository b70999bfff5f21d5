"""A life of the daemon in the self-test: the real one, on a scripted market, until it is killed.

`python -m hybridd.selftest.life` reads orders, one a line, and forks a daemon for each: what it has imported once need
not be imported a thousand times.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from hybridd.alerts.compose import health_alert
from hybridd.app import assemble, database_url, hold
from hybridd.channels import channels_of
from hybridd.clock import Clock, SystemClock
from hybridd.config.schema import Settings
from hybridd.config.sections_tell import Alerts
from hybridd.delivery.channel import Channel
from hybridd.delivery.journal import JournalChannel
from hybridd.delivery.render import message_for
from hybridd.errors import UsageError
from hybridd.model.change import Reason
from hybridd.model.delivery import Delivery, DeliveryState
from hybridd.pipeline.heartbeat import heartbeat, last_beat
from hybridd.pipeline.service import Service
from hybridd.selftest import market
from hybridd.selftest.lanes import Lane
from hybridd.selftest.names import lead
from hybridd.selftest.points import Where, around, die, trace
from hybridd.selftest.props import Place
from hybridd.store.database import Database, open_database
from hybridd.store.migrations import MIGRATIONS, Migration, migrate, newest, version_of
from hybridd.store.store import Store, open_store

BROKEN = 70
"""Exit code of a life that a defect ended."""
BEGIN = 1_750_000_200_000
CANDLES_A_SECOND = 2
DOWN = 1
"""Candles that close while the daemon is dead: the next life has something to tell at once."""
NO_LIMIT = ("rate", "rate_critical", "flapping_turns", "sms_reserve")
"""Limits on how much a person is told, lifted where there are such: the market of the self-test never rests."""
LANES = "hybridd.selftest.lanes:LANES"
LIBRARIES = ("hybridd.http_client", "twilio.rest", "vonage_sms", "firebase_admin.messaging", "pywebpush", "py_vapid")
"""What channels load with their first message."""


def settings_of(folder: str, names: Sequence[str], lanes: Sequence[Lane], place: Place) -> Settings:
    """The settings of the daemon that is tried: alerts go to `names` at once, nothing is held back, nothing too old
    to be sent. Of `lanes` are the channels; of two of a kind the settings name the last."""
    steps = ({"after": "0s", "channels": tuple(names)},)
    value: dict[str, Any] = {
        "monitor": {"symbols": ("BTC/USDT",), "timeframe": market.FRAME, "settle_seconds": 0.0},
        "market": {
            "source": "simulated",
            "history": 200,
            "context": {
                "funding": False,
                "open_interest": False,
                "order_book": False,
                "sentiment_url": "",
                "macro_url": "",
            },
        },
        "analysis": {"brain": "hybridd.selftest.market:brain"},
        "alerts": {
            "cooldown": "0s",
            "time_to_live": "3000d",
            "daily_sms_segments": 100_000,
            **{name: 0 for name in NO_LIMIT if name in Alerts.model_fields},
            "route": ({"severity": ("info", "warning", "critical"), "steps": steps},),
        },
        "dashboard": {"enabled": False},
        "health": {"drill": ""},
        "database": {"url": f"sqlite:///{folder}/state.db"},
    }
    for lane in lanes:
        value |= lane.settings(place)
    return Settings.model_validate(value)


def lanes_at(place: str) -> Sequence[Lane]:
    """The table of lanes at `module:name`."""
    module, _, name = place.partition(":")
    found: Sequence[Lane] = getattr(import_module(module), name)
    return found


def channels_for(folder: str, lanes: Sequence[Lane], place: Place, store: Store, clock: Clock) -> list[Channel]:
    """hybridd's own channels as settings have them, each lane's from settings that name it alone; and the journal."""
    made: list[Channel] = [JournalChannel()]
    for lane in lanes:
        settings = settings_of(folder, [lane.name], [lane], place)
        found = [lane.make(place)] if lane.make else channels_of(settings, store, clock)
        channel = next((one for one in found if one.name == (lane.kind or lane.name)), None)
        if channel is None:
            raise UsageError(f"the self-test has no channel {lane.name}", remedy="correct its table of lanes")
        channel.name = lane.name
        made.append(channel)
    return made


def live(order: Mapping[str, Any]) -> int:
    """Run the daemon as the order wants; the exit code where it ends by itself."""
    market.quiet = order["quiet"]
    lanes = lanes_at(order["lanes"])
    lead(order["ports"])
    folder, place = order["folder"], order["place"]
    settings = settings_of(folder, [lane.name for lane in lanes], lanes, place)
    url = database_url(settings)
    if order.get("where") == Where.MIGRATION:
        _die_in_migration(url, order["count"])
    trace(order)
    clock = SystemClock(CANDLES_A_SECOND * market.STEP / 1000, start=_resume(url))
    store = open_store(url, clock=clock)
    try:
        with hold(store):
            channels = [around(channel, order) for channel in channels_for(folder, lanes, place, store, clock)]
            parts = assemble(settings, store, clock, channels)
            service = Service(
                parts=parts,
                store=store,
                clock=clock,
                assemble=lambda: assemble(settings, store, clock, channels),
                environ={},
            )
            return 0 if service.run() else 1
    finally:
        store.close()


def _resume(url: str) -> int:
    """When the next life begins: a little after the end of the one before."""
    store = open_store(url, clock=SystemClock())
    try:
        newest_close = max((analysis.candle_close for analysis in store.analyses.latest()), default=0)
        beat = last_beat(heartbeat(store))
    finally:
        store.close()
    return max(newest_close + DOWN * market.STEP, beat, BEGIN)


def _die_in_migration(url: str, count: int) -> None:
    database = open_database(url)
    if version_of(database) == newest():
        migrate(database, BEGIN, (*MIGRATIONS, _Step(count).migration))
    die()


class _Step:
    """A step of the schema that dies after so many of its statements; the state must be as it was before."""

    _STATEMENTS = (
        'CREATE TABLE "selftest" ("id" INTEGER NOT NULL PRIMARY KEY)',
        'ALTER TABLE "deliveries" ADD COLUMN "selftest" INTEGER',
        'UPDATE "deliveries" SET "state" = \'planned\', "selftest" = 1',
        'DELETE FROM "attempts"',
        'DELETE FROM "audit"',
        'UPDATE "alerts" SET "state" = \'firing\'',
        'INSERT INTO "selftest" VALUES (1)',
    )

    def __init__(self, count: int) -> None:
        self._count = count
        self.migration = Migration(number=newest() + 1, title="self-test", apply=self._apply)

    def _apply(self, database: Database) -> None:
        for statement in self._STATEMENTS[: self._count]:
            database.engine.cursor().execute(statement)
        die()


def warm() -> None:
    """Do once what every life would begin with: templates are read, libraries imported."""
    alert = health_alert(Reason.TEST, "hybridd", "warming up", BEGIN, market.STEP, simulated=True)
    delivery = Delivery(
        id=1, alert_id=1, channel="journal", recipient="journal", step=0, state=DeliveryState.LEASED, attempts=1,
        next_at=BEGIN, deadline=BEGIN,
    )  # fmt: skip
    message_for(alert, delivery, zone="UTC", repeat=False)
    for library in LIBRARIES:
        import_module(library)


def _say(value: Mapping[str, int]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _born(order: Mapping[str, Any]) -> int:
    # Whoever gave the order may die before saying that it is enough.
    signal.alarm(int(order["limit_s"]))
    try:
        return live(order)
    except BaseException:  # noqa: BLE001 - what was forked must end here, and never go on as what it was forked from
        traceback.print_exc()
        return BROKEN
    finally:
        sys.stderr.flush()


def main() -> None:
    """Answer each order with the process's number, and its end with the status that the system gives."""
    warm()
    _say({"ready": os.getpid()})
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_born(order))
        _say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        _say({"status": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
