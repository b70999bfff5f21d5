"""Answers: what people and providers send back is worked on once, in one transaction each, whoever brought it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hybridd.delivery.answer_words import Answer, Words, parse
from hybridd.delivery.callbacks import PATHS, receipt_of
from hybridd.errors import DataError, StoreError
from hybridd.model.inbound import Inbound
from hybridd.model.proposal import ProposalEvent
from hybridd.model.state import IllegalTransition
from hybridd.pipeline.acknowledge import acknowledge
from hybridd.pipeline.decide import Result, by_code
from hybridd.pipeline.hooks import HookKeys, fields_of, why_forged
from hybridd.pipeline.receipts import apply
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.inbox import Entry, EntryEvent, EntryState
from hybridd.store.store import Store

log = logging.getLogger("hybridd.answers")

REPLY = "reply"
LONGEST_TEXT = 1_000
AT_ONCE = 1_000
PATIENCE_MS = 600_000
"""A provider may report on a message before its acceptance is written down: the report waits for as long as this."""


def keep(store: Store, inbound: Inbound, now: int) -> bool:
    """Keep a person's words as they came; whether they are new."""
    entry = Entry(
        channel=inbound.channel,
        kind=REPLY,
        provider_id=inbound.id,
        sender=inbound.sender,
        text=inbound.text[:LONGEST_TEXT],
        received_at=now,
        data={"at": str(inbound.at)},
    )
    return store.inbox.add(entry) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What a round came to: how many entries had their effect, and whether deliveries have become due by it."""

    obeyed: int = 0
    hurried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Office:
    """Who may answer, by channel, the rules by which proposals are decided, and what providers sign with."""

    recipients: Mapping[str, Sequence[str]]
    rules: TradingRules
    keys: HookKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What comes of an entry; `event` None: it is too early to say."""

    event: EntryEvent | None
    outcome: str
    hurried: bool = False


def work(
    store: Store,
    recipients: Mapping[str, Sequence[str]],
    now: int,
    rules: TradingRules | None = None,
    keys: HookKeys | None = None,
) -> Worked:
    """Work on what is new in the inbox. `recipients`: who may answer, by channel; `rules`: of decisions; `keys`: what
    providers sign with."""
    # People before reports: these may have to wait for their message, and must keep nobody waiting.
    entries = sorted(store.inbox.new(AT_ONCE), key=lambda entry: entry.kind in REPORTS)
    office = _Office(recipients=recipients, rules=rules or TradingRules(), keys=keys or HookKeys())
    done = [_one(store, entry, office, now) for entry in entries]
    return Worked(
        obeyed=sum(verdict.event is EntryEvent.OBEY for verdict in done),
        hurried=any(verdict.hurried for verdict in done),
    )


def _one(store: Store, entry: Entry, office: _Office, now: int) -> _Verdict:
    try:
        with store.transaction():
            current = store.inbox.get(entry.id)
            if current is None or current.state is not EntryState.NEW:
                return _Verdict(event=None, outcome="somebody else was first")
            verdict = KINDS.get(entry.kind, _unheard_of)(store, entry, office, now)
            if verdict.event is not None:
                store.inbox.settle(entry.id, verdict.event, verdict.outcome, now)
    except StoreError:
        raise
    except Exception as error:  # the worker shell: one entry that cannot be worked on must not keep back the others
        log.exception("%s by %s cannot be worked on", _what(entry), entry.channel)
        verdict = _ignored(f"a defect of hybridd: {type(error).__name__}")
        store.inbox.settle(entry.id, EntryEvent.IGNORE, verdict.outcome, now)
    if verdict.event is not None:
        log.info("%s by %s: %s", _what(entry), entry.channel, verdict.outcome)
    return verdict


def _what(entry: Entry) -> str:
    return f"report on {entry.provider_id}" if entry.kind in REPORTS else f"answer {entry.provider_id}"


def _ignored(outcome: str) -> _Verdict:
    return _Verdict(event=EntryEvent.IGNORE, outcome=outcome)


def _reply(store: Store, entry: Entry, office: _Office, now: int) -> _Verdict:
    known = next((to for to in office.recipients.get(entry.channel, ()) if same_address(to, entry.sender)), None)
    if known is None:
        store.audit.append(entry.sender, "answer.stranger", entry.channel, {"inbox": entry.id}, now)
        log.warning("somebody who is no recipient of %s wrote to hybridd: ignored", entry.channel)
        return _ignored("from a stranger")
    words = parse(entry.text)
    if words is None:
        return _ignored("not understood")
    if words.answer is not Answer.ACK:
        return _decided(store, words, known, entry.channel, office.rules, now)
    try:
        acknowledge(store, words.id, f"{entry.channel}:{known}", now)
    except IllegalTransition:
        alert = store.alerts.get(words.id)
        return _ignored(f"alert {words.id} is {alert.state} already" if alert else f"there is no alert {words.id}")
    except DataError as error:
        return _ignored(error.message)
    return _Verdict(event=EntryEvent.OBEY, outcome=f"alert {words.id} is acknowledged")


def _decided(store: Store, words: Words, sender: str, channel: str, rules: TradingRules, now: int) -> _Verdict:
    event = ProposalEvent.APPROVE if words.answer is Answer.YES else ProposalEvent.REJECT
    answered = by_code(store, words.id, words.code, event, sender, channel, rules, now)
    if answered.result is Result.DONE:
        return _Verdict(event=EntryEvent.OBEY, outcome=f"proposal {words.id}: {event}")
    reasons = [one.detail for one in answered.objections] or [answered.why]
    if answered.result is Result.LOST and answered.decision is not None:
        reasons = [f"{answered.decision.event} by {answered.decision.actor} stands"]
    return _ignored(f"proposal {words.id}, {answered.result}: {'; '.join(reasons)}")


def _called(store: Store, entry: Entry, office: _Office, now: int) -> _Verdict:
    """A provider's call, if it is one: whatever else comes to an open address is kept, and has no effect."""
    why = why_forged(entry, office.keys)
    if why:
        store.audit.append("stranger", "hook.refused", entry.channel, {"inbox": entry.id, "why": why}, now)
        log.warning("a call to hybridd's address for %s is refused: %s", entry.kind, why)
        return _ignored(f"refused: {why}")
    return (_report if entry.kind in REPORTS else _reply)(store, entry, office, now)


def _report(store: Store, entry: Entry, _: _Office, now: int) -> _Verdict:
    receipt = receipt_of(entry.kind, fields_of(entry), entry.received_at)
    if receipt is None:
        return _ignored("nothing certain")
    applied = apply(store, entry.channel, receipt, now)
    if applied.delivery is None:
        if now - entry.received_at < PATIENCE_MS:
            return _Verdict(event=None, outcome="no message of this name yet")
        return _ignored("no message of this name")
    return _Verdict(event=EntryEvent.OBEY, outcome=f"{applied.delivery.state}", hurried=applied.hurried)


def _unheard_of(_: Store, entry: Entry, __: _Office, ___: int) -> _Verdict:
    return _ignored(f"nobody knows what a {entry.kind} is")


Worker = Callable[[Store, Entry, _Office, int], _Verdict]
REPORTS = frozenset({"twilio_status", "vonage_dlr"})
KINDS: dict[str, Worker] = {
    REPLY: _reply,
    **dict.fromkeys(PATHS, _called),
}


def same_address(one: str, other: str) -> bool:
    """Whether two addresses mean the same: case, and a number's plus, spaces and dashes, do not count."""
    return _plain(one) == _plain(other)


def _plain(address: str) -> str:
    text = address.strip().casefold()
    digits = text.translate({ord(c): None for c in " -()./"})
    number = digits.removeprefix("+").removeprefix("00")
    return number if number.isascii() and number.isdigit() and len(number) >= 7 and text[:1] != "-" else text
