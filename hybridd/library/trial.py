"""A test alert for whoever asks: by the daemon that runs, or by oneself where none does."""

import contextlib
import time

from hybridd.app import assemble, database_url, hold
from hybridd.channels import channels_of
from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.errors import HybriddError, InstanceRunning
from hybridd.model.delivery import Delivery
from hybridd.pipeline.drill import post_drill
from hybridd.pipeline.heartbeat import clock_of
from hybridd.pipeline.trial import LIVES_MS, deliver_test, is_tried, outcome, post_test
from hybridd.store.store import Store, open_store

PATIENCE_S = 45.0
"""Longer than the daemon's couriers ever sleep, shorter than a person's patience."""


def send_test(settings: Settings, names: list[str], *, real: bool = False, drill: bool = False) -> list[Delivery]:
    """Send a test and wait for the outcome, at most PATIENCE_S. `real`: by the daemon that runs, or not at all.

    A `drill` goes to all channels that reach a person, and is remembered where it fails.
    """
    store = open_store(database_url(settings), clock=SystemClock())
    try:
        clock = clock_of(store)
        if real:
            _need_daemon(store)
        channels = {channel.name: channel.recipients for channel in channels_of(settings, store, clock)}
        # A courier that sleeps wakes by the wall's time, also where the market's runs fast.
        lives_ms = round(LIVES_MS * max(1.0, clock.speed))
        alert_id = (post_drill if drill else post_test)(store, channels, names, clock.now(), lives_ms=lives_ms)
        carry(settings, store, alert_id, clock)
        return outcome(store, alert_id)
    finally:
        store.close()


def _need_daemon(store: Store) -> None:
    with contextlib.suppress(InstanceRunning), hold(store):
        raise HybriddError(
            f"no daemon works on {store.path}: nobody can send a test as it would",
            remedy="start hybridd, or leave out --real",
        )


def carry(settings: Settings, store: Store, alert_id: int, clock: SystemClock) -> None:
    """Wait, at most PATIENCE_S, until an alert has been tried everywhere: by the daemon, or here where none runs."""
    end = time.monotonic() + PATIENCE_S
    try:
        with hold(store):
            parts = assemble(settings, store, clock)
            try:
                deliver_test(store, parts.couriers, alert_id, lambda: time.monotonic() > end)
            finally:
                parts.close()
    except InstanceRunning:
        # The daemon's own couriers take it: that is the way which a real alert goes.
        while not is_tried(store, alert_id) and time.monotonic() < end:
            time.sleep(0.2)
