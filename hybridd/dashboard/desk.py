"""What the web may do: look things up in the state, and hand answers to the pipeline. It holds no key and no secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hybridd.clock import Clock
from hybridd.dashboard import api_tokens
from hybridd.errors import DataError
from hybridd.model.alert import Alert
from hybridd.model.proposal import Proposal, ProposalEvent
from hybridd.pipeline.acknowledge import acknowledge
from hybridd.pipeline.answer_links import answer_by_link, shown_by
from hybridd.pipeline.decide import Answer, Answered, Result, decide
from hybridd.pipeline.page_words import AlertWords, ProposalWords, alert_words, difference, proposal_words
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import Store

LONGEST_REASON = 300
CODE = re.compile(r"[0-9A-Fa-f]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


class Hooks(Protocol):
    """Takes what a provider calls us with, as it came: whether it is theirs finds out the watcher, who has the secrets.

    `url` is the address that was called, `signature` what came with it.
    """

    def take(self, kind: str, fields: Mapping[str, str], signature: str, url: str, now: int) -> bool:
        """Keep it; False for what is there already or says nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page says after an answer. `objections` and `changed` (name, then, now) where it is asked again.

    `token` is where the form of an answer that is asked again leads.
    """

    answered: Answered
    words: ProposalWords | None = None
    objections: tuple[str, ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()
    token: str = ""


class Desk:
    """Looks up and acts. Safe across threads."""

    def __init__(
        self, *, store: Store, rules: TradingRules, clock: Clock, broker: str = "manual", hooks: Hooks | None = None
    ) -> None:
        self.store, self.clock, self.broker, self.hooks = store, clock, broker, hooks
        self._rules = rules

    @property
    def zone(self) -> str:
        """The house's time zone, for whoever has not said another."""
        return self._rules.zone

    def look(self, token: str) -> ProposalWords | None:
        """What a link shows; None where it does not answer (any more). Changes nothing."""
        proposal = shown_by(self.store, token, self.clock.now())
        return self._words(proposal) if proposal else None

    def answer(self, token: str, code: str, event: ProposalEvent, reason: str) -> Told:
        """An answer by a link."""
        answered, fresh = answer_by_link(self.store, token, code, event, tidy(reason), self._rules, self.clock.now())
        then, now = answered.proposal, answered.renewed
        shown = now or then
        return Told(
            answered=answered,
            words=self._words(shown) if shown else None,
            objections=tuple(one.detail for one in answered.objections),
            changed=difference(then, now) if then and now else (),
            token=fresh,
        )

    def decide(
        self, proposal_id: int, event: ProposalEvent, who: str, channel: str, reason: str, shown: str = ""
    ) -> Answered:
        """An answer by somebody who is logged in. Raises DataError where there is no such proposal."""
        answer = Answer(
            proposal_id=proposal_id, event=event, actor=who, channel=channel, reason=tidy(reason), shown=shown
        )
        return decide(self.store, answer, self._rules, self.clock.now())

    def ack(self, alert_id: int, who: str) -> Alert:
        """Somebody has seen an alert. Raises DataError or IllegalTransition."""
        return acknowledge(self.store, alert_id, who, self.clock.now())

    def alert(self, alert_id: int) -> AlertWords:
        """An alert in words. Raises DataError where there is none."""
        alert = self.store.alerts.get(alert_id)
        if alert is None:
            raise DataError(f"there is no alert {alert_id}", remedy="`hybridd alerts list` shows them")
        return alert_words(self.store, alert, self._rules.zone, self.clock.now())

    def alerts(self, limit: int) -> list[AlertWords]:
        """The newest alerts, newest first."""
        now = self.clock.now()
        return [alert_words(self.store, alert, self._rules.zone, now) for alert in self.store.alerts.list(limit)]

    def open_proposals(self) -> list[ProposalWords]:
        """Those that wait for an answer."""
        found = [self._words(proposal) for proposal in self.store.proposals.open_ones()]
        return [words for words in found if words.is_open]

    def bearer(self, token: str) -> api_tokens.ApiToken | None:
        """Whose token for programs this is."""
        return api_tokens.find(self.store, token)

    def is_well(self) -> bool:
        """Whether the state can be read; raises StoreError where it cannot."""
        return self.store.events.last_id() >= 0

    def _words(self, proposal: Proposal) -> ProposalWords:
        return proposal_words(self.store, proposal, self._rules.zone, self.clock.now())


def is_dead_end(answered: Answered) -> bool:
    """Whether an answer came to nothing for a reason that is nobody's business but the link's holder's."""
    late = answered.decision is not None and answered.decision.event is ProposalEvent.EXPIRE
    # What nobody can carry out was asked by whoever may ask, and says why.
    stranger = answered.result is Result.REFUSED and not answered.objections
    return stranger or (answered.result is Result.LOST and late)


def tidy(text: str) -> str:
    """Words of a person as they are kept: one line, of a length, without what turns text around."""
    return " ".join(_CONTROL.sub(" ", text).split())[:LONGEST_REASON]
