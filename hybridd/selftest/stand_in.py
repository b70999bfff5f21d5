"""A channel of the self-test for a kind of provider whose own host cannot be moved to this machine."""

import json
from urllib.parse import quote

from hybridd.errors import HttpFailed
from hybridd.http_client import fetch
from hybridd.model.delivery import Failure, Message, Outcome


class StandIn:
    """POSTs a message to `url`. `idempotent`: the receiver takes the key for what it is, as a webhook's does; else it
    keeps every copy, as an SMS provider does, and can be asked by reference where it is `askable`."""

    def __init__(self, *, name: str, url: str, idempotent: bool, askable: bool) -> None:
        self.name, self.idempotent = name, idempotent
        self._url, self._askable = url, askable

    @property
    def recipients(self) -> tuple[str, ...]:
        """One, of no importance."""
        return ("somebody",)

    def send(self, message: Message) -> Outcome:
        """POST it once."""
        headers = {"Idempotency-Key": message.key} if self.idempotent else {}
        value = {"reference": message.key, "text": message.short, "repeat": message.repeat}
        return self._ask("POST", self._url, headers, json.dumps(value).encode())

    def find(self, message: Message) -> Outcome | None:
        """Ask whether a message of this reference is there."""
        if not self._askable:
            return None
        found = self._ask("GET", f"{self._url}?reference={quote(message.key)}", {}, None)
        return found if found.failure is None else None

    def check(self) -> Outcome:
        """Whether anybody listens."""
        return self._ask("OPTIONS", self._url, {}, None)

    def close(self) -> None:
        """Holds no connection."""

    def _ask(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> Outcome:
        try:
            answer = fetch(method, url, headers=headers, content=content)
        except HttpFailed as error:
            failure = Failure.UNKNOWN if error.maybe_received else Failure.RETRY
            return Outcome(failure=failure, detail=str(error))
        if not answer.ok:
            return Outcome(failure=Failure.RETRY, detail=f"HTTP {answer.status}")
        return Outcome(provider_id=answer.text[:60], detail="taken")
