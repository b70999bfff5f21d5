"""The daemon's state as plain values: what `status` shows and the dashboard will."""

from collections.abc import Mapping
from typing import Any

from hybridd.pipeline.heartbeat import heartbeat, next_run_of, state_of, wrong_with
from hybridd.store.store import Store

MISSED_SHOWN_MS = 7 * 86_400_000


def status_report(store: Store, now: int) -> dict[str, Any]:
    """How the daemon is. `state` is ok, degraded, stopped, silent or never started; times in ms UTC.

    `now` is the wall's time; the report's own `now` is the market's, which runs ahead in a demo at speed.
    """
    service = heartbeat(store)
    return {
        "state": state_of(service, now),
        "now": now + int(service.get("ahead_ms", 0)),
        "version": service.get("version", ""),
        "simulated": bool(service.get("simulated")),
        "source": service.get("source", ""),
        "timeframe": service.get("timeframe") or "",
        "started_at": service.get("started_at"),
        "heartbeat_at": service.get("heartbeat_at"),
        "next_run": next_run_of(service, now),
        "wrong": wrong_with(service, now),
        "analyses": _analyses(store, service),
        "channels": _channels(store, service),
        "outbox": dict(store.outbox.counts()),
        "addresses": _addresses(store),
        "missed": _missed(store, now + int(service.get("ahead_ms", 0))),
    }


def _analyses(store: Store, service: Mapping[str, Any]) -> list[dict[str, Any]]:
    symbols, timeframe = service.get("symbols", ()), service.get("timeframe")
    return [
        {
            "symbol": a.symbol,
            "candle_close": a.candle_close,
            "price": a.price,
            "score": a.score,
            "signal": a.signal.value,
            "confidence": a.confidence,
            "degraded": a.degraded,
            "simulated": a.simulated,
        }
        for a in store.analyses.latest()
        if not symbols or (a.symbol in symbols and a.timeframe == timeframe)
    ]


def _channels(store: Store, service: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "to": to,
            "last_told": store.outbox.last_told(name),
            "unproven": service.get("unproven", {}).get(name, ""),
        }
        for name, to in service.get("channels", {}).items()
    ]


def _addresses(store: Store) -> list[dict[str, Any]]:
    return [
        {"channel": a.channel, "address": a.address, "kind": a.kind, "reason": a.reason, "since": a.since}
        for a in store.addresses.disabled()
    ]


def _missed(store: Store, now: int) -> list[dict[str, Any]]:
    return [
        {
            "id": missed.alert.id,
            "subject": missed.alert.subject,
            "reasons": [reason.value for reason in missed.alert.reasons],
            "created_at": missed.alert.created_at,
            "missed_at": missed.at,
        }
        for missed in store.missed.since(now - MISSED_SHOWN_MS)
    ]
