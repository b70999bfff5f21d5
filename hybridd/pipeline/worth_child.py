"""The child that works out what decisions, odds and layers were worth: a question on standard input, JSON out."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would each take memory, for sums of a few thousand

from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.config.sources import Written
from hybridd.config.validate import validate
from hybridd.delivery.figures import zone_of
from hybridd.errors import HybriddError
from hybridd.pipeline.calibration_file import calibration_in_force
from hybridd.pipeline.page_blocks import Blocks, plain_blocks
from hybridd.pipeline.report_trades import Span, span_of
from hybridd.pipeline.reporting import brain_of, journal_of, report_rules
from hybridd.pipeline.worth import Topic
from hybridd.reports import journal_words, odds_worth
from hybridd.store.store import Store, open_store

_SECTIONS = ("monitor", "analysis", "alerts", "trading")


def main() -> None:
    """Read, work it out, write."""
    scene = json.load(sys.stdin)
    try:
        sys.stdout.write(json.dumps(answer(scene)))
    except HybriddError as error:
        sys.exit(str(error))


def answer(scene: Mapping[str, Any]) -> dict[str, object]:
    """The blocks of the page, the end of the period, and what the brain was taught."""
    settings = validate(Written({name: scene["settings"].get(name, {}) for name in _SECTIONS})).settings
    store = open_store(f"sqlite:///{scene['path']}", clock=SystemClock(), migrate=False)
    try:
        span, topic = span_of(store, scene["days"], scene["now"]), Topic(scene["topic"])
        blocks = _journal(store, span, settings) if topic is Topic.JOURNAL else _brain(store, span, settings)
    finally:
        store.close()
    return {"blocks": blocks, "end": span.end, "calibration": _taught(settings) if topic is Topic.BRAIN else {}}


def _journal(store: Store, span: Span, settings: Settings) -> Blocks:
    rules = report_rules(settings)
    return plain_blocks(journal_words.section(journal_of(store, span, rules), zone_of(rules.zone)))


def _brain(store: Store, span: Span, settings: Settings) -> Blocks:
    return plain_blocks(odds_worth.section(*brain_of(store, span, report_rules(settings))))


def _taught(settings: Settings) -> dict[str, object]:
    if settings.analysis.command or settings.analysis.brain != "hybridd":
        return {"own": True}
    try:
        found = calibration_in_force(settings.analysis.calibration)
    except HybriddError as error:
        return {"trouble": str(error)}
    return {
        "source": settings.analysis.calibration,
        "version": found.version,
        "symbols": list(found.symbols),
        "timeframe": found.timeframe,
        "candles": found.candles,
        "first": found.first,
        "last": found.last,
        "weights": dict(settings.analysis.weights),
    }


if __name__ == "__main__":
    main()
