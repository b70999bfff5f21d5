"""Charts for messages: drawn once an alert, and never at the cost of the alert."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

from hybridd.clock import Clock
from hybridd.delivery.figures import zone_of
from hybridd.errors import HybriddError
from hybridd.model.alert import Alert
from hybridd.pictures.alert_chart import AlertChart, can_draw, draw_alert
from hybridd.pipeline.chart_scene import chart_of
from hybridd.store.store import Store

log = logging.getLogger("hybridd.charts")

KEPT = 16
LATE_MS = 60_000
"""An alert that is so late already waits for no picture."""
REST_S = 600.0
"""After a drawing that failed nobody tries again for so long: at most one alert in that time has waited for nothing."""


class Charts:
    """The charts of one reader's zone. Safe to ask from several threads: a second asks for what the first draws."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        zone: str,
        thresholds: tuple[float, float],
        draw: Callable[[AlertChart], bytes] = draw_alert,
    ) -> None:
        self._store, self._clock, self._zone, self._thresholds = store, clock, zone_of(zone), thresholds
        self._draw = draw if can_draw() else None
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._rest_until = 0.0

    def of(self, alert: Alert) -> bytes:
        """The chart of a stored alert as PNG; empty where there is none to be had now. Never raises."""
        with self._lock:
            found = self._kept.get(alert.id)
            if found is None and self._may_draw(alert):
                found = self._kept[alert.id] = self._fresh(alert)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found or b""

    def _may_draw(self, alert: Alert) -> bool:
        if self._draw is None or alert.analysis is None or self._clock.monotonic() < self._rest_until:
            return False
        return self._clock.real_seconds(self._clock.now() - alert.created_at) * 1000 <= LATE_MS

    def _fresh(self, alert: Alert) -> bytes:
        try:
            chart = chart_of(self._store, alert, self._zone, self._thresholds)
            return self._draw(chart) if chart is not None and self._draw is not None else b""
        except HybriddError as error:
            log.warning("alert %d goes without a chart: %s", alert.id, error)
        except Exception:  # a defect in a picture must not cost the alert
            log.exception("alert %d goes without a chart", alert.id)
        self._rest_until = self._clock.monotonic() + REST_S
        return b""
